"""`starshift.summary`: what the network of a rung is and costs, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starshift.api.options import SMALLEST_SIZE, checked, parse_bases
from starshift.errors import UsageError
from starshift.ladder.families import select
from starshift.ladder.options import Options
from starshift.ladder.rungs import FIRST_BASE, Rung
from starshift.recipe import LARGEST_SIZE
from starshift.records import Dataset, Picture, Target

if TYPE_CHECKING:
    from starshift.training.cost import Cost

MOST_CLASSES = 100_000
"""More outputs than any network here is asked for; their kernel alone would fill the memory."""


def summary(rung: str, *, base: str | None = None, size: int | None = None, classes: int = 2) -> Cost:
    """Build the network of a rung with random weights and count: nothing is trained, no weights file is needed.

    rung: a rung's name, with arguments as `--rungs` takes them: "convnet", "convnet:dropout=0.5".
    base: pretrained base, joined by "+" where there are several; MobileNetV2 if None.
    size: side of the pictures in pixels; None: what the rung takes for photographs that are large enough.
    Returns the layers (name, kind, shape of the output, parameters, how many of them are trained, multiply-adds per
    picture) with their totals. Raises UsageError with all problems.
    """
    problems: list[str] = []
    if not 2 <= classes <= MOST_CLASSES:
        problems.append(f"--classes must be 2 to {MOST_CLASSES:,}; {classes} came.")
    if size is not None and not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        problems.append(f"--size is the side of the pictures, {SMALLEST_SIZE} to {LARGEST_SIZE} pixels; {size} came.")
    if "," in rung:
        problems.append(f"A summary is of one rung; {rung!r} names several.")
    none: tuple[list[Rung], tuple[str, ...]] = [], ()
    chosen = checked(problems, select, [rung], none[0]) if "," not in rung else none[0]
    bases = checked(problems, parse_bases, base, none[1])
    if problems:
        raise UsageError(problems)
    photographs = _photographs(classes)
    recipe = chosen[-1].recipe(Options(size=size, bases=bases or (FIRST_BASE,)), photographs)

    from starshift.training.keras_setup import load_keras

    load_keras()  # first, and quietly: the modules below import Keras too
    from starshift.models.outline import outline
    from starshift.training.cost import cost

    return cost(outline(recipe, photographs.targets))


def _photographs(classes: int) -> Dataset:
    """A stand-in for pictures that nobody has yet: recipes look at the number of classes and the size."""
    picture = Picture("", "0", "", "", 500, 375, "JPEG", "RGB", 0)
    return Dataset(
        "", "class folders", (Target.of_classes(tuple(str(number) for number in range(classes))),), (picture,)
    )
