"""The weights of a network as arrays by path: read, written, averaged over steps."""

from __future__ import annotations

from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]


def read_weights(model: Any) -> Weights:
    """All weights of a Keras model by their path: float32 arrays, copies of their own."""
    return {variable.path: variable.numpy().astype(np.float32) for variable in model.weights}


def write_weights(model: Any, weights: Weights) -> None:
    """Set all weights of a freshly built Keras model by path; names and shapes must agree."""
    own = {variable.path: variable for variable in model.weights}
    if own.keys() != weights.keys():
        raise ValueError(f"weights differ in names: {sorted(own.keys() ^ weights.keys())[:4]}")
    for path, variable in own.items():
        variable.assign(weights[path])


def are_finite(weights: Weights) -> bool:
    """Whether no weight is NaN or infinite."""
    return all(np.isfinite(array).all() for array in weights.values())


class Average:
    """The exponential average of a model's weights over steps; batch norm's statistics are averaged with them.

    momentum: share of the average that a step leaves. In the first steps it is less, (1 + t) / (10 + t) at step t as
    TensorFlow's ExponentialMovingAverage has it, so that the first weights do not outlive their time. Weights are taken
    in at every hundredth of the steps that the average reaches back, 1 / (1 - momentum): more often would cost a tenth
    of a step's time and change nothing.
    """

    def __init__(self, model: Any, momentum: float) -> None:
        self.model, self.steps = model, 0
        self.stride = max(1, round(0.01 / (1 - momentum)))
        self.momentum = momentum**self.stride
        self.weights = read_weights(model)

    def update(self) -> None:
        """A step was made: take in the model's weights of this moment, if it is time."""
        self.steps += 1
        if self.steps % self.stride:
            return
        taken = 1 - min(self.momentum, (1 + self.steps) / (10 + self.steps))
        for variable in self.model.weights:
            average = self.weights[variable.path]
            average += taken * (variable.numpy().astype(np.float32, copy=False) - average)

    def copy(self) -> Weights:
        """The average of this moment, which later steps do not change."""
        return {path: array.copy() for path, array in self.weights.items()}
