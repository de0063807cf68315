"""The learning curve of a linear head: fitted on nested subsets of the training pictures, tested on the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from starshift.apportion import deal, group_ids, within
from starshift.evaluation.forecast import Measured, subset_sizes
from starshift.evaluation.protocol import inner_folds
from starshift.ladder import linear
from starshift.models.classical import fit_head, head_probabilities
from starshift.progress import Progress
from starshift.seeds import child

FEWEST_FOLDS, MOST_FOLDS = 3, 5
"""Parts of the pictures outside the test part that are left out in turn."""

REPETITIONS_IN_TURN, REPETITIONS = 2, 6
"""Nested series of subsets: for each part left out in turn, and where there is one validation part alone."""

Head = Callable[[np.ndarray, np.ndarray, int, Sequence[Sequence[int]], int], tuple[np.ndarray, np.ndarray]]
"""(features, targets, classes, groups, seed) → kernel and bias of a linear head."""


@dataclass(frozen=True)
class Task:
    """What a learning curve is measured on."""

    features: np.ndarray  # float32 (N, features), of every picture
    targets: np.ndarray  # int (N,)
    classes: int
    train: np.ndarray  # int (n,), rows
    validation: np.ndarray  # int (m,), rows
    groups: Sequence[Sequence[int]]  # rows that must not be torn apart
    rotated: bool  # whether training and validation pictures were divided by chance, and so may change places
    seed: int

    @cached_property
    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows to train on and rows to test: the split itself, or as many parts as make training parts of its size."""
        if not self.rotated:
            return [(self.train, self.validation)]
        pool = np.sort(np.concatenate([self.train, self.validation]))
        count = int(np.clip(round(len(pool) / max(1, len(self.validation))), FEWEST_FOLDS, MOST_FOLDS))
        pairs = inner_folds(
            self.targets[pool], folds=count, groups=within(self.groups, pool), seed=child(self.seed, "forecast")
        )
        return [(pool[fitted_on], pool[held]) for fitted_on, held in pairs]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Training pictures of each subset, rising. Raises DataError where there are too few pictures for a curve."""
        return subset_sizes(min(len(train) for train, _ in self.folds), self.classes)


def nested(task: Task, train: np.ndarray, seed: int) -> list[np.ndarray]:
    """Subsets of training rows, each within the next, all stratified and with every class; the last is all of them."""
    steps = np.diff([0, *task.sizes[:-1], len(train)])
    ids = group_ids(len(train), within(task.groups, train))
    part = deal(task.targets[train], ids, steps.tolist(), seed=seed, needed=1)
    return [train[part <= size] for size in range(len(steps))]


def measure(task: Task, fit: Head, progress: Progress) -> Measured:
    """Fit heads on nested subsets and test them. Raises DataError where there are too few pictures for a curve."""
    repetitions = REPETITIONS_IN_TURN if len(task.folds) > 1 else REPETITIONS
    tested = np.concatenate([held for _, held in task.folds])
    wrong = np.zeros((repetitions, len(task.sizes), len(tested)), dtype=bool)
    folds = np.repeat(np.arange(len(task.folds)), [len(held) for _, held in task.folds])
    total, done = sum(task.sizes) * repetitions * len(task.folds), 0
    progress.start("learning curve", total)
    for fold, (train, held) in enumerate(task.folds):
        for repetition in range(repetitions):
            seed = child(task.seed, "subsets", fold, repetition)
            for size, rows in enumerate(nested(task, train, seed)):
                if size < len(task.sizes) - 1 or repetition == 0:
                    wrong[repetition, size, folds == fold] = _wrong(task, fit, rows, held, child(seed, size))
                done += task.sizes[size]
                progress.update(done, total)
        wrong[:, -1, folds == fold] = wrong[0, -1, folds == fold]
    progress.finish()
    return Measured(np.array(task.sizes), wrong, task.targets[tested], folds)


def _wrong(task: Task, fit: Head, rows: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
    """Which of the held-out rows a head that was fitted on `rows` does not recognize: bool (held,)."""
    rows = np.sort(rows)
    kernel, bias = fit(task.features[rows], task.targets[rows], task.classes, within(task.groups, rows), seed)
    missed: np.ndarray = head_probabilities(task.features[held], kernel, bias).argmax(axis=1) != task.targets[held]
    return missed


def head_of(arguments: Mapping[str, Any], folds: int = linear.FOLDS) -> Head:
    """The head of the rung `features`: its strength and weights are chosen by inner folds of each subset.

    arguments: of the builder `frozen`.
    """

    def fit(
        features: np.ndarray, targets: np.ndarray, classes: int, groups: Sequence[Sequence[int]], seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        head = fit_head(
            features,
            targets,
            classes=classes,
            strengths=arguments["strengths"],
            folds=inner_folds(targets, folds=folds, groups=groups, seed=seed),
            balance=bool(arguments.get("balance")),
        )
        return head.kernel, head.bias

    return fit
