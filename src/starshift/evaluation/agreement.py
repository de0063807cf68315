"""Two ways of answering held against each other on the same examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starshift.records import Target
from starshift.records.export import Agreement

MOST_NAMED = 5
"""Examples with another answer that are named."""


def agreement(
    targets: Sequence[Target], paths: Sequence[str], mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray]
) -> Agreement:
    """mine, theirs: target by target as records.answers_for takes them, of N >= 1 examples. NaN is endlessly far."""
    same, largest, where, about = np.ones(len(paths), bool), -1.0, 0, ""
    for target, one, other in zip(targets, mine, theirs, strict=True):
        apart = np.abs(_columns(one) - _columns(other)) / (_spread(other) if target.is_number else 1.0)
        apart = np.where(np.isnan(apart), np.inf, apart)
        if apart.max() > largest:
            row, column = divmod(int(apart.argmax()), apart.shape[1])
            largest, where = float(apart.max()), row
            about = target.name if target.is_number else target.classes[column]
        if target.is_classes:
            same &= one.argmax(axis=1) == other.argmax(axis=1)
        elif not target.is_number:
            same &= ((one > 0.5) == (other > 0.5)).all(axis=1)
    differing = tuple(paths[row] for row in np.flatnonzero(~same)[:MOST_NAMED])
    return Agreement(len(paths), float(same.mean()), largest, paths[where], about, differing)


def _columns(outputs: np.ndarray) -> np.ndarray:
    return np.asarray(outputs, np.float64).reshape(len(outputs), -1)


def _spread(numbers: np.ndarray) -> float:
    return float(np.std(numbers)) or 1.0
