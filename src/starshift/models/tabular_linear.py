"""Linear models of tables: ridge regression for numbers, logistic regression for classes."""

from __future__ import annotations

import numpy as np

from starshift.models.classical import logistic, probabilities_of
from starshift.models.tabular import Learned, Rows, Task, Tensors, chosen

PENALTIES = tuple(10.0**power for power in np.arange(-2, 4.01, 0.5))
"""Of ridge regression, on standardized features."""

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse L2 penalties of logistic regression (scikit-learn's C)."""


def fit(task: Task) -> Learned:
    """Strength by the inner folds, then on all rows."""
    settings = STRENGTHS if task.classes else PENALTIES
    held = {setting: task.empty for setting in settings}  # noqa: C420  an array for each, and not one for all
    for fitted, rows in task.folds:
        part = task.part(fitted)
        for setting, tensors in _fits(part, settings).items():
            held[setting][rows] = predict(tensors, task.rows.taken(rows), task.classes)
    best, outputs, _ = chosen(list(held.items()), task)
    name = "C" if task.classes else "penalty"
    said = f"{'logistic' if task.classes else 'ridge'} regression, {name} = {best:.3g}"
    return Learned(_fits(task, (best,))[best], outputs, said)


def predict(tensors: Tensors, rows: Rows, classes: int) -> np.ndarray:
    """See models.tabular.Learner."""
    outputs = rows.features @ tensors["kernel"] + tensors["bias"]
    return probabilities_of(outputs) if classes else outputs[:, 0]


def _fits(task: Task, settings: tuple[float, ...]) -> dict[float, Tensors]:
    return _logistic(task, settings) if task.classes else _ridge(task, settings)


def _ridge(task: Task, penalties: tuple[float, ...]) -> dict[float, Tensors]:
    """Minimize ‖y - X kernel - bias‖² + penalty ‖kernel‖², for all penalties by one decomposition."""
    features, targets = task.rows.features, task.targets
    center, mean = features.mean(axis=0), targets.mean()
    left, singular, right = np.linalg.svd(features - center, full_matrices=False)
    projected = left.T @ (targets - mean)
    found = {}
    for penalty in penalties:
        kernel = right.T @ (singular / (singular**2 + penalty) * projected)
        found[penalty] = {"kernel": kernel[:, None], "bias": np.array([mean - center @ kernel])}
    return found


def _logistic(task: Task, strengths: tuple[float, ...]) -> dict[float, Tensors]:
    features, start = task.rows.features.astype(np.float32), None
    found = {}
    for strength in sorted(strengths):  # each starts where the weaker one before it came to rest
        start = logistic(features, task.targets, task.classes, strength, start)
        found[strength] = {"kernel": start[0], "bias": start[1]}
    return found
