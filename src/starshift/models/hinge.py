"""Linear models on sparse features: one-versus-rest squared hinge, ridge, and several of them weighed into one.

SciPy's L-BFGS does the fitting, for all outputs at once. Where there are many outputs and few rows, the products of
rows with each other are all that is needed: with an L2 penalty the solution lies in the span of the rows (Schölkopf,
Herbrich and Smola 2001). Newton's method then reaches the minimum in seconds, where L-BFGS takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from starshift.execution import map_ordered
from starshift.models.heads import outputs_of
from starshift.records import Target

MOST_PRODUCTS = 6_000
"""Rows up to which their products are computed; the square matrix of more would not fit into a laptop's memory beside
all else."""

FREQUENT = 8
"""A column that more than one in so many rows has is multiplied as a dense one when rows are compared."""

JITTER = 1e-5
"""Added to each row's product with itself at the start, so that copies of one text do not make the matrix singular."""

FURTHER = 1.5
"""How far beyond least squares Newton's method starts."""

NEWTON_STEPS, NEWTON_GAIN, NEAR = 30, 1e-6, 1e-6
"""Of Newton's method: steps at most, the least share of the objective that one must gain for another, and how exactly
a step's length is found."""

BLOCK = 500
"""Rows that are compared with all others at once."""

STEPS, GAIN, GAIN_OF_NUMBERS = 200, 1e-4, 1e-6
"""Of the optimizer: at most so many, and fewer once a step gains less than that share of the objective. On film reviews
1e-4 takes a third of the steps that 1e-6 takes, and as many are told right."""


def wanted_of(target: Target, encoded: np.ndarray) -> tuple[np.ndarray, float, float]:
    """What outputs shall be: float32 (N, outputs), the mean and the scale that outputs are brought back by.

    Classes: +1 of their own and -1 of other classes, one output for two classes (the second's). Labels: +1 or -1 each.
    Numbers: standardized by mean and standard deviation of the rows given.
    """
    if target.is_number:
        mean, scale = float(encoded.mean()), float(encoded.std()) or 1.0
        return ((encoded - mean) / scale).astype(np.float32)[:, None], mean, scale
    if target.kind == "multi-label":
        return (2.0 * encoded - 1).astype(np.float32), 0.0, 1.0
    one_hot = (encoded[:, None] == np.arange(len(target.classes))).astype(np.float32)
    return (2 * one_hot - 1)[:, -outputs_of(target) :], 0.0, 1.0


def counting_of(wanted: np.ndarray, balance: float) -> np.ndarray:
    """What each row counts for each output: float32 (N, outputs).

    Rows of a class count (rows / (2 · rows of the class)) to the power `balance`, which only adds to rare ones: 0 lets
    all count the same, 1 lets rare and common classes count the same. Two classes are both weighed, of more and of
    labels only the rows that have them.
    """
    counting = np.ones_like(wanted)
    if not balance:
        return counting
    present = (wanted > 0).sum(axis=0)
    share = len(wanted) / (2 * np.maximum(present, 1))
    counting = np.where(wanted > 0, np.maximum(share, 1) ** balance, 1)
    if wanted.shape[1] == 1:
        absent = np.maximum(len(wanted) - present, 1)
        counting = np.where(wanted > 0, counting, np.maximum(len(wanted) / (2 * absent), 1) ** balance)
    return counting.astype(np.float32)


