"""The rungs that are made of other rungs, as values: `ensemble`, and `distilled`, which an ensemble teaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import structs

from starshift import catalogue
from starshift.errors import MissingWeights, UsageError
from starshift.ladder import rungs
from starshift.ladder.options import Options
from starshift.ladder.rungs import FIRST_BASE, SECOND_BASE, Rung
from starshift.models import weights
from starshift.recipe import AUTO, COMBINATIONS, JOINING, TOP, Recipe, Stage, Teaching, check_builder, near
from starshift.records import Dataset

LARGER = 9 / 7
"""The larger of the two sizes at which frozen members look at a picture: 288 px beside 224."""

SINGLE = {name: rung for name, rung in rungs.RUNGS.items() if name not in ("baseline", "reader", "from-store-tuned")}
"""Rungs that can be members, by name."""


def ensemble(options: Options, dataset: Dataset) -> Recipe:
    """A library of models of what is at hand, or what the variant names, and how they are combined."""
    given = options.ensemble
    if problems := check_builder("ensemble", given):
        raise UsageError(problems)
    found = _named(given["of"], options, dataset) if given.get("of") else library(options, dataset)
    found = [_by(optimizer, one) for one in found for optimizer in given.get("optimizers", ()) or ("",)]
    found = [one for one in found for _ in range(given.get("starts", 1))]
    if given.get("combine") == "weights":
        _refuse_other_starts(found)
    if given.get("combine") == "vote" and any(one.builder == "from-store" for one in found):
        raise UsageError("combine=vote is between single models, and from-store may be several; take combine=weighted.")
    arguments: dict[str, Any] = {"combine": COMBINATIONS[0], **given}
    size = max(one.size for one in found)
    return Recipe("ensemble", size, found[0].fit, arguments, members=tuple(found))


def library(options: Options, dataset: Dataset) -> list[Recipe]:
    """What is tried where nothing is named: each base frozen, in two sizes and asked of mirror images too; all of them
    side by side; and the first of them opened. (MobileNet, opened, had a log loss of 0.061 on folds of dogs-vs-cats,
    0.045 frozen.)
    """
    specs = _bases(options)
    size = rungs.features_size(Options(size=options.size, bases=specs))
    sizes = (size, round(size * LARGER))
    single = [_frozen((spec,), sizes, dataset) for spec in specs]
    joined = [_frozen(specs, sizes, dataset)] if len(specs) > 1 else []
    return [*joined, *single, _opened(specs[0], dataset, options)]


def _bases(options: Options) -> tuple[str, ...]:
    """Those that were named, or are at hand. Raises UsageError where they are to be compared."""
    if AUTO in options.bases:
        raise UsageError(
            f"an ensemble takes bases by name; --base {AUTO} compares them. Leave --base out, or name some."
        )
    return options.bases or bases_at_hand()


def bases_at_hand() -> tuple[str, ...]:
    """The bases of an ensemble where none are named: those of `features` whose weights are to be had; where there are
    none the first, so that the message says what lacks.
    """
    found = []
    for name in (FIRST_BASE, SECOND_BASE):
        try:
            weights.obtain(catalogue.base(name))
        except MissingWeights:
            continue
        found.append(name)
    return tuple(found) or (FIRST_BASE,)


def _frozen(specs: tuple[str, ...], sizes: tuple[int, ...], dataset: Dataset) -> Recipe:
    plain = rungs.features(Options(size=max(sizes), bases=specs), dataset)
    return structs.replace(plain, arguments={**plain.arguments, "sizes": sizes, "mirrored": True})


def _opened(spec: str, dataset: Dataset, options: Options) -> Recipe:
    plain = rungs.fine_tuned(Options(size=options.size, bases=(spec,)), dataset)
    left = {name: value for name, value in plain.arguments.items() if name not in ("beside", JOINING)}
    return structs.replace(plain, arguments=left)


def _named(names: tuple[Any, ...], options: Options, dataset: Dataset) -> list[Recipe]:
    """The recipes of the rungs of these names. Raises UsageError with every name that is not one."""
    if problems := [
        f"{name!r} cannot be a member of an ensemble.{near(str(name), tuple(SINGLE))}"
        for name in names
        if name not in SINGLE
    ]:
        raise UsageError(problems)
    return [SINGLE[name].recipe(options, dataset) for name in names]


def _by(optimizer: str, recipe: Recipe) -> Recipe:
    """The recipe, trained by an optimizer if one is named. Raises UsageError where nothing is trained by steps."""
    if not optimizer:
        return recipe
    if not recipe.stages:
        raise UsageError(
            f"optimizers are of members that are trained by steps; {recipe.builder!r} is fitted in one go. Name "
            "others, such as of=convnet."
        )
    return structs.replace(recipe, stages=tuple(structs.replace(one, optimizer=optimizer) for one in recipe.stages))


def _refuse_other_starts(found: list[Recipe]) -> None:
    """Averaged weights mean something only where all began at the same place."""
    if apart := [one.builder for one in found if one.builder in (*rungs.FROM_SCRATCH, "from-store")]:
        raise UsageError(
            f"combine=weights averages models that began at the same place, as those on one base do; {apart[0]!r} "
            "does not. Take combine=average."
        )
    if len({(one.builder, str(one.arguments.get("base", one.arguments.get("bases")))) for one in found}) > 1:
        raise UsageError(
            "combine=weights averages models of one architecture; the members have several. Name one rung and one "
            "base, such as ensemble:of=fine-tuned:starts=3:combine=weights, or take combine=average."
        )


# ----------------------------------------------------------------------------------------------------
# Distillation


class Student(NamedTuple):
    """A truncated base by its size."""

    size: int  # side of its pictures in px
    depth: float  # share of the base's cut points at which it ends; 1 ends at its top


STUDENTS = {"tiny": Student(96, 0.8), "small": Student(140, 0.95), "base": Student(160, 1.0)}
"""Truncated bases by name. Of MobileNetV2: 41, 107 and 153 million multiply-adds, 0.7, 1.4 and 2.3 million numbers."""

SCRATCH_STUDENTS = ("modern", "convnet")
"""Networks that a teacher can also teach from scratch, by the names of their rungs."""

TEACHERS = ("heads", "ensemble", "from-store")
"""Who teaches: linear heads on each base and on all of them, unless another is named; or the rung of that name."""

UNTRAINED_DEPTH = 0.25
"""Share of a base's cut points below which a student keeps what it learned: edges and textures, whose large maps take
half of a training step (133 pictures a second instead of 74)."""

STUDYING = Stage(
    optimizer="adamw",
    learning_rate=3e-4,
    schedule="cosine",
    warmup_epochs=1,
    weight_decay=1e-2,
    batch_size=64,
    epochs=20,
)
"""How a truncated base learns from its teacher; see docs/distilled.md for what else was tried. A rate of 1e-3, mixup,
and a higher temperature all raised the log loss on a fold of the training pictures."""


def distilled(options: Options, dataset: Dataset) -> Recipe:
    """A small network, by default a truncated base, and who teaches it."""
    name = options.student or "small"
    if name not in (*STUDENTS, *SCRATCH_STUDENTS):
        known = (*STUDENTS, *SCRATCH_STUDENTS)
        raise UsageError(f"Student {name!r} is not known.{near(name, known)}")
    teaching = Teaching(teacher(options, dataset))
    if name in SCRATCH_STUDENTS:
        plain = rungs.RUNGS[name].recipe(options, dataset)
        stages = tuple(structs.replace(one, label_smoothing=0.0) for one in plain.stages)
        return structs.replace(plain, stages=stages, teaching=teaching)
    student, spec = STUDENTS[name], (options.bases or (FIRST_BASE,))[0]
    base, _ = catalogue.parse(spec)
    points = base.cut_points
    cut = TOP if student.depth == 1 else points[round(student.depth * (len(points) - 1))]
    arguments = {"base": spec, "cut": cut, "opened": points[int(UNTRAINED_DEPTH * len(points))]}
    stage = STUDYING.with_enough_steps(len(dataset.examples))
    size = options.size or max(student.size, base.min_size)
    return Recipe("truncated", size, "stretch", arguments, (stage,), teaching=teaching)


def teacher(options: Options, dataset: Dataset) -> Recipe:
    """Who teaches: by default an ensemble of linear heads on each base at hand, and on all of them."""
    name = options.teacher or TEACHERS[0]
    if name not in TEACHERS:
        raise UsageError(f"Teacher {name!r} is not known.{near(name, TEACHERS)}")
    plain = Options(bases=options.bases)
    if name == "ensemble":
        return ensemble(plain, dataset)
    if name == "from-store":
        return rungs.from_store(plain, dataset)
    specs = _bases(options)
    groups = [(spec,) for spec in specs] + ([tuple(specs)] if len(specs) > 1 else [])
    heads = tuple(rungs.features(Options(bases=group), dataset) for group in groups)
    return Recipe("ensemble", heads[0].size, heads[0].fit, {"combine": COMBINATIONS[0]}, members=heads)


RUNGS: Mapping[str, Rung] = {
    "ensemble": Rung(
        "ensemble",
        "Several models that answer together, each counting as much as it helps.",
        ensemble,
        ("ensemble",),
        kinds=("binary", "multi-class"),
        alone=True,
    ),
    "distilled": Rung(
        "distilled",
        "One small network that learns what an ensemble says of every picture.",
        distilled,
        ("truncated", "modern", "convnet", "convnet-28px"),
        augments=True,
        kinds=("binary", "multi-class"),
        alone=True,
    ),
}
"""These rungs by name, in the ladder's order."""
