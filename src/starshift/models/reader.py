"""A network that reads a short string from a picture, column by column from left to right, and how it is spelled out.

Sources: connectionist temporal classification (Graves, Fernández, Gomez and Schmidhuber 2006); a convolutional network
whose columns are read in turn, and recurrent layers over them (Shi, Bai and Yao 2015, arXiv:1507.05717).

At each column the network says one of the characters, or a blank. A path is spelled out by writing what follows itself
once, and leaving blanks out: "1", "1", blank, "1", "0" is "110".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from starshift.errors import UsageError
from starshift.records import Target

if TYPE_CHECKING:
    from keras import Model

BLANK = 0
"""The place of the blank among the outputs; characters stand behind it, in the target's order."""

STRIDE, SIDES = 4, 32
"""Pixels to a column, and what the side of the pictures must be a multiple of."""

LONGEST = 32
"""Characters of a string at the most, as data.kinds.LONGEST_STRING."""

CHANNELS = (32, 64, 128)
"""Filters of the three stages."""


def columns(size: int) -> int:
    """How many columns of a picture of that side in px are read."""
    return size // STRIDE


def columns_for(text: str) -> int:
    """How many it takes to spell a string out: one a character, and a blank between two of the same."""
    return len(text) + sum(one == other for one, other in itertools.pairwise(text))


def build(
    input_shape: Sequence[int],
    heads: Sequence[Target],
    *,
    channels: Sequence[int] = CHANNELS,
    recurrent: int = 0,
    dropout: float = 0.0,
    training: bool = False,
) -> Model:
    """Pixels 0-255 (N, size, size, 3) → logits of the blank and each character at each column: float32 (N, columns,
    1 + characters).

    Pictures of strings are wide, and come here stretched to squares: rows of four pixels are averaged first, which
    gives columns back their share. channels: filters of the three stages. recurrent: units in each direction of a GRU
    over the columns; 0: none. dropout: share of each column's features that training drops. training: a GRU with its
    loop, which trains fast; without, column after column, which can be converted. Raises UsageError for a side that
    is not a multiple of SIDES, and for more than one target.
    """
    import keras
    from keras import layers

    from starshift.models import series
    from starshift.models.blocks import Style, activated

    target = _only(heads)
    size, style = _checked_side(input_shape), Style()
    inputs = keras.Input(tuple(input_shape), name="pixels")
    x = layers.Rescaling(1 / 255, dtype="float32", name="to_unit_interval")(inputs)
    x = layers.AveragePooling2D((STRIDE, 1), name="flatten_rows")(x)
    for number, (filters, pool) in enumerate(zip(channels, ((2, 2), (2, 2), (2, 1)), strict=True), start=1):
        x = activated(x, filters, style, name=f"stage{number}_1")
        x = activated(x, filters, style, name=f"stage{number}_2")
        x = layers.MaxPooling2D(pool, name=f"stage{number}_pool")(x)
    x = layers.Conv2D(channels[-1], (size // SIDES, 1), activation="relu", name="column")(x)
    x = layers.Reshape((columns(size), channels[-1]), name="columns")(x)
    if recurrent:
        x = series.states(x, None, cell="gru", units=recurrent, name="across", unroll=not training)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    # float32 even under a mixed policy: a path's probability is a product over all columns.
    x = layers.Dense(1 + len(target.classes), dtype="float32", name="head")(x)
    return keras.Model(inputs, x, name="reader")


def _only(heads: Sequence[Target]) -> Target:
    if len(heads) != 1 or heads[0].kind != "string":
        named = ", ".join(f"{target.name} ({target.kind})" for target in heads)
        raise UsageError(f"A reader predicts one string; {named} came.")
    return heads[0]


def _checked_side(input_shape: Sequence[int]) -> int:
    height, width = input_shape[:2]
    if height != width or height % SIDES:
        raise UsageError(f"A reader takes pictures whose side is a multiple of {SIDES} px; --size is {height}.")
    return height


# ----------------------------------------------------------------------------------------------------
# Strings as numbers, and back


def shape_strings(target: Target, encoded: np.ndarray) -> np.ndarray:
    """Strings in the form that a loss takes: float32 (N, LONGEST), places of characters from 1, then 0.

    encoded: object (N,), "" where the string is missing, of which a row of NaN is made.
    """
    place = {character: number for number, character in enumerate(target.classes, start=BLANK + 1)}
    shaped = np.full((len(encoded), LONGEST), float(BLANK), np.float32)
    for row, text in enumerate(encoded):
        shaped[row, : len(text)] = [place[character] for character in text]
        if not text:
            shaped[row] = np.nan
    return shaped


def spelled(logits: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The best path of each picture, spelled out: object (N, 2), the string and the path's probability.

    logits: float (N, columns, 1 + characters). Several paths may spell one string, so that its probability is at least
    the path's; and the string of the best path is not always the likeliest (Graves et al. 2006, section 3.2).
    """
    path = logits.argmax(axis=-1)
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    certain = -np.log(np.exp(shifted).sum(axis=-1)).sum(axis=-1)  # of the greatest, whose shifted logit is 0
    first = np.concatenate([np.full((len(path), 1), -1), path[:, :-1]], axis=1)
    written = (path != first) & (path != BLANK)
    found = np.empty((len(path), 2), dtype=object)
    for row in range(len(path)):
        found[row, 0] = "".join(classes[place - 1] for place in path[row][written[row]])
        found[row, 1] = float(np.exp(certain[row]))
    return found
