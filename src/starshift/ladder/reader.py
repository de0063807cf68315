"""The rung that reads strings from pictures, as a value."""

from __future__ import annotations

from starshift.augmentation import Augmentation
from starshift.data.kinds import LONGEST_STRING
from starshift.errors import UsageError
from starshift.ladder.options import Options
from starshift.models.reader import CHANNELS, SIDES, columns, columns_for
from starshift.recipe import Recipe, Stage
from starshift.records import Dataset

SMALLEST = 96
"""Side in pixels of the pictures of short strings; more characters take more."""

PIXELS_PER_CHARACTER = 12
"""So that each has three columns: itself, a blank, and one to spare."""

READING = Stage(
    optimizer="adamw",
    learning_rate=2e-3,
    schedule="cosine",
    warmup_epochs=1,
    weight_decay=0.01,
    batch_size=32,
    epochs=40,
    augmentation=Augmentation(shift=0.05, zoom=0.05),
)
"""How a reader is trained."""

FEWEST_STEPS = 24
"""Batches per epoch at the least."""


def reader(options: Options, dataset: Dataset) -> Recipe:
    """A convolutional network whose columns are read from left to right.

    Pictures are stretched to squares, as those of other rungs; the side follows the longest string. Raises UsageError
    for a --size with too few columns for it.
    """
    texts = [text for text in dataset.labels() if text] if dataset.target.kind == "string" else []
    longest = min(max(map(len, texts), default=1), LONGEST_STRING)
    size = options.size or max(SMALLEST, -(-PIXELS_PER_CHARACTER * longest // SIDES) * SIDES)
    needed = max(map(columns_for, texts), default=1)
    if size % SIDES:
        raise UsageError(f"its pictures have sides that are multiples of {SIDES} px; --size is {size}.")
    if columns(size) < needed:
        raise UsageError(
            f"pictures of {size} px have {columns(size)} columns, and the longest string takes {needed}. Give a larger "
            "--size."
        )
    stage = READING.with_enough_steps(len(dataset.examples), FEWEST_STEPS)
    arguments = {"channels": CHANNELS, "dropout": 0.2}
    return Recipe(builder="reader", size=size, arguments=arguments, stages=(stage,))
