"""Models of sequences: what linear ones look at, what networks are given, the networks, and what they say.

Whatever a model learned of the values (means, scales, which features have gaps) is of the training part alone and
belongs to its tensors. Networks are trained by Keras and answer by NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from starshift.errors import RunError
from starshift.models import heads as kinds
from starshift.models import recurrence, tabular_dense
from starshift.records import Target

if TYPE_CHECKING:
    from keras import Model

Tensors = Mapping[str, np.ndarray]

SUMMARIES = ("mean", "deviation", "minimum", "maximum", "first", "last", "slope", "missing")
"""What a linear model looks at, of each feature; then the number of steps. Slopes are per step; of missing values it is
their share."""

CHUNK = 64
"""Sequences in memory at once while a network answers."""

CONVOLUTION, POOLING = "convolution", "pooling"
"""Blocks over the steps, beside the recurrent ones."""


# ----------------------------------------------------------------------------------------------------
# What models are given


@dataclass(frozen=True)
class Scaling:
    """Means and scales of columns, and which of them have gaps in training.

    means, scales: float64 (columns,); a column that does not vary has the scale 1. gaps: bool (columns,).
    """

    means: np.ndarray
    scales: np.ndarray
    gaps: np.ndarray

    @classmethod
    def fitted(cls, columns: np.ndarray) -> Scaling:
        """By the training part: float (rows, columns), NaN where a value is missing."""
        there = ~np.isnan(columns)
        counts = np.maximum(there.sum(axis=0), 1)
        means = np.where(there, columns, 0).sum(axis=0, dtype=np.float64) / counts
        squares = np.where(there, (columns - means) ** 2, 0).sum(axis=0, dtype=np.float64)
        scales = np.sqrt(squares / counts)
        return cls(means, np.where(scales > 1e-12, scales, 1.0), ~there.all(axis=0))

    @classmethod
    def read(cls, tensors: Tensors, columns: int) -> Scaling:
        """The inverse of `tensors`. Raises RunError where they are not of so many columns."""
        found = [tensors.get(f"scaling/{part}") for part in ("means", "scales", "gaps")]
        if any(one is None or one.shape != (columns,) for one in found):
            raise RunError(f"The model has no usable means and scales of {columns:,} features.")
        means, scales, gaps = (np.asarray(one) for one in found)
        if not (np.isfinite(means).all() and (scales > 0).all()):
            raise RunError("The model's means must be numbers, and its scales above 0.")
        return cls(means, scales, gaps.astype(bool))

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """As a saved model keeps them."""
        return {"scaling/means": self.means, "scaling/scales": self.scales, "scaling/gaps": self.gaps.astype(np.uint8)}

    def standardized(self, columns: np.ndarray) -> np.ndarray:
        """Columns (…, columns) by means and scales, 0 where a value is missing: float32, same shape."""
        return np.nan_to_num((columns - self.means) / self.scales).astype(np.float32)

    def channels(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What networks are given: float32 (N, steps, features + gaps + 1).

        The features standardized; for each that has gaps in training, 1 where it is missing; and 1 where a step is
        there. 0 behind a sequence's end. values: float32 (N, steps, features), NaN where missing. lengths: int (N,).
        """
        there = (np.arange(values.shape[1]) < lengths[:, None])[..., None].astype(np.float32)
        gaps = np.isnan(values[..., self.gaps]).astype(np.float32)
        return np.concatenate([self.standardized(values) * there, gaps, there], axis=-1)


