"""Ways to reuse learnwares on a user's own labelled pictures, all of them scored on the same folds.

A learnware says of every picture how likely each of the user's classes is (`learnware.mapped`): logits, fixed before
the user's pictures are looked at. What is learned from these pictures is a head on frozen features, and how much it
and the learnwares count. Where a learnware is a linear head on the same features, all of this is a linear head again.

Sources: penalty towards what others learned: Kuzborskij and Orabona 2013 (proceedings.mlr.press/v28/kuzborskij13);
weights of several models by held-out log loss: Breiman 1996, "Stacked regressions" (doi:10.1007/BF00117832).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce

import numpy as np

from starshift.compose.ensemble import pool_weights
from starshift.evaluation.metrics import log_losses
from starshift.models.classical import compress, fit_head, for_raw, logistic, minimized, softmax, standardize

STRENGTHS = (3e-3, 1e-2, 3e-2)
"""Of the own head, as the rung `features` has them."""

SHARES = (0.25, 0.5, 1.0)
"""How much of the learnwares' logits the head of `prior` starts from."""

COUNTED = (1.0, 4.0, 16.0)
"""How much more than one of the features a learnware's logit counts in the head of `beside`."""

STEADINESS = 4.0
"""How strongly weights of the pool are drawn to those of the own head alone: nats for the square of a weight."""

MARGIN = 0.01
"""Nats per picture by which a way must beat a simpler one to be taken."""

Fold = tuple[np.ndarray, np.ndarray]
"""Rows to fit on, and rows held out."""

OWN, DIRECT, AVERAGE, WEIGHTED = "own head", "direct", "average", "weighted"
POOL, PRIOR, BESIDE = "pool", "prior", "beside"
WAYS: dict[str, str] = {
    OWN: "frozen features and a head, without any learnware",
    DIRECT: "the nearest learnware as it is",
    AVERAGE: "a mean of the learnwares' logits",
    WEIGHTED: "a weighted mean of the learnwares' logits",
    POOL: "a weighted mean of the own head's logits and the learnwares'",
    PRIOR: "a head that is penalized for leaving the learnwares' logits",
    BESIDE: "a head on frozen features and the learnwares' logits, side by side",
}
"""Every way, the simplest first."""


@dataclass(frozen=True)
class Formula:
    """Logits = own · (features @ kernel + bias) + Σ weight · learnware's logits @ turned.

    kernel: float32 (features, classes) on compressed features; None where there is no head of the user's own.
    turned: float64 (learnwares, classes, classes), columns of which sum to 0; None where logits stay as they are.
    """

    weights: tuple[float, ...]  # of each learnware
    own: float = 0.0
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None
    turned: np.ndarray | None = None

    def logits(self, features: np.ndarray, said: np.ndarray) -> np.ndarray:
        """features: float32 (N, F), raw. said: float (learnwares, N, classes). Returns float64 (N, classes)."""
        spoken = said if self.turned is None else said @ self.turned
        found = np.einsum("m,mnc->nc", np.asarray(self.weights), spoken)
        if self.kernel is not None:
            found = found + self.own * (compress(features) @ self.kernel + self.bias)
        return np.asarray(found, np.float64)


@dataclass(frozen=True)
class Way:
    """One way to reuse learnwares, and how it did on pictures that it was not fitted on."""

    name: str  # in WAYS
    formula: Formula  # fitted on all pictures
    held_out: np.ndarray  # float32 (repeats, N, classes): probabilities
    loss: float  # nats per picture, the mean over repeats
    accuracy: float  # the same


