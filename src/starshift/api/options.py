"""What a user asks for, checked at once: every problem in one message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from starshift import catalogue
from starshift.augmentation import POLICIES
from starshift.data import kinds, known
from starshift.data import pattern as patterns
from starshift.data.kinds import Wanted
from starshift.data.known import Columns, Known, Option
from starshift.data.pattern import Pattern
from starshift.data.read import LabelFile
from starshift.data.sniff import family_of
from starshift.errors import StarshiftError, UsageError
from starshift.evaluation import resampling
from starshift.ladder.combining import SCRATCH_STUDENTS, STUDENTS
from starshift.ladder.families import select
from starshift.ladder.options import Options
from starshift.ladder.own import OwnRung, as_rung
from starshift.ladder.rungs import RUNGS, Rung
from starshift.ladder.variants import read_loss_weights
from starshift.learnware.store.places import usual_place
from starshift.recipe import AUTO, HEADS, LARGEST_SIZE, near
from starshift.records import NOUNS, Family
from starshift.report.words import listed

SMALLEST_SIZE = 18
"""The least side in pixels that --size takes: the smallest network's."""

DEFAULT_BUDGET_SECONDS = 300.0


@dataclass(frozen=True)
class Request:
    """A checked request to fit."""

    source: Path
    family: Family
    targets: tuple[Wanted, ...]  # as named; none: found
    labels: LabelFile | None
    rungs: tuple[Rung, ...]
    options: Options
    budget_seconds: float
    seed: int
    out: Path
    out_given: bool
    allow_leaks: bool
    min_per_class: int
    retrain_on_all: bool = False
    protocol: str = resampling.AUTO
    group_by: Known | None = None
    order_by: Known | None = None
    open_test_again: bool = False
    overlay: Path | None = None
    pattern: Pattern | None = None
    slice_by: Known | None = None
    unlabelled: Path | None = None
    store: str = ""  # that rungs search; "" where none of them does
    family_given: bool = False  # by the user; else it was seen

    @property
    def columns(self) -> Columns | None:
        """Where pictures have columns."""
        return self.labels or self.pattern


def check_request(
    source: str | Path,
    *,
    labels: str | Path | None = None,
    file_column: str | None = None,
    target: Targets = None,
    rungs: Sequence[str | OwnRung] | OwnRung | str = (),
    size: int | None = None,
    augment: str | None = None,
    base: str | None = None,
    budget: str | float = DEFAULT_BUDGET_SECONDS,
    seed: int = 0,
    out: str | Path | None = None,
    allow_leaks: bool = False,
    min_per_class: int = 2,
    retrain_on_all: bool = False,
    merge_stages: bool = False,
    head: str | None = None,
    loss_weights: LossWeights = None,
    protocol: str = resampling.AUTO,
    group_by: str | None = None,
    order_by: str | None = None,
    open_test_again: bool = False,
    overlay: str | Path | None = None,
    family: str | None = None,
    pattern: str | None = None,
    slice_by: str | None = None,
    student: str | None = None,
    unlabelled: str | Path | None = None,
    store: str | Path | None = None,
) -> Request:
    """Check every argument of `fit`, whose defaults are the same. Raises UsageError with all problems."""
    problems: list[str] = []
    seconds = checked(problems, parse_budget, budget, 0.0)
    kind, wanted = family_and_targets(problems, Path(source), target, family)
    chosen = _chosen(problems, rungs, kind, store=store is not None)
    none: tuple[str, ...] = ()
    bases = checked(problems, parse_bases, base, none)
    label_file, names = labels_of(problems, labels, pattern, file_column, wanted, kind)
    sliced = _known(problems, slice_by, "--slice-by")
    grouped = _known(problems, group_by, "--group-by")
    ordered = _known(problems, order_by, "--order-by")
    problems += _protocol_problems(protocol, ordered)
    weights = _loss_weights(problems, loss_weights, wanted)
    options = Options(
        size=size,
        bases=bases,
        augment=augment,
        merge_stages=merge_stages,
        head=head,
        loss_weights=weights,
        student=student,
    )
    problems += _picture_problems(options, overlay, chosen, kind)
    problems += _student_problems(student, unlabelled, chosen, kind)
    if store and chosen and not any(rung.searches for rung in chosen):
        problems.append("--store is for the rungs from-store and from-store-tuned, and neither is climbed.")
    problems += _number_problems(seed, min_per_class, NOUNS[kind])
    if problems:
        raise UsageError(problems)
    return Request(
        source=Path(source),
        family=kind,
        targets=wanted,
        labels=label_file,
        rungs=tuple(chosen),
        options=options,
        budget_seconds=seconds,
        seed=seed,
        out=Path(out) if out is not None else Path("runs") / run_name(Path(source)),
        out_given=out is not None,
        allow_leaks=allow_leaks,
        min_per_class=min_per_class,
        retrain_on_all=retrain_on_all,
        protocol=protocol,
        group_by=grouped,
        order_by=ordered,
        open_test_again=open_test_again,
        overlay=Path(overlay) if overlay is not None else None,
        pattern=names,
        slice_by=sliced,
        unlabelled=Path(unlabelled) if unlabelled is not None else None,
        store=str(store or usual_place()) if any(rung.searches for rung in chosen) else "",
        family_given=family is not None,
    )


