"""How good with more pictures: a learning curve, measured on nested subsets, and carried on with an interval.

Viering and Loog, "The Shape of Learning Curves: a Review" (arXiv 2103.10948), name the families of functions; none is
right for every task, so that several are weighed by how well they foretell the largest sizes from the smaller ones
(Mohr, Viering, Loog and van Rijn, LCDB 1.0, ECML PKDD 2022, measured such extrapolations). Larger sizes count more in
each fit (Figueroa, Zeng-Treitler, Kandula and Ngo, BMC Medical Informatics and Decision Making 12 (2012) 8).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np

from starshift.errors import DataError
from starshift.evaluation.statistics import bootstrap_weights
from starshift.seeds import child

SIZES = 6
"""Sizes of the training part that are measured."""

SPAN = 16
"""The smallest size is this part of all training pictures, or as much as its classes need."""

SHORTEST_SPAN = 4
"""A curve over less than this says too little of its shape."""

PER_CLASS, FEWEST = 2, 20
"""Pictures per class, and in all, that the smallest size must hold."""

FARTHEST = 4
"""Times the present number of training pictures beyond which nothing is foretold."""

DRAWS = 1000
"""Bootstrap draws; 80 % intervals then wander by a twentieth of their length."""

NARROW, WIDE = 0.8, 0.95
"""Levels of the intervals."""

NEAR_SPAN = 6
"""The slope of now is that over the sizes from this part of the training pictures on."""

HELD_SIZES = 2
"""The largest sizes, which each family foretells from the smaller ones to earn its weight."""

APART = 0.6
"""Share of the training pictures up to which subsets differ enough to tell the luck of drawing them."""

FAMILY_SPREAD = 0.2
"""The mean of the families misses by less than single ones do. Chosen on trials of two tasks, so that 80 % intervals
hold (docs/forecast.md)."""

NEAR_MISS = 0.15
"""Share of the error of now. From 0.1 to 0.3 little changes."""


def subset_sizes(pictures: int, classes: int) -> tuple[int, ...]:
    """Sizes of nested subsets of so many training pictures, in equal ratios; the last is all of them.

    Raises DataError where there are too few pictures for a curve.
    """
    smallest = max(math.ceil(pictures / SPAN), PER_CLASS * classes, FEWEST)
    if smallest * SHORTEST_SPAN > pictures:
        needed = SHORTEST_SPAN * max(PER_CLASS * classes, FEWEST)
        raise DataError(
            f"A forecast needs at least 5 sizes of the training part, from a quarter of it up to all of it, the "
            f"smallest with {PER_CLASS} pictures per class and {FEWEST} in all: with {classes:,} classes that takes "
            f"{needed:,} training pictures; there are {pictures:,}. Add pictures."
        )
    return tuple(np.geomspace(smallest, pictures, SIZES).round().astype(int).tolist())


@dataclass(frozen=True)
class Measured:
    """Which test pictures were told wrong after training on each size.

    sizes: int (K,), training pictures, rising; at the last, all of them, every repetition is the same.
    wrong: bool (S, K, P), by repetition, size and test picture. targets: int (P,), classes. folds: int (P,), which
    pictures were tested by the same heads, from 0.
    """

    sizes: np.ndarray
    wrong: np.ndarray
    targets: np.ndarray
    folds: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """The share told wrong at each size: float (K,)."""
        shares: np.ndarray = self.wrong.mean(axis=(0, 2))
        return shares

    @cached_property
    def labels(self) -> np.ndarray:
        """The classes that were tested: int (C,), rising."""
        return np.unique(self.targets)

    @cached_property
    def counts(self) -> np.ndarray:
        """Test pictures of each of them: int (C,)."""
        return np.bincount(self.targets)[self.labels]


def class_errors(measured: Measured, *, seed: int, same_pictures: bool = False, draws: int = DRAWS) -> np.ndarray:
    """Bootstrap draws of the share told wrong, by size and class: float64 (draws, K, C).

    Drawn are pictures within their class, as `bootstrap_weights` does (unless the question is about these very
    pictures), and the repetitions of the subsets, in each fold for itself: of S, S - 1 with replacement (Rao and Wu
    1988), so that the spread of their mean is kept.
    """
    order = np.argsort(measured.targets, kind="stable")
    starts = np.searchsorted(measured.targets[order], measured.labels)
    wrong, folds = measured.wrong[:, :, order].astype(np.float64), measured.folds[order]
    rng = np.random.default_rng(child(seed, "repetitions"))
    blocks = []
    for weights in bootstrap_weights(measured.targets, seed=child(seed, "pictures"), draws=draws):
        shares = _repetition_shares(len(wrong), int(folds.max()) + 1, weights.shape[1], rng)
        mixed = np.empty((weights.shape[1], len(measured.sizes), len(order)))
        for fold, share in enumerate(shares):
            here = folds == fold
            mixed[:, :, here] = np.tensordot(share, wrong[:, :, here], axes=(0, 0))
        if not same_pictures:
            mixed *= weights[order].T[:, None]
        blocks.append(np.add.reduceat(mixed, starts, axis=2) / measured.counts)
    return np.concatenate(blocks)


def _repetition_shares(repetitions: int, folds: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How much each repetition counts: float64 (folds, S, draws), summing to 1 over the repetitions."""
    if repetitions == 1:
        return np.ones((folds, 1, draws))
    picks = rng.integers(repetitions, size=(folds, repetitions - 1, draws))
    return np.stack([(picks == one).mean(axis=1) for one in range(repetitions)], axis=1)