@dataclass
class Trial:
    """Ways on a user's pictures.

    features: float32 (N, F), raw. targets: int (N,), every class present. said: logits of learnwares, float (M, N,
    classes), the best first. folds: of several repeats.
    """

    features: np.ndarray
    targets: np.ndarray
    classes: int
    said: np.ndarray
    folds: Sequence[Sequence[Fold]]
    ways: dict[str, Way] = field(default_factory=dict)
    by_fold: list[list[np.ndarray]] = field(default_factory=list)  # weights of WEIGHTED that the other folds chose

    def run(self) -> dict[str, Way]:
        """All ways that apply."""
        from threadpoolctl import threadpool_limits

        kernel, bias = self.head
        self._add(OWN, Formula((0.0,) * len(self.said), 1.0, kernel, bias), self.own)
        with threadpool_limits(1, user_api="blas"):
            self._fixed()
            if len(self.said):
                self._pooled()
                self._prior()
                self._beside()
        return self.ways

    @property
    def best(self) -> Way:
        """Of the lowest log loss; a simpler one where it is as good but for MARGIN."""
        least = min(way.loss for way in self.ways.values())
        return next(self.ways[name] for name in WAYS if name in self.ways and self.ways[name].loss <= least + MARGIN)

    # --- the own head ---

    @cached_property
    def tested(self) -> np.ndarray:
        """Rows that every repeat holds out once, which alone are scored: a class of one picture has none. int (n,)."""
        held = [np.concatenate([out for _, out in folds]) for folds in self.folds]
        return reduce(np.intersect1d, held)

    @cached_property
    def own_accuracy(self) -> float:
        """Of the own head, on pictures that it was not fitted on; needs no learnware."""
        return self._accuracy(self.own)

    @property
    def own(self) -> np.ndarray:
        """Logits of heads fitted without each fold: float64 (repeats, N, classes)."""
        return self._heads[0]

    @property
    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel and bias of the own head."""
        return self._heads[1]

    @cached_property
    def _heads(self) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        held = np.zeros((len(self.folds), len(self.targets), self.classes))
        for repeat, folds in enumerate(self.folds):
            head = fit_head(self.features, self.targets, classes=self.classes, strengths=STRENGTHS, folds=list(folds))
            for (_, rows), (kernel, bias) in zip(folds, head.without_folds, strict=True):
                held[repeat, rows] = full(compress(self.features[rows]) @ kernel + bias)
        return held, (full(head.kernel), full(head.bias[None])[0])

    # --- without a head of the user's own ---

    def _fixed(self) -> None:
        count = len(self.said)
        if not count:
            return
        first = np.eye(count)[0]
        self._add(DIRECT, Formula(tuple(first)), self._repeated(self.said[0]))
        if count > 1:
            even = np.full(count, 1 / count)
            self._add(AVERAGE, Formula(tuple(even)), self._repeated(self.said.mean(axis=0)))
            weights, self.by_fold, held = self._weighed(np.repeat(self.said[:, None], len(self.folds), axis=1), even)
            self._add(WEIGHTED, Formula(tuple(weights)), held)

    def _repeated(self, logits: np.ndarray) -> np.ndarray:
        return np.repeat(np.asarray(logits, np.float64)[None], len(self.folds), axis=0)

    # --- both ---

    def _pooled(self) -> None:
        said = np.repeat(self.said[:, None], len(self.folds), axis=1)
        components = np.concatenate([self.own[None], said])
        start = np.array([1.0, *np.zeros(len(self.said))])
        weights, _, held = self._weighed(components, start)
        kernel, bias = self.head
        self._add(POOL, Formula(tuple(weights[1:]), float(weights[0]), kernel, bias), held)

    def _weighed(
        self, components: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, list[list[np.ndarray]], np.ndarray]:
        """Weights by all pictures; those that the other folds chose for each; and logits of each fold by the latter.

        components: float (M, repeats, N, classes), of pictures that were not fitted on.
        """
        held, by_fold = np.zeros(components.shape[1:]), []
        for repeat, folds in enumerate(self.folds):
            known = [np.intersect1d(rows, self.tested) for rows, _ in folds]
            by_fold.append(
                [pool_weights(components[:, repeat, rows], self.targets[rows], start, STEADINESS) for rows in known]
            )
            for (_, out), weights in zip(folds, by_fold[-1], strict=True):
                held[repeat, out] = np.einsum("m,mnc->nc", weights, components[:, repeat, out])
        whole = components.mean(axis=1)[:, self.tested]
        return pool_weights(whole, self.targets[self.tested], start, STEADINESS), by_fold, held

    def _prior(self) -> None:
        """A head on top of a share of what the learnwares say together."""
        base = self.ways[WEIGHTED if WEIGHTED in self.ways else DIRECT]
        together = np.asarray(base.formula.weights)
        found = {}
        for share in SHARES:
            for strength in STRENGTHS[:2]:
                held = np.zeros_like(self.own)
                for repeat, folds in enumerate(self.folds):
                    for fold, (rows, out) in enumerate(folds):
                        weights = self.by_fold[repeat][fold] if self.by_fold else together
                        offset = share * np.einsum("m,mnc->nc", weights, self.said)
                        kernel, bias = self._on_top(rows, offset[rows], strength)
                        held[repeat, out] = compress(self.features[out]) @ kernel + bias + offset[out]
                found[share, strength] = held
        (share, strength), held = min(found.items(), key=lambda one: self._loss(one[1]))
        offset = share * np.einsum("m,mnc->nc", together, self.said)
        kernel, bias = self._on_top(np.arange(len(self.targets)), offset, strength)
        counted = tuple(share * weight for weight in base.formula.weights)
        self._add(PRIOR, Formula(counted, 1.0, kernel, bias), held)

    def _beside(self) -> None:
        """A head on features and on what each learnware says of each class.

        Zhou 2016 calls it feature augmentation; columns of logits come from models of many pictures, and so may count
        more than one feature each.
        """
        columns = centred(self.said).transpose(1, 0, 2).reshape(len(self.targets), -1)
        found = {}
        for counted in COUNTED:
            for strength in STRENGTHS[:2]:
                held = np.zeros_like(self.own)
                for repeat, folds in enumerate(self.folds):
                    for rows, out in folds:
                        kernel, bias = self._side_by_side(rows, columns, counted, strength)
                        held[repeat, out] = np.hstack([compress(self.features[out]), columns[out]]) @ kernel + bias
                found[counted, strength] = held
        (counted, strength), held = min(found.items(), key=lambda one: self._loss(one[1]))
        kernel, bias = self._side_by_side(np.arange(len(self.targets)), columns, counted, strength)
        own, turned = np.split(kernel, [self.features.shape[1]])
        turned = centred(turned.reshape(len(self.said), self.classes, self.classes).astype(np.float64), axis=1)
        self._add(BESIDE, Formula((1.0,) * len(self.said), 1.0, own, bias, turned), held)

    def _side_by_side(
        self, rows: np.ndarray, columns: np.ndarray, counted: float, strength: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """A head on compressed features and columns: kernel (features + columns, classes) and bias."""
        joined, mean, scale = standardize(np.hstack([compress(self.features[rows]), columns[rows]]))
        much = np.r_[np.ones(self.features.shape[1]), np.full(columns.shape[1], counted)]
        kernel, bias = logistic((joined * much).astype(np.float32), self.targets[rows], self.classes, strength)
        return for_raw(full(kernel) * much[:, None], full(bias[None])[0], mean, scale)

    def _on_top(self, rows: np.ndarray, offset: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """A head whose logits are added to given ones: kernel and bias on compressed features."""
        standardized, mean, scale = standardize(compress(self.features[rows]))
        targets, places = self.targets[rows], np.arange(len(rows))

        def losses(logits: np.ndarray) -> tuple[float, np.ndarray]:
            slopes = softmax(logits + offset)
            loss = -float(np.log(np.maximum(slopes[places, targets], 1e-15)).sum())
            slopes[places, targets] -= 1
            return loss, slopes

        kernel, bias = minimized(losses, standardized, self.classes, strength)
        return for_raw(kernel, bias, mean, scale)

    # --- what came of it ---

    def _loss(self, held: np.ndarray) -> float:
        targets = self.targets[self.tested]
        return float(np.mean([log_losses(targets, softmax(one[self.tested])).mean() for one in held]))

    def _accuracy(self, held: np.ndarray) -> float:
        return float((held.argmax(axis=2) == self.targets)[:, self.tested].mean())

    def _add(self, name: str, formula: Formula, held: np.ndarray) -> None:
        given = np.stack([softmax(one) for one in held])
        self.ways[name] = Way(name, formula, given.astype(np.float32), self._loss(held), self._accuracy(held))


def centred(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Less their mean, so that log probabilities and the logits behind them are the same."""
    return np.asarray(logits - logits.mean(axis=axis, keepdims=True))


def full(logits: np.ndarray) -> np.ndarray:
    """Logits (N, 1) of the second of two classes as those of both, their difference the same; others as they are."""
    return np.hstack([-logits / 2, logits / 2]) if logits.shape[1] == 1 else logits