def _known(problems: list[str], text: str | None, option: Option) -> Known | None:
    """What --group-by or --order-by name; None where it is not given, or is wrong, which is noted."""
    return None if text is None else checked(problems, lambda given: known.parse(given, option), text, None)


def _number_problems(seed: int, min_per_class: int, noun: str) -> list[str]:
    """Which numbers are too small."""
    problems = [f"--seed must be 0 or more; {seed} came."] if seed < 0 else []
    if min_per_class < 2:
        problems.append(
            f"--min-per-class must be at least 2, one {noun} to train on and one to validate; {min_per_class} came."
        )
    return problems


def _picture_problems(options: Options, overlay: str | Path | None, rungs: Sequence[Rung], family: Family) -> list[str]:
    """What is wrong with the options that are for pictures; of other families, that they are given at all."""
    if family != "pictures":
        given = {
            "--size": options.size is not None,
            "--base": bool(options.bases),
            "--augment": options.augment is not None,
            "--head": options.head is not None,
            "--merge-stages": options.merge_stages,
            "--overlay": overlay is not None,
        }
        named = [name for name, is_given in given.items() if is_given]
        belong = "belongs" if len(named) == 1 else "belong"
        return [f"{listed(named)} {belong} to pictures; the source is read as {family}."] if named else []
    problems = [*_augment_problems(options.augment, rungs), *_head_problems(options.head, rungs)]
    if overlay is not None and not Path(overlay).is_file():
        problems.append(f"There is no overlay file '{overlay}' (--overlay); `starshift review` makes one.")
    if options.merge_stages and rungs and not any("fine-tuned" in rung.builders for rung in rungs):
        problems.append("--merge-stages is for the rung fine-tuned, and it is not climbed.")
    if options.size is not None and not SMALLEST_SIZE <= options.size <= LARGEST_SIZE:
        problems.append(
            f"--size is the side of the pictures, {SMALLEST_SIZE} to {LARGEST_SIZE} pixels; {options.size} came."
        )
    return problems


def _protocol_problems(protocol: str, ordered: Known | None) -> list[str]:
    """What is wrong with --protocol."""
    if protocol == resampling.AUTO:
        return []
    problems: list[str] = []
    parsed = checked(problems, resampling.parse, protocol, None)
    if parsed and parsed.repeats > 1 and ordered:
        problems.append(
            f"--protocol {protocol} draws folds again and again, and --order-by leaves one way to cut them in time. "
            f"Give --protocol {parsed.folds}-fold."
        )
    return problems


