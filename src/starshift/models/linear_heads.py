"""Linear heads on frozen features for what is no class: ridge regression for numbers, a logistic one for each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from starshift.execution import map_ordered
from starshift.models.classical import Step, compress, for_raw, minimized, probabilities_of, standardize
from starshift.models.heads import Scale
from starshift.records import Target

WEAKER = (1.0, 0.1, 0.01)
"""What the strengths of a recipe are multiplied by where numbers are fitted: squared errors, which grow without end,
want stronger penalties than log losses. Each is one of a decomposition's many uses and costs next to nothing."""

STRONGER = (1.0, 10.0)
"""The same for labels: no weight on the logits steadies them as it does the head for classes, whose strengths those
of a recipe are."""

Fold = tuple[np.ndarray, np.ndarray]
"""Rows to fit on, and rows held out."""


@dataclass(frozen=True)
class PlainHead:
    """Outputs = compress(features) @ kernel + bias, before the last activation. kernel: float32 (features, outputs)."""

    kernel: np.ndarray
    bias: np.ndarray
    strength: float  # inverse L2 penalty on standardized features
    losses: dict[float, float]  # over the inner folds, by strength: squared errors, or nats per label


def fit_ridge(
    features: np.ndarray,
    numbers: np.ndarray,
    *,
    strengths: Sequence[float],
    folds: Sequence[Fold],
    views: Sequence[np.ndarray] = (),
    progress: Step | None = None,
) -> PlainHead:
    """Ridge regression (Hoerl and Kennard 1970): minimize strength · Σ squared errors / 2 + ½ ‖kernel‖².

    features: float32 (N, F), raw; they are compressed first. numbers: float (N,), standardized. strengths: that the
    folds choose from, with WEAKER; folds, views: as in models.classical.fit_head.
    """
    candidates = sorted({float(f"{strength * factor:.6g}") for strength in strengths for factor in WEAKER})
    return _chosen(features, numbers[:, None], _ridges, _squares, candidates, folds, views, progress)


def fit_labels(
    features: np.ndarray,
    shares: np.ndarray,
    *,
    strengths: Sequence[float],
    folds: Sequence[Fold],
    views: Sequence[np.ndarray] = (),
    progress: Step | None = None,
) -> PlainHead:
    """A logistic regression for each label: minimize strength · Σ cross-entropy + ½ ‖kernel‖², one strength for all.

    shares: float (N, outputs) from 0 to 1: whether labels apply, or a share itself. strengths: that the folds choose
    from, with STRONGER. Other arguments: as in `fit_ridge`.
    A label that no row of a fold has is no problem: its bias falls as far as the steps go.
    """
    candidates = sorted({float(f"{strength * factor:.6g}") for strength in strengths for factor in STRONGER})
    return _chosen(features, shares, _logistics, _cross_entropies, candidates, folds, views, progress)


def outputs_on(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A linear head's numbers before the last activation, float32 (N, outputs). features: float32 (N, F), raw."""
    return np.asarray(compress(features) @ kernel + bias)


def activated(target: Target, logits: np.ndarray, scale: Scale | None = None) -> np.ndarray:
    """What a head answers, from its numbers before the last activation; see models.heads.answers.

    logits: (N, outputs). scale: of numbers that were standardized.
    """
    if target.is_classes:
        return probabilities_of(logits)
    if target.kind == "regression":
        numbers = logits[:, 0].astype(np.float64)
        return numbers if scale is None else numbers * scale.scale + scale.mean
    shares = _sigmoid(logits.astype(np.float64))
    return shares.astype(np.float32) if target.kind == "multi-label" else shares[:, 0]


# ----------------------------------------------------------------------------------------------------
# Choosing a strength

_Fits = Callable[[np.ndarray, np.ndarray, Sequence[float]], "list[tuple[np.ndarray, np.ndarray]]"]
"""Standardized features, targets (n, outputs), strengths → a kernel and a bias for each strength."""


def _chosen(
    features: np.ndarray,
    targets: np.ndarray,
    fits: _Fits,
    losses: Callable[[np.ndarray, np.ndarray], float],
    strengths: Sequence[float],
    folds: Sequence[Fold],
    views: Sequence[np.ndarray],
    progress: Step | None,
) -> PlainHead:
    """The head at the strength with the lowest loss on what the folds hold out, fitted on everything."""
    import scipy.optimize  # noqa: F401  its own BLAS must be loaded before threads are limited, or it escapes
    from threadpoolctl import threadpool_limits

    features, views = compress(features), [compress(view) for view in views]

    def raw(rows: np.ndarray, candidates: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
        seen = np.concatenate([features[rows], *(view[rows] for view in views)])
        standardized, mean, scale = standardize(seen)
        shared = [strength / (1 + len(views)) for strength in candidates]  # a row counts the same with views as without
        found = fits(standardized, np.tile(targets[rows], (1 + len(views), 1)).astype(np.float32), shared)
        return [for_raw(kernel, bias, mean, scale) for kernel, bias in found]

    def one(fold: Fold) -> list[float]:
        fitted_on, held = fold
        found = raw(fitted_on, strengths)
        return [len(held) * losses(features[held] @ kernel + bias, targets[held]) for kernel, bias in found]

    with threadpool_limits(1, user_api="blas"):
        sums = np.zeros(len(strengths))
        for done, each in enumerate(map_ordered(one, folds), start=1):
            sums += each
            if progress:
                progress(done, len(folds) + 1)
        means = sums / sum(len(held) for _, held in folds)
        best = strengths[int(means.argmin())]
        [(kernel, bias)] = raw(np.arange(len(features)), [best])
    return PlainHead(kernel, bias, best, dict(zip(strengths, means.tolist(), strict=True)))


def _squares(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean((outputs - targets) ** 2))


def _cross_entropies(logits: np.ndarray, shares: np.ndarray) -> float:
    """Nats per label."""
    return float(np.mean(np.logaddexp(0, logits) - shares * logits))


# ----------------------------------------------------------------------------------------------------
# Fitting


def _ridges(
    features: np.ndarray, targets: np.ndarray, strengths: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """All strengths from one decomposition, of XᵀX or of XXᵀ, whichever is smaller."""
    bias = targets.mean(axis=0)
    centred = targets - bias
    tall = len(features) >= features.shape[1]
    gram = (features.T @ features if tall else features @ features.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    right = vectors.T @ (features.T @ centred if tall else centred)
    found = []
    for strength in strengths:
        solved = vectors @ (right / (np.maximum(values, 0) + 1 / strength)[:, None])
        kernel = solved if tall else features.T @ solved
        found.append((kernel.astype(np.float32), bias.astype(np.float32)))
    return found


def _logistics(
    features: np.ndarray, shares: np.ndarray, strengths: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each strength starts where the weaker one before it came to rest. shares: float32 (n, outputs)."""

    def losses(logits: np.ndarray) -> tuple[float, np.ndarray]:
        return float(np.sum(np.logaddexp(0, logits) - shares * logits)), _sigmoid(logits) - shares

    found: list[tuple[np.ndarray, np.ndarray]] = []
    for strength in strengths:
        found.append(minimized(losses, features, shares.shape[1], strength, found[-1] if found else None))
    return found


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -logits))
