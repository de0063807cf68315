"""What models of tables have in common: rows as features, a task with its inner folds, and what came of a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

Tensors = dict[str, np.ndarray]

Fold = tuple[np.ndarray, np.ndarray]
"""Rows to fit on, and rows held out."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table in both forms that models take, see data.encoding.

    features: float64 (N, F), standardized, without gaps. raw: float64 (N, G), NaN where a value is missing.
    categorical: columns of `raw` that are places of categories.
    """

    features: np.ndarray
    raw: np.ndarray
    categorical: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    def taken(self, rows: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(self.features[rows], self.raw[rows], self.categorical)


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    targets: float64 (N,), numbers, where `classes` is 0; else int64 (N,), below it. folds: the inner folds of these
    rows, by which a model chooses; empty where nothing is left to choose.
    """

    rows: Rows
    targets: np.ndarray
    classes: int
    folds: tuple[Fold, ...]
    seed: int

    def part(self, rows: np.ndarray) -> Task:
        """Some of the rows, without folds."""
        return replace(self, rows=self.rows.taken(rows), targets=self.targets[rows], folds=())

    @property
    def empty(self) -> np.ndarray:
        """Outputs that are still to be filled: NaN (N,) for numbers, (N, classes) for classes."""
        shape = (len(self.targets), self.classes) if self.classes else (len(self.targets),)
        return np.full(shape, np.nan)


@dataclass(frozen=True)
class Learned:
    """A fitted model. held_out: what it says of each row when the row was not fitted on, NaN where no fold held it out;
    shaped as Task.empty. said: what was chosen, a clause.
    """

    tensors: Tensors
    held_out: np.ndarray
    said: str


class Learner(Protocol):
    """A way to learn from tables, as a module."""

    def fit(self, task: Task) -> Learned:
        """Fit on all rows of a task; what there is to choose is chosen by its inner folds."""

    def predict(self, tensors: Tensors, rows: Rows, classes: int) -> np.ndarray:
        """What a fitted model says: float (N,) numbers, or (N, classes) probabilities."""


def held_out(task: Task, answer: Callable[[Task, Rows], np.ndarray]) -> np.ndarray:
    """What models say of rows that they were not fitted on. answer: fits on a task and answers for rows."""
    found = task.empty
    for fitted, held in task.folds:
        found[held] = answer(task.part(fitted), task.rows.taken(held))
    return found


def errors(outputs: np.ndarray, targets: np.ndarray, classes: int) -> np.ndarray:
    """The absolute error of numbers, -ln(probability of the true class) of classes: float64 (N,)."""
    if not classes:
        return np.abs(outputs - targets)
    likely = outputs[np.arange(len(targets)), targets]
    return -np.log(np.maximum(likely, 1e-15))


def held_out_error(outputs: np.ndarray, task: Task) -> float:
    """The mean of `errors` over the rows that were held out."""
    seen = ~np.isnan(outputs if outputs.ndim == 1 else outputs[:, 0])
    return float(errors(outputs[seen], task.targets[seen], task.classes).mean())


def chosen(found: Sequence[tuple[float, np.ndarray]], task: Task) -> tuple[float, np.ndarray, float]:
    """Of pairs of a setting and what it said of held-out rows, the one with the least error, and that error."""
    scores = [held_out_error(outputs, task) for _, outputs in found]
    best = int(np.argmin(scores))
    return *found[best], scores[best]