def _chosen(
    problems: list[str], rungs: Sequence[str | OwnRung] | OwnRung | str, family: Family, *, store: bool
) -> list[Rung]:
    """The rungs by name, in the ladder's order, then those of the user's own; problems are noted."""
    given = list(rungs.split(",")) if isinstance(rungs, str) else [rungs] if isinstance(rungs, OwnRung) else list(rungs)
    own = [one for one in given if isinstance(one, OwnRung)]
    problems += [
        f"rungs are names or starshift.OwnRung; {one!r} came." for one in given if not isinstance(one, str | OwnRung)
    ]
    names = [one.strip() for one in given if isinstance(one, str) and one.strip()]
    none: list[Rung] = []
    chosen = checked(
        problems, lambda given: select(given, family, store=store), names or (["baseline"] if own else []), none
    )
    if own and family != "pictures":
        problems.append(f"Rungs of your own are networks for pictures; the source is read as {family}.")
    twice = [name for name in dict.fromkeys(one.name for one in own) if [one.name for one in own].count(name) > 1]
    problems += [f"Two rungs are called {name!r}." for name in twice]
    return [*chosen, *map(as_rung, own)]


def _augment_problems(augment: str | None, rungs: Sequence[Rung]) -> list[str]:
    """What is wrong with --augment: an unknown policy, or no rung that would use it."""
    if augment is None:
        return []
    if augment not in POLICIES:
        return [f"Augmentation policy {augment!r} is not known.{near(augment, POLICIES)}"]
    if rungs and not any(rung.augments for rung in rungs):
        able = ", ".join(rung.name for rung in RUNGS.values() if rung.augments)
        return [f"--augment {augment} is for rungs that augment ({able}), and none of them is climbed."]
    return []


def _student_problems(
    student: str | None, unlabelled: str | Path | None, rungs: Sequence[Rung], family: Family
) -> list[str]:
    """What is wrong with --student and --unlabelled: an unknown name, no such folder, or nobody who would learn."""
    named = {"--student": student, "--unlabelled": unlabelled}
    given = [name for name, value in named.items() if value is not None]
    if not given:
        return []
    belong = "belongs" if len(given) == 1 else "belong"
    if family != "pictures":
        return [f"{listed(given)} {belong} to pictures; the source is read as {family}."]
    problems = []
    if rungs and not any("truncated" in rung.builders for rung in rungs):
        problems.append(f"{listed(given)} {belong} to the rung distilled, and it is not climbed.")
    if student is not None and student not in (known := (*STUDENTS, *SCRATCH_STUDENTS)):
        problems.append(f"Student {student!r} is not known.{near(student, known)}")
    if unlabelled is not None and not Path(unlabelled).exists():
        problems.append(f"There is no folder or zip '{unlabelled}' of pictures without labels (--unlabelled).")
    return problems


def _head_problems(head: str | None, rungs: Sequence[Rung]) -> list[str]:
    """What is wrong with --head: an unknown one, or no rung that would take it."""
    if head is None:
        return []
    if head not in HEADS:
        return [f"Head {head!r} is not known.{near(head, HEADS)}"]
    if rungs and not any(rung.takes_head for rung in rungs):
        able = " and ".join(rung.name for rung in RUNGS.values() if rung.takes_head)
        return [f"--head {head} is for {able}, and none of them is climbed."]
    return []


def labels_of(
    problems: list[str],
    labels: str | Path | None,
    names: str | None,
    file_column: str | None,
    targets: Sequence[Wanted],
    family: Family,
) -> tuple[LabelFile | None, Pattern | None]:
    """The label file or the pattern of names that tells the labels of pictures; problems are noted."""
    if family != "pictures" or names is None:
        if names is not None:
            problems.append(f"--pattern is for the names of pictures; the source is read as {family}.")
        return checked(problems, lambda path: label_columns(path, file_column, targets, family), labels, None), None
    if labels is not None or file_column:
        problems.append("--pattern takes labels from file names, --labels and --file-column from a file; give one.")
    return None, checked(problems, patterns.parse, names, None)


def label_columns(
    labels: str | Path | None, file_column: str | None, targets: Sequence[Wanted], family: Family = "pictures"
) -> LabelFile | None:
    """The label file of pictures and its columns. Raises UsageError for columns without a file, or a file for what has
    its labels itself.
    """
    if family != "pictures":
        if labels is not None or file_column:
            raise UsageError(f"--labels and --file-column are for pictures; the source is read as {family}.")
        return None
    if labels is None:
        if file_column or targets:
            raise UsageError(
                "--file-column and --target name columns of a label file, or fields of file names; give it with "
                "--labels, or them with --pattern."
            )
        return None
    return LabelFile(Path(labels), file_column, tuple(targets))