def steps_there(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """All steps of all sequences as rows: float32 (steps, features)."""
    return values[np.arange(values.shape[1]) < lengths[:, None]]


def summaries(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """SUMMARIES of each feature, then the steps: float64 (N, features · 8 + 1), NaN where there is no value.

    values: float32 (N, steps, features), NaN where missing. lengths: int (N,).
    """
    values = values.astype(np.float64)
    steps = np.arange(values.shape[1])
    inside = (steps < lengths[:, None])[..., None]
    there = inside & ~np.isnan(values)
    counts = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, values, 0).sum(axis=1) / counts
        apart = np.where(there, values - mean[:, None], 0)
        when = np.where(there, steps[:, None], 0)
        around = np.where(there, when - (when.sum(axis=1) / counts)[:, None], 0)
        squares = (around**2).sum(axis=1)
        slope = np.where(squares > 0, (around * apart).sum(axis=1) / np.maximum(squares, 1), 0 * mean)
        found = (
            mean,
            np.sqrt((apart**2).sum(axis=1) / counts),
            _or_nan(np.where(there, values, np.inf).min(axis=1)),
            _or_nan(np.where(there, values, -np.inf).max(axis=1)),
            _at(values, there.argmax(axis=1), counts),
            _at(values, values.shape[1] - 1 - there[:, ::-1].argmax(axis=1), counts),
            slope,
            1 - counts / lengths[:, None],
        )
    return np.concatenate([*found, lengths[:, None].astype(np.float64)], axis=1)


def _or_nan(found: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(found), np.nan, found)


def _at(values: np.ndarray, steps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The value of each feature at a step of its own: (N, features), NaN where it has none."""
    found = np.take_along_axis(values, steps[:, None, :], axis=1)[:, 0]
    return np.where(counts > 0, found, np.nan)


# ----------------------------------------------------------------------------------------------------
# Networks


def network(
    steps: int,
    channels: int,
    heads: Sequence[Target],
    *,
    block: str,
    filters: Sequence[int] = (64, 128),
    kernel: int = 5,
    recurrent: int = 64,
    bidirectional: bool = True,
    dropout: float = 0.0,
) -> Model:
    """A block over the steps, then the heads. Input: float32 (N, steps, channels), see Scaling.channels.

    block: "convolution" (filters, kernel: of each), "gru" or "lstm" (recurrent: units of each direction), "pooling"
    (mean and maximum of the values). dropout: share of the block's features that training drops.
    """
    import keras

    from starshift.models import series

    inputs = keras.Input((steps, channels), name="steps")
    mask = inputs[..., -1:]
    x: Any
    if block == CONVOLUTION:
        x = series.convolution(inputs, mask, filters=filters, kernel=kernel, dropout=dropout)
    elif block == POOLING:
        x = series.pooled(keras.ops.tanh(inputs), mask)
    else:
        x = series.recurrent(
            inputs, mask, cell=block, units=recurrent, bidirectional=bidirectional, dropout=dropout, name="recurrent"
        )
    return keras.Model(inputs, kinds.as_outputs(kinds.heads_on(x, heads)), name="sequences")


def says(
    channels: np.ndarray,
    tensors: Tensors,
    target: Target,
    *,
    block: str,
    filters: Sequence[int] = (64, 128),
    bidirectional: bool = True,
    **_: object,
) -> np.ndarray:
    """What a trained network answers, see models.heads.answers. channels: as `network` takes them.

    Raises RunError where the tensors are not those of such a network.
    """
    found = []
    try:
        for start in range(0, len(channels), CHUNK):
            x = channels[start : start + CHUNK]
            lengths = x[..., -1].sum(axis=1).astype(np.int64)
            if block == CONVOLUTION:
                x = recurrence.convolution(x, lengths, tensors, count=len(filters))
            elif block == POOLING:
                x = recurrence.pooled(np.tanh(x), lengths)
            else:
                states = recurrence.states(
                    x, lengths, tensors, cell=block, name="recurrent", bidirectional=bidirectional
                )
                x = recurrence.pooled(states, lengths)
            found.append(tabular_dense.predict(tensors, x, target))
    except (KeyError, ValueError) as error:
        raise RunError(f"The tensors of the model are not those of its network over sequences ({error}).") from error
    return np.concatenate(found) if found else np.empty((0, max(1, len(target.classes))), np.float32)
