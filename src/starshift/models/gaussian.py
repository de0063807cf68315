"""Gaussian process regression with a Matérn kernel, a scale of its own for each feature, for few rows.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006): algorithm 2.1, equations 4.17
(ν = 5/2) and 5.9. Scales and noise are those of the highest posterior: the likelihood times wide priors, without which
few rows and many features let a scale run away.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from starshift.errors import RunError
from starshift.models.tabular import Learned, Rows, Task, Tensors, held_out

MOST_ROWS = 2000
"""Rows above which the kernel's cube of work does not pay."""

SEARCHED_ROWS = 500
"""Rows at the most by which scales and noise are found."""

STEPS = 40
"""Of the optimizer, at the most."""

LENGTH_SPREAD, NOISE, NOISE_SPREAD = 1.5, 0.3, 1.0
"""Priors of logarithms, normal: of length scales about 2 √features; of the noise about this share of the spread."""

_ROOT5 = 5**0.5


def fit(task: Task) -> Learned:
    """Scales and noise by a share of all rows, weights by all of them. Numbers only."""
    import scipy.linalg  # noqa: F401  its own BLAS must be loaded before threads are limited, or it escapes
    from threadpoolctl import threadpool_limits

    assert not task.classes
    # Of a few hundred rows BLAS threads wait for each other, and long where other work runs beside.
    with threadpool_limits(1, user_api="blas"):
        found = _searched(task)
        outputs = held_out(task, lambda part, rows: predict(_solved(part, found), rows, 0))
        tensors = _solved(task, found)
    lengths = np.exp(found[:-2])
    telling = int((lengths < 10 * np.sqrt(len(lengths))).sum())
    said = f"Gaussian process over {len(task.rows):,} rows, of which {telling} of {len(lengths)} features matter"
    return Learned(tensors, outputs, said)


def predict(tensors: Tensors, rows: Rows, classes: int) -> np.ndarray:
    """See models.tabular.Learner. Raises RunError where the tensors do not fit."""
    if {"inputs", "lengths", "weights", "offset"} != set(tensors) or len(tensors["lengths"]) != rows.features.shape[1]:
        raise RunError("The tensors of the model are not those of a Gaussian process over these columns.")
    kernel = _matern(_squares(rows.features / tensors["lengths"], tensors["inputs"]))
    return np.asarray(kernel @ tensors["weights"] + tensors["offset"][0])


def _solved(task: Task, found: np.ndarray) -> Tensors:
    """The weights of the training rows, for given scales."""
    from scipy.linalg import cho_factor, cho_solve

    lengths, signal, noise = np.exp(found[:-2]), np.exp(2 * found[-2]), np.exp(2 * found[-1])
    inputs = task.rows.features / lengths
    mean, spread = task.targets.mean(), task.targets.std() or 1.0
    kernel = signal * _matern(_squares(inputs, inputs))
    kernel[np.diag_indices_from(kernel)] += noise
    weights = cho_solve(cho_factor(kernel, lower=True), (task.targets - mean) / spread)
    return {"inputs": inputs, "lengths": lengths, "weights": signal * spread * weights, "offset": np.array([mean])}


def _searched(task: Task) -> np.ndarray:
    """Logarithms of the length scales, the signal's and the noise's deviation: float64 (F + 2,)."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(task.seed)
    rows = np.sort(rng.permutation(len(task.rows))[:SEARCHED_ROWS])
    part = task.part(rows)
    standardized = (part.targets - part.targets.mean()) / (part.targets.std() or 1.0)
    count = part.rows.features.shape[1]
    center = np.array([np.log(2 * np.sqrt(count))] * count + [0.0, np.log(NOISE)])
    bounds = [(middle - 5, middle + 5) for middle in center[:-1]] + [(np.log(1e-3), np.log(3.0))]
    objective = partial(_minus_log_posterior, part.rows.features, standardized, center)
    found = minimize(objective, center, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    return np.asarray(found.x)


def _minus_log_posterior(
    features: np.ndarray, targets: np.ndarray, center: np.ndarray, found: np.ndarray
) -> tuple[float, np.ndarray]:
    """Up to a constant, and its slope. center: the middles of the priors."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.linalg.lapack import dpotri

    signal, noise = np.exp(2 * found[-2]), np.exp(2 * found[-1])
    inputs = features / np.exp(found[:-2])
    distances = np.sqrt(_squares(inputs, inputs))
    decay = np.exp(-_ROOT5 * distances)
    matern = (1 + _ROOT5 * distances + 5 / 3 * distances**2) * decay
    kernel = signal * matern
    kernel[np.diag_indices_from(kernel)] += noise
    factor = cho_factor(kernel, lower=True)
    weights = cho_solve(factor, targets)
    value = 0.5 * targets @ weights + np.log(np.diag(factor[0])).sum()
    inverse = np.tril(dpotri(factor[0], lower=True)[0])  # a sixth of the work of solving for the unit matrix
    inverse += np.tril(inverse, -1).T
    slack = np.outer(weights, weights) - inverse
    pull = slack * (signal * 5 / 3 * (1 + _ROOT5 * distances) * decay)
    slope = np.empty_like(found)
    slope[:-2] = -(pull.sum(axis=1) @ inputs**2 - np.einsum("ij,ij->j", inputs, pull @ inputs))
    slope[-2] = -signal * (slack * matern).sum()
    slope[-1] = -noise * np.trace(slack)
    spread = np.array([LENGTH_SPREAD] * (len(found) - 2) + [LENGTH_SPREAD, NOISE_SPREAD])
    apart = (found - center) / spread
    return float(value + 0.5 * apart @ apart), slope + apart / spread


def _squares(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared distances: float64 (n, m)."""
    lengths = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.maximum(lengths - 2 * first @ second.T, 0)


def _matern(squares: np.ndarray) -> np.ndarray:
    distances = np.sqrt(squares)
    return np.asarray((1 + _ROOT5 * distances + 5 / 3 * squares) * np.exp(-_ROOT5 * distances))