def total_errors(measured: Measured, by_class: np.ndarray) -> np.ndarray:
    """Of `class_errors`, the share of all pictures told wrong: float64 (draws, K)."""
    total: np.ndarray = by_class @ (measured.counts / measured.counts.sum())
    return total


# ---- families of functions ------------------------------------------------------------------------


class Family(NamedTuple):
    """Errors as floor + height · shape(x), x being training pictures as a share of those of now."""

    name: str
    shapes: Callable[[np.ndarray], np.ndarray]  # float (sizes,) → (shapes tried, sizes), falling with size
    floor: float | None  # as a share of the error at the largest size; None: fitted
    prior: float = 1.0  # how much it is believed before it was tried


ENDLESS = 0.5
"""Prior of families that never level off, as errors do: some pictures are hard or wrongly labelled."""

_EXPONENTS = np.geomspace(0.005, 4, 150)[:, None]
_SCALES = np.geomspace(1 / 16, 8, 100)[:, None]


def _power(x: np.ndarray) -> np.ndarray:
    return np.asarray(x**-_EXPONENTS)


FAMILIES = (
    Family("power law", _power, 0.0, ENDLESS),
    Family("power law to a quarter of today's error", _power, 0.25),
    Family("power law to half of today's error", _power, 0.5),
    Family("power law to three quarters of today's error", _power, 0.75),
    Family("exponential", lambda x: np.exp(-x / _SCALES), None),
    Family("logarithm", lambda x: -np.log(x)[None], None, ENDLESS),
)
"""A floor that is fitted with a power law wanders so much that floors are given, as shares of the error of now.
Measured on caltech-101 and dogs-vs-cats, 1,000 pictures carried on to 2,000: a third less spread."""