LossWeights = str | Sequence[float] | None
"""As a user says what the losses of several targets count: "1,0.5,2", numbers, "balanced" or "uncertainty"."""


def parse_loss_weights(given: str | Sequence[float]) -> tuple[float, ...] | str:
    """As Stage has them. Raises UsageError for anything that is neither a known word nor numbers above 0."""
    text = given if isinstance(given, str) else ",".join(map(str, given))
    return read_loss_weights(text)


def _loss_weights(problems: list[str], given: LossWeights, targets: Sequence[Wanted]) -> tuple[float, ...] | str | None:
    """What --loss-weights say; problems are noted, one target alone among them."""
    weights = None if given is None else checked(problems, parse_loss_weights, given, None)
    if weights is not None and len(targets) < 2:
        problems.append("--loss-weights weigh the losses of several targets; name them, each with a --target.")
    return weights


Targets = str | Sequence[str] | None
"""As a user names what is to be predicted: one column, or several, each with its kind behind a colon or without."""


def family_and_targets(
    problems: list[str], source: Path, target: Targets, family: str | None
) -> tuple[Family, tuple[Wanted, ...]]:
    """As what a source is read, and what is to be predicted from it; problems are noted."""
    wanted = _wanted(problems, target)
    return _family(problems, source, wanted, family), wanted


def _wanted(problems: list[str], target: Targets) -> tuple[Wanted, ...]:
    """The targets by name; problems are noted."""
    given = [target] if isinstance(target, str) else list(target or ())
    found = [checked(problems, kinds.parse, one, Wanted(one)) for one in given]
    twice = [name for name, count in Counter(one.name for one in found).items() if count > 1]
    problems += [f"--target names {name!r} twice." for name in twice]
    return tuple(found)


def _family(problems: list[str], source: Path, targets: Sequence[Wanted], family: str | None) -> Family:
    """As what the source is read: as asked for, or as it looks."""
    if family is None:
        return family_of(source, {one.name for one in targets})
    if family not in NOUNS:
        problems.append(f"--family {family!r} is not known.{near(family, list(NOUNS))}")
        return "pictures"
    return family


def parse_bases(text: str | None) -> tuple[str, ...]:
    """ "mobilenet_v2+mobilenet" → both names; "auto" stays. Raises UsageError with near matches for unknown ones."""
    if text is None:
        return ()
    specs = tuple(part.strip() for part in text.split("+"))
    if specs == (AUTO,):
        return specs
    problems: list[str] = []
    for spec in specs:
        try:
            catalogue.parse(spec)
        except UsageError as error:
            problems.extend(error.problems)
    if len(set(specs)) < len(specs):
        problems.append(f"--base {text} names a base twice.")
    if problems:
        raise UsageError(problems)
    return specs


_UNITS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}


def parse_budget(text: str | float) -> float:
    """Seconds in "90", "90s", "5m", "5 min", "1.5h" or a number. Raises UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(text).lower())
    if not match or match[2] not in _UNITS or float(match[1]) == 0:
        raise UsageError(f"--budget is a duration such as 90s, 5m or 1h; {text!r} came.")
    return float(match[1]) * _UNITS[match[2]]


def run_name(source: Path) -> str:
    """The run's name: that of the folder or zip, with characters that file systems dislike replaced."""
    resolved = source.resolve()
    name = resolved.stem if resolved.suffix.lower() == ".zip" else resolved.name
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"


Given = TypeVar("Given")
Checked = TypeVar("Checked")


def checked(problems: list[str], check: Callable[[Given], Checked], value: Given, otherwise: Checked) -> Checked:
    """check(value); where it raises a sentence for the user, note it and go on with `otherwise`."""
    try:
        return check(value)
    except StarshiftError as error:
        problems.extend(error.problems)
        return otherwise
