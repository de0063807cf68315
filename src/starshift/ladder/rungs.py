"""The rungs as values: what each is, and which recipe it stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from starshift import catalogue
from starshift.errors import MissingWeights, UsageError
from starshift.models import weights
from starshift.recipe import Recipe, Stage, near
from starshift.records import Dataset

SEEDS_SIZE = 150
"""Side in pixels of the seeds' pictures for their network from scratch."""

SMALL_SIZE = 28
"""Side in pixels of the seeds' template for small pictures."""

FIRST_BASE, SECOND_BASE = "mobilenet_v2", "mobilenet"
"""The bases of `features` unless the user names others: the first always, the second where it pays."""

MANY_CLASSES = 10
"""Classes above which the second base joins. Measured on folds of training pictures: 1.3 points more accuracy on
101 classes (caltech-101), 0.1 on two (dogs-vs-cats), for 1.8 times the time."""

FEW_PICTURES = 1000
"""Pictures up to which the second base joins all the same: it then costs two seconds or less."""

STRENGTHS = (3e-3, 1e-2, 3e-2)
"""Inverse L2 penalties that the inner folds choose from (scikit-learn's C, on standardized features)."""


@dataclass(frozen=True)
class Options:
    """What the user may change about recipes."""

    size: int | None = None  # side of the pictures in pixels; None: each rung's own
    bases: tuple[str, ...] = ()  # pretrained bases by name; none: chosen by the size of the task


@dataclass(frozen=True)
class Rung:
    """One step of the ladder."""

    name: str
    description: str  # one sentence
    recipe: Callable[[Options, Dataset], Recipe]


def baseline(options: Options, dataset: Dataset) -> Recipe:
    """The majority class; it looks at no pixel."""
    return Recipe(builder="majority", size=1)


def convnet(options: Options, dataset: Dataset) -> Recipe:
    """The seeds' network and training exactly (seed 001, "Build the CNN"), or their template for small pictures."""
    size = options.size or scratch_size(dataset)
    from_scratch = (Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, epochs=30),)
    if size < smallest_for_four_stages():
        return Recipe(builder="convnet-28px", size=size, stages=from_scratch)
    arguments = {"channels": (32, 64, 128, 128), "dense": 512}
    return Recipe(builder="convnet", size=size, arguments=arguments, stages=from_scratch)


def features(options: Options, dataset: Dataset) -> Recipe:
    """Frozen bases at the size that they were trained at, and a logistic head."""
    arguments = {"bases": options.bases or default_bases(dataset), "strengths": STRENGTHS}
    return Recipe(builder="frozen", size=features_size(options), arguments=arguments)


def default_bases(dataset: Dataset) -> tuple[str, ...]:
    """The bases for a task of this size: the second joins where it pays, if its weights are to be had."""
    if second_base_pays(dataset):
        try:
            weights.obtain(catalogue.base(SECOND_BASE))
        except MissingWeights:
            return (FIRST_BASE,)  # the record of the rung says what could be added
        return FIRST_BASE, SECOND_BASE
    return (FIRST_BASE,)


def second_base_pays(dataset: Dataset) -> bool:
    """Whether a second base is worth its time by default: with many classes or few pictures."""
    return len(dataset.classes) > MANY_CLASSES or len(dataset.pictures) <= FEW_PICTURES


def features_size(options: Options) -> int:
    """The side of pictures for the bases: as asked for, or the largest that one of them was trained at."""
    bases = [catalogue.parse(spec)[0] for spec in options.bases or (FIRST_BASE, SECOND_BASE)]
    return options.size or max(base.size for base in bases)


RUNGS = {
    "baseline": Rung("baseline", "The majority class: the first thing that a model must beat.", baseline),
    "convnet": Rung("convnet", "A small convolutional network trained from scratch on these pictures alone.", convnet),
    "features": Rung("features", "A pretrained network, frozen, and a linear head trained on what it sees.", features),
}
"""The ladder; the names that `--rungs` takes."""


def select(names: Sequence[str]) -> list[Rung]:
    """The rungs of these names; the baseline is always among them. Raises UsageError with near matches."""
    problems = [f"Rung {name!r} is not known.{near(name, RUNGS)}" for name in names if name not in RUNGS]
    if problems:
        raise UsageError(problems)
    wanted = {"baseline", *names} if names else set(RUNGS)
    return [rung for name, rung in RUNGS.items() if name in wanted]


def scratch_size(dataset: Dataset) -> int:
    """The side for networks from scratch: the seeds' 150 px, or less where the pictures have less.

    Enlarging pictures adds work and no information, so the median of their shorter sides is the limit; below
    what four stages need, the seeds' own size for small pictures is taken.
    """
    shorter = int(median(min(picture.width, picture.height) for picture in dataset.pictures))
    return SMALL_SIZE if shorter < smallest_for_four_stages() else min(SEEDS_SIZE, shorter)


def smallest_for_four_stages() -> int:
    """46 px: each stage (3×3 valid convolution, 2×2 pooling) needs 2 n + 2 px to leave n; 1 ← 4 ← 10 ← 22 ← 46."""
    side = 1
    for _ in range(4):
        side = 2 * side + 2
    return side