def solve(
    features: Any,
    wanted: np.ndarray,
    counting: np.ndarray,
    strength: float,
    *,
    start: tuple[np.ndarray, np.ndarray] | None = None,
    is_number: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimize ½ ‖kernel‖² + strength · Σ counting · residual²: kernel float32 (F, outputs), bias float32 (outputs,).

    features: csr_array, float32 (N, F). wanted, counting: see above. The residual is what is missing to
    wanted · output ≥ 1 (squared hinge, as scikit-learn's LinearSVC(C=strength), but for the bias, which has no penalty
    here), of numbers wanted - output (ridge). start: kernel and bias at another strength, which saves steps.
    """
    from scipy.optimize import minimize

    columns, outputs = features.shape[1], wanted.shape[1]
    transposed = features.T.tocsr()

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(columns + 1, outputs)
        said = features @ weights[:-1].astype(np.float32) + weights[-1].astype(np.float32)
        residual = wanted - said if is_number else _short_of(wanted, said)
        slopes = (-2 * strength) * counting * residual
        gradient = weights.copy()
        gradient[:-1] += transposed @ slopes.astype(np.float32)
        gradient[-1] = slopes.sum(axis=0)
        missed = strength * float(np.sum(counting * residual**2, dtype=np.float64))
        return missed + 0.5 * float(np.sum(weights[:-1] ** 2)), gradient.ravel()

    options = {"maxiter": STEPS, "ftol": GAIN_OF_NUMBERS if is_number else GAIN, "gtol": 0.0}
    first = np.zeros((columns + 1, outputs)) if start is None else np.vstack(start).astype(np.float64)
    found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    weights = found.x.reshape(columns + 1, outputs).astype(np.float32)
    return weights[:-1], weights[-1]


def _short_of(wanted: np.ndarray, said: np.ndarray) -> np.ndarray:
    """What outputs lack to wanted · said ≥ 1, with the sign of wanted; its square is the squared hinge."""
    return wanted * np.maximum(0, 1 - wanted * said)


# --- few rows, many outputs ---


def pays_by_products(target: Target, rows: int) -> bool:
    """Whether a model of so many rows is better fitted by their products with each other."""
    return outputs_of(target) > 1 and rows <= MOST_PRODUCTS


def products_of(features: Any) -> np.ndarray:
    """Of every row with every other, each with a 1 behind it for the bias: float32 (N, N).

    features: csr_array, float32 (N, F). What many rows have is multiplied densely, which is faster.
    """
    having = np.bincount(features.indices, minlength=features.shape[1])
    frequent = having > features.shape[0] / FREQUENT
    columns = features.tocsc()
    dense, rare = columns[:, frequent].toarray(), columns[:, ~frequent].tocsr()
    across = rare.T.tocsr()
    products = dense @ dense.T + np.float32(1)
    starts = range(0, features.shape[0], BLOCK)
    for start, block in zip(
        starts, map_ordered(lambda at: (rare[at : at + BLOCK] @ across).toarray(), starts), strict=True
    ):
        products[start : start + BLOCK] += block
    return products


def solve_products(
    products: np.ndarray,
    wanted: np.ndarray,
    counting: np.ndarray,
    strength: float,
    *,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """What `solve` minimizes for classes and labels, by what each row adds to the kernel: float32 (N, outputs).

    With that, outputs of rows are products @ it, the kernel is features.T @ it, and the bias, which has a penalty here,
    the sum over rows.

    products: float32 (N, N), see products_of. start: the same at another strength, which saves steps. Newton's method
    for each output (Chapelle 2007, "Training a Support Vector Machine in the Primal"): a step solves for the rows
    within the margin alone, and goes as far as the objective falls. It ends after a few steps at the minimum.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.optimize import brentq
    from threadpoolctl import threadpool_limits

    costs = (2 * strength * counting).astype(np.float64)
    if start is None:
        even = products + np.diag(np.full(len(products), 0.5 / strength + JITTER))
        # Least squares put half of the rows within the margin; somewhat more than them leaves few to solve for.
        start = FURTHER * cho_solve(cho_factor(even, overwrite_a=True, check_finite=False), wanted, check_finite=False)

    def one(column: int) -> np.ndarray:
        target, cost, adds = wanted[:, column], costs[:, column], start[:, column].astype(np.float64)
        said = products @ adds.astype(np.float32)
        before = np.inf
        for _ in range(NEWTON_STEPS):
            within = np.flatnonzero(target * said < 1)
            inside = products[np.ix_(within, within)].astype(np.float64)
            inside[np.diag_indices(len(within))] += 1 / cost[within]
            there = np.zeros_like(adds)
            there[within] = cho_solve(cho_factor(inside, overwrite_a=True), target[within])
            step, change = there - adds, products[:, within] @ there[within].astype(np.float32) - said
            slope = partial(_slope, target, cost, said, change, float(step @ said), float(step @ change))
            share = 1.0 if slope(1.0) <= 0 else brentq(slope, 0.0, 1.0, xtol=NEAR) if slope(0.0) < 0 else 0.0
            adds, said = adds + share * step, said + share * change
            height = 0.5 * float(adds @ said) + 0.5 * float(cost @ _short_of(target, said) ** 2)
            if before - height <= NEWTON_GAIN * abs(height):
                break
            before = height
        return adds

    with threadpool_limits(1, user_api="blas"):  # outputs are shared among cores instead
        found = list(map_ordered(one, range(wanted.shape[1])))
    return np.stack(found, axis=1).astype(np.float32)


def _slope(
    wanted: np.ndarray, cost: np.ndarray, said: np.ndarray, change: np.ndarray, along: float, bend: float, share: float
) -> float:
    """The objective's slope a share of a step further; along, bend: what its penalty's slope is, share by share."""
    return along + share * bend - float((cost * _short_of(wanted, said + share * change)) @ change)


# --- several models as one ---


def weigh(outputs: Sequence[np.ndarray], target: Target, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """Weights of at least 0 for the sum of several models' outputs with the lowest loss on rows that they did not see.

    outputs: of each model, float (N, outputs). truth: as Target.encode has it. The loss is the log loss of classes and
    labels, and the squared error of numbers; of classes, half of it counts rows alike and half counts classes alike, so
    that small classes are heard. Returns (loss, float64 (models,)).
    """
    from scipy.optimize import minimize

    each = [one.astype(np.float64) for one in outputs]
    shares = _shares(target, truth)

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        losses, slopes = _loss(sum(w * one for w, one in zip(weights, each, strict=True)), target, truth)
        gradient = [float(np.sum(shares[:, None] * slopes * one)) for one in each]
        return float(shares @ losses), np.array(gradient)

    first = np.full(len(each), (1.0 if target.is_number else 3.0) / len(each))
    found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(each))
    return float(found.fun), found.x


def _shares(target: Target, truth: np.ndarray) -> np.ndarray:
    alike = np.full(len(truth), 1 / len(truth))
    if not target.is_classes:
        return alike
    counts = np.bincount(truth, minlength=len(target.classes))
    return 0.5 * alike + 0.5 / ((counts > 0).sum() * counts[truth])


def _loss(outputs: np.ndarray, target: Target, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's loss, float64 (N,), and its slope by each output, float64 (N, outputs)."""
    if target.is_number:
        residual = outputs - truth[:, None]
        return (residual**2)[:, 0], 2 * residual
    if target.kind == "multi-label":
        losses = np.logaddexp(0, outputs) - truth * outputs
        return losses.sum(axis=1), probabilities(outputs, target).astype(np.float64) - truth
    full = _full(outputs)
    shifted = full - full.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(truth))
    slopes = exponentials / sums
    slopes[rows, truth] -= 1
    return np.log(sums[:, 0]) - shifted[rows, truth], slopes[:, -outputs.shape[1] :]


def probabilities(outputs: np.ndarray, target: Target) -> np.ndarray:
    """Outputs as records.answers_for wants them: float32 (N, classes) or (N, labels); of numbers float64 (N,)."""
    if target.is_number:
        values = outputs[:, 0].astype(np.float64)
        return np.clip(values, 0, 1) if target.kind == "share" else values
    if target.kind == "multi-label":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * outputs.astype(np.float64))), np.float32)
    full = _full(outputs.astype(np.float64))
    exponentials = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def _full(outputs: np.ndarray) -> np.ndarray:
    """A column of zeros before the one output of two classes, so that a softmax serves all."""
    return np.concatenate([np.zeros_like(outputs), outputs], axis=1) if outputs.shape[1] == 1 else outputs
