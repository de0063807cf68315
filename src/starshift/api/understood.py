"""What was understood of the data and what is planned, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from starshift.augmentation import label_risks
from starshift.ladder.planning import Planned
from starshift.ladder.variants import policies
from starshift.progress import Progress
from starshift.records import Dataset, Picture, Split, Summary, Target
from starshift.records.target import split_labels
from starshift.report import words


def summarize(dataset: Dataset, split: Split | None) -> Summary:
    """The counts that a reader asks for."""
    parts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)} if split else {}
    classes = dict(sorted(Counter(dataset.labels()).items())) if dataset.target.is_classes else {}
    smallest, median_size, largest = _sizes(dataset)
    return Summary(
        source=dataset.source,
        layout=dataset.layout,
        classes={name: count for name, count in classes.items() if name},
        parts=parts,
        formats=dict(Counter(picture.format for picture in _pictures(dataset)).most_common()),
        smallest=smallest,
        median=median_size,
        largest=largest,
        set_aside=dict(Counter(aside.kind for aside in dataset.set_aside).most_common()),
        skipped=dataset.skipped,
        remarks=dataset.remarks,
        family=dataset.family,
        examples=len(dataset.examples),
        targets=dataset.targets,
        facts=dataset.facts,
    )


def _pictures(dataset: Dataset) -> Sequence[Picture]:
    return dataset.pictures if dataset.family == "pictures" else ()


def _sizes(dataset: Dataset) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Width and height of the smallest picture by area, the medians, the largest; 0 without pictures."""
    pictures = _pictures(dataset)
    if not pictures:
        return (0, 0), (0, 0), (0, 0)
    by_area = sorted((picture.width * picture.height, picture.width, picture.height) for picture in pictures)
    middle = int(median(picture.width for picture in pictures)), int(median(picture.height for picture in pictures))
    return by_area[0][1:], middle, by_area[-1][1:]


def understood(dataset: Dataset) -> list[str]:
    """What was understood of the source, in sentences."""
    summary = summarize(dataset, None)
    examples = words.counted(len(dataset.examples), dataset.noun)
    of = f" of {_classes(summary)}" if dataset.family == "pictures" and _goes_without_saying(dataset) else ""
    facts = "; ".join([f"median size {words.pixels(summary.median)}", words.counts(summary.formats)])
    if dataset.family != "pictures":
        facts = "; ".join(f"{name.lower()}: {fact}" for name, fact in dataset.facts.items())
    sentences = [f"{examples}{of}, by {summary.layout}{f'; {facts}' if facts else ''}."]
    sentences += [] if of else [_target(target, dataset) for target in dataset.targets]
    sentences += dataset.remarks
    if summary.set_aside:
        sentences.append(f"Set aside: {words.counts(summary.set_aside)}.")
    if summary.skipped:
        sentences.append(f"Skipped as no {dataset.noun}s: {words.counts(summary.skipped)}.")
    return sentences


def _goes_without_saying(dataset: Dataset) -> bool:
    """Whether what is predicted is one class of several words; numbers that were taken for classes are said."""
    target = dataset.target
    return len(dataset.targets) == 1 and target.is_classes and "numbers from" not in target.how


def _classes(summary: Summary) -> str:
    classes = list(summary.classes.items())
    shown = ", ".join(f"{words.visible(name)} {count:,}" for name, count in classes[:8])
    more = f" and {len(classes) - 8} more" if len(classes) > 8 else ""
    return f"{len(classes)} classes ({shown}{more})"


def _target(target: Target, dataset: Dataset) -> str:
    """What is predicted, of what kind, how that was found, and how to say otherwise."""
    name, how = words.visible(target.name), f" ({target.how})" if target.how else ""
    given = target.how == "as given"
    otherwise = "" if given else f" Say --target {name}:KIND if it is something else."
    if target.is_number:
        values = dataset.encoded(target)
        known = values[target.known(values)]
        span = f", from {known.min():g} to {known.max():g}" if len(known) else ""
        return f"Target {name}: {target.kind}{how}{span}.{otherwise}"
    counts = Counter(name for label in dataset.labels(target) for name in _names(target, label))
    shown = ", ".join(f"{words.visible(name)} {count:,}" for name, count in counts.most_common(8))
    more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
    return f"Target {name}: {target.kind}{how}: {shown}{more}.{otherwise}"


def _names(target: Target, label: str) -> Sequence[str]:
    if target.kind == "multi-label":
        return split_labels(label)
    return [label] if label else []


def label_risks_of(planned: Sequence[Planned], classes: Sequence[str]) -> list[str]:
    """What of the planned augmentation could change a label, in sentences."""
    found = [policy for one in planned if not one.reason for policy in policies(one.recipe)]
    return [risk for policy in dict.fromkeys(found) for risk in label_risks(policy, classes)]


def say_plan(progress: Progress, planned: list[Planned], budget_seconds: float) -> None:
    """Say aloud how long each rung is predicted to take."""
    coming = [f"{one.rung.name} {words.seconds(one.seconds)}" for one in planned if not one.done and not one.reason]
    if coming:
        progress.say(f"Predicted: {', '.join(coming)}; budget {words.seconds(budget_seconds)}.")