def carried_on(family: Family, x: np.ndarray, errors: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Fit a family to curves by least squares and read it elsewhere: float64 (curves, J), from 0 to 1.

    x: float (K,), sizes as a share of now; each counts as much as its size. errors: float (curves, K).
    at: float (J,), in the unit of `x`. For each shape tried, floor and height have a closed form; the best shape is
    taken curve by curve.
    """
    weights = x / x.sum()
    shapes = family.shapes(x)
    mean_shape, mean_error = shapes @ weights, (errors @ weights)[:, None]
    square, product = shapes**2 @ weights, (errors * weights) @ shapes.T
    if family.floor is None:
        height = np.maximum((product - mean_error * mean_shape) / (square - mean_shape**2), 0)
        floor = mean_error - height * mean_shape
    else:
        floor = np.broadcast_to(family.floor * errors[:, -1:], product.shape)
        height = np.maximum((product - floor * mean_shape) / square, 0)
    residual = floor * (floor - 2 * mean_error + 2 * height * mean_shape) + height * (height * square - 2 * product)
    best = residual.argmin(axis=1)
    rows = np.arange(len(errors))
    found: np.ndarray = floor[rows, best, None] + height[rows, best, None] * family.shapes(at)[best]
    return np.clip(found, 0, 1)


def family_weights(x: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """How much each family is believed: float64 (families,), summing to 1.

    By how far it misses the largest sizes of a curve (errors, float (K,)) when it sees the smaller ones alone. Misses
    of less than NEAR_MISS of the error of now are no reason to drop a family: luck makes them.
    """
    seen, held = slice(0, -HELD_SIZES), slice(-HELD_SIZES, None)
    misses = np.array(
        [carried_on(family, x[seen], errors[None, seen], x[held])[0] - errors[held] for family in FAMILIES]
    )
    squared = (misses**2).mean(axis=1)
    priors = np.array([family.prior for family in FAMILIES])
    weights = priors * np.exp((squared.min() - squared) / (2 * (NEAR_MISS * errors[-1]) ** 2 + 1e-12))
    share: np.ndarray = weights / weights.sum()
    return share


# ---- the forecast ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Extrapolation:
    """Error against training pictures.

    at: int (J,), training pictures. errors: float64 (J,), the true error foretold. draws: float64 (draws, J), how
    it could be as well. weights: how much each family counts.
    """

    at: np.ndarray
    errors: np.ndarray
    draws: np.ndarray
    weights: dict[str, float]

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Of the true error: low and high, each float64 (J,)."""
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.minimum(low, self.errors), np.maximum(high, self.errors)

    def from_on(self, pictures: int) -> Extrapolation:
        """The same from that number of training pictures on."""
        on = self.at >= pictures
        return replace(self, at=self.at[on], errors=self.errors[on], draws=self.draws[:, on])

    def measured_interval(self, level: float, tested: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the error that a measurement on so many fresh pictures will show; tested: int (J,)."""
        rng = np.random.default_rng(child(seed, "measurement"))
        shown = rng.binomial(tested, self.draws) / tested
        low, high = np.quantile(shown, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high


def extrapolate(
    measured: Measured, drawn: np.ndarray, at: np.ndarray, *, seed: int, same_pictures: bool = False
) -> Extrapolation:
    """Carry a curve on to other sizes. drawn: of `total_errors`. at: int (J,), training pictures.

    Each draw is a curve as other pictures and other subsets would have given it, carried on by a family drawn by its
    weight, of whose distance from the mean of all families FAMILY_SPREAD counts. Beyond the pictures of now comes the
    luck of which pictures there are to train on: of those of now, and less of those of then, as there are more.
    same_pictures: the error on the pictures tested themselves, whose luck is no luck then; else the true error.
    """
    now = measured.sizes[-1]
    x, ahead = measured.sizes / now, at / now
    weights = family_weights(x, measured.errors)
    both = np.vstack([measured.errors, drawn])
    curves = np.stack([carried_on(family, x, both, ahead) for family in FAMILIES])
    mean = np.tensordot(weights, curves, axes=1)
    rng = np.random.default_rng(child(seed, "families"))
    chosen = rng.choice(len(FAMILIES), size=len(drawn), p=weights)
    draws = mean[1:] + FAMILY_SPREAD * (curves[chosen, np.arange(1, len(both))] - mean[1:])
    luck = training_variance(measured, same_pictures=same_pictures) * np.where(ahead > 1, 1 + 1 / ahead, 0)
    draws = draws + rng.standard_normal((len(draws), 1)) * np.sqrt(luck)
    named = {family.name: float(weight) for family, weight in zip(FAMILIES, weights, strict=True)}
    return Extrapolation(at, mean[0], np.clip(draws, 0, 1), named)


def training_variance(measured: Measured, *, same_pictures: bool = False) -> float:
    """Variance of the error from the luck of which pictures were trained on, with as many as now.

    Two repetitions tested on the same pictures differ by this luck and, as far as the true error is concerned, by that
    of the test pictures, which is known from how single pictures differ. It is taken to fall as 1 / size; subsets of
    the same pictures share more of it the larger they are, so that only those up to APART are looked at.
    """
    shares = measured.sizes / measured.sizes[-1]
    smaller = shares <= APART
    scale = shares[smaller] / (1 - shares[smaller]) / 2
    found = []
    for fold in np.unique(measured.folds):
        wrong = measured.wrong[:, smaller][:, :, measured.folds == fold].astype(np.float64)
        for first, second in combinations(range(len(wrong)), 2):
            difference = wrong[first] - wrong[second]
            excess = difference.mean(axis=1) ** 2
            if not same_pictures:
                excess = excess - difference.var(axis=1) / difference.shape[1]
            found.append((excess * scale).mean())
    return max(0.0, float(np.mean(found))) if found else 0.0


def doubling(measured: Measured, drawn: np.ndarray) -> tuple[float, np.ndarray]:
    """Change of the error per doubling of the training pictures at the largest sizes: of the curve, and of draws.

    The slope of a line against log n. drawn: float (draws, K). Returns a share and float64 (draws,).
    """
    near = measured.sizes * NEAR_SPAN >= measured.sizes[-1]
    doublings = np.log2(measured.sizes[near])
    centred = doublings - doublings.mean()
    slope = centred / (centred @ centred)
    return float(measured.errors[near] @ slope), drawn[:, near] @ slope


def class_drops(measured: Measured, by_class: np.ndarray, train_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much one picture more of a class alone lowers the total error: float64 (C,), and draws (draws, C).

    by_class: of `class_errors`. train_counts: int (C,), training pictures of now of each tested class. A class's error
    falls with the log of the number of its pictures as it does where all classes grow together; what the pictures of
    other classes add to that is not told apart.
    """
    near = measured.sizes * NEAR_SPAN >= measured.sizes[-1]
    logs = np.log(measured.sizes[near])
    centred = logs - logs.mean()
    falls = -centred / (centred @ centred)
    share = measured.counts / measured.counts.sum() / train_counts
    own = np.stack(
        [measured.wrong[:, near][:, :, measured.targets == label].mean(axis=(0, 2)) for label in measured.labels]
    )
    return own @ falls * share, np.einsum("dkc,k->dc", by_class[:, near], falls) * share


def pictures_for(found: Extrapolation, error: float) -> tuple[int | None, int | None, int | None]:
    """The least number of training pictures whose true error is foretold to be `error` or less, and its 80 % interval.

    Each is None where it is beyond the last of `found.at`.
    """
    counts = [_first_at_most(found.at, curve, error) for curve in found.draws]
    low, high = np.quantile(counts, [(1 - NARROW) / 2, (1 + NARROW) / 2], method="closest_observation")
    middle = _first_at_most(found.at, found.errors, error)
    best, worst = min(low, middle), max(high, middle)
    return _whole(middle), _whole(best), _whole(worst)


def _first_at_most(at: np.ndarray, errors: np.ndarray, error: float) -> float:
    """Where a curve first comes down to `error`, between two sizes on a line against log n; inf where it does not."""
    reached = np.flatnonzero(errors <= error)
    if not len(reached):
        return math.inf
    first = int(reached[0])
    if first == 0:
        return float(at[0])
    before, after = errors[first - 1], errors[first]
    share = (before - error) / (before - after)
    return float(at[first - 1] * (at[first] / at[first - 1]) ** share)


def _whole(pictures: float) -> int | None:
    return math.ceil(round(pictures, 6)) if math.isfinite(pictures) else None
