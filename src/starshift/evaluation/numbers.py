"""Figures where a number is predicted: errors in its own unit, and the share of its variance that is explained."""

from __future__ import annotations

import numpy as np

from starshift.evaluation.estimates import bootstrapped
from starshift.records import NumberPredictions, NumberScore


def score(answers: NumberPredictions, *, seed: int, noun: str) -> NumberScore:
    """Say how one fitted model did on the examples whose number is known; at least one is."""
    known = answers.known
    targets, values = answers.targets[known], answers.values[known]
    absolute, squared = np.abs(values - targets), (values - targets) ** 2

    def mean_absolute_error(weights: np.ndarray) -> np.ndarray:
        return np.asarray(absolute @ weights / weights.sum(axis=0))

    def root_mean_squared_error(weights: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(squared @ weights / weights.sum(axis=0)))

    def r_squared(weights: np.ndarray) -> np.ndarray | None:
        return _r_squared(targets, squared, weights)

    figures = bootstrapped(
        {"mae": mean_absolute_error, "rmse": root_mean_squared_error, "r2": r_squared},
        np.zeros(len(targets), dtype=np.int64),
        seed=seed,
        noun=noun,
    )
    assert figures["mae"] and figures["rmse"]
    return NumberScore(figures["mae"], figures["rmse"], figures["r2"])


def _r_squared(targets: np.ndarray, squared: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
    """1 - squared errors over squared distances from the mean, per column; None where all targets are equal."""
    if np.ptp(targets) == 0:
        return None
    targets = targets - targets.mean()  # far from 0, squares of them would drown their spread
    means = targets @ weights / weights.sum(axis=0)
    spread = (targets**2) @ weights - means**2 * weights.sum(axis=0)
    return np.asarray(1 - (squared @ weights) / np.maximum(spread, 1e-12 * np.ptp(targets) ** 2))
