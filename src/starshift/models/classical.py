"""Models without gradient steps over pictures: the majority class, and a linear head on frozen features.

SciPy's optimizer does the fitting: scikit-learn's estimators would say the same (tests hold them against each
other), but their import alone takes longer than a whole fit on cached features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from starshift.execution import map_ordered
from starshift.models.heads import class_weights

Step = Callable[[int, int], None]

SHRINKAGE = 0.5
"""Share of the discriminant's covariance that is replaced by its mean variance; from 0.3 to 0.8 little changes."""

TOLERANCE = 1e-3
"""Largest slope of the mean loss at which the regression counts as fitted; weighing it makes up for the rest."""

UNSEEN = 5.0
"""Nats by which the discriminant finds a class without examples less likely than any other; a target behind the first
may have such, since parts are divided by the first."""

DEAD = 0.1
"""Added to each feature's scale, as a share of the mean scale of those that vary: one that hardly ever fires is not
blown up, however many never do. Of MobileNetV2's on pictures of 32 px, nine in ten never fire; with their zeros in the
mean, a picture that woke one of the rest was found 310 cm off where the targets spanned 100."""


_Fits = dict[float | None, tuple[np.ndarray, np.ndarray]]
"""Kernels and biases for raw features: the regression's by strength, the discriminant's under None."""


@dataclass(frozen=True)
class LinearHead:
    """Logits = compress(features) @ kernel + bias. kernel: float32 (features, outputs), bias: float32 (outputs,).

    Two classes have one output (a sigmoid), more have one each (a softmax), as models.heads has it.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float  # of the logistic regression: inverse L2 penalty on standardized features
    logistic_weight: float  # what the logistic regression's logits are multiplied by
    discriminant_weight: float  # the same for the discriminant's
    losses: dict[float, float]  # log loss over the inner folds, by strength
    # Of the same strength and weights, fitted without each inner fold in turn: kernel and bias. They can be asked about
    # the rows that they did not see.
    without_folds: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def majority(targets: np.ndarray, classes: int) -> np.ndarray:
    """Class frequencies of the training part, the best constant prediction: float32 (classes,).

    One picture is added to each class (Laplace), so that no class has probability 0 and log loss stays finite.
    """
    counts = np.bincount(targets, minlength=classes) + 1.0
    return (counts / counts.sum()).astype(np.float32)


def compress(features: np.ndarray) -> np.ndarray:
    """sign(x) · log(1 + |x|) of each feature: float32, same shape.

    Activations have long tails, which a linear head pays for. Measured on folds of training pictures, log loss
    falls by 3 % on caltech-101 (all, 10 and 5 pictures per class) and by 4 % on dogs-vs-cats.
    """
    return np.copysign(np.log1p(np.abs(features)), features)


def head_probabilities(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a linear head says of raw features (N, F): float32 (N, classes), rows sum to 1."""
    return probabilities_of(compress(features) @ kernel + bias)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Logits (N, 1) through a sigmoid or (N, classes) through a softmax → float32 (N, classes)."""
    return softmax(_full(logits.astype(np.float64))).astype(np.float32)


def fit_head(
    features: np.ndarray,
    targets: np.ndarray,
    *,
    classes: int,
    strengths: Sequence[float],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    views: Sequence[np.ndarray] = (),
    balance: bool = False,
    progress: Step | None = None,
) -> LinearHead:
    """A linear head: logistic regression with an L2 penalty, steadied by a linear discriminant.

    features: float32 (N, F), raw; they are compressed first. targets: int (N,), every class present in the N and in
    each fold's first part.
    folds: pairs of index arrays into the N, (fitted on, held out).
    views: features of augmented views of the same N pictures, each float32 (N, F). They are fitted on beside the
    plain ones, in the folds too, where all views of a picture lie on one side; what is held out is judged by its
    plain view alone, since that is what will be predicted from. A picture counts the same with views as without.
    balance: whether every class counts the same in the regression's loss and in what chooses strength and weights; the
    probabilities are then those of a world in which all classes are equally common. (The discriminant has equal priors
    in any case.)

    The logits of both models are added, each with a weight of its own, so that the sum is a linear head again.
    The strength of the penalty and the two weights are those of the lowest log loss over the inner folds, which
    also calibrates the probabilities. Means, scales and covariances come from the rows fitted on alone.
    With few pictures per class the discriminant errs less, with many the regression does (Ng and Jordan 2002).
    """
    import scipy.optimize  # noqa: F401  its own BLAS must be loaded before threads are limited, or it escapes
    from threadpoolctl import threadpool_limits

    features, views = compress(features), [compress(view) for view in views]
    counting = class_weights(targets, classes)[targets] if balance else None

    # One BLAS thread per fold and one fold per core: the optimizer's many small products would otherwise wait
    # for each other's threads (measured: 12 times slower for two classes).
    with threadpool_limits(1, user_api="blas"):
        held_out, regressions, discriminants, fold_fits = _out_of_fold(
            features, views, targets, classes, strengths, folds, progress, counting
        )
        held = None if counting is None else counting[held_out]
        best, choices = _weighed(regressions, discriminants, targets[held_out], held)
        last = _all_fits(features, views, targets, classes, [best], counting)
        fits: _Fits = {name: (kernel, bias) for name, kernel, bias in last}
    _, on_regression, on_discriminant = choices[best]
    kernel, bias = _joined(fits, best, on_regression, on_discriminant)
    return LinearHead(
        kernel=kernel,
        bias=bias,
        strength=best,
        logistic_weight=on_regression,
        discriminant_weight=on_discriminant,
        losses={strength: loss for strength, (loss, _, _) in choices.items()},
        without_folds=tuple(_joined(one, best, on_regression, on_discriminant) for one in fold_fits),
    )


def fit_alike(
    head: LinearHead, features: np.ndarray, targets: np.ndarray, *, classes: int, balance: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A head fitted on other rows with the strength and the two weights of one that is there: kernel and bias.

    features: float32 (N, F), raw. targets: int (N,), every class present. The caller limits BLAS to one thread where it
    fits several at once, as `fit_head` does.
    """
    counting = class_weights(targets, classes)[targets] if balance else None
    fits = _all_fits(compress(features), [], targets, classes, [head.strength], counting)
    found: _Fits = {name: (kernel, bias) for name, kernel, bias in fits}
    return _joined(found, head.strength, head.logistic_weight, head.discriminant_weight)


def _joined(
    found: _Fits, strength: float, on_regression: float, on_discriminant: float
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of the weighted sum of both models."""
    (first, shift), (second, other) = found[strength], found[None]
    return on_regression * first + on_discriminant * second, on_regression * shift + on_discriminant * other


def held_out_probabilities(
    features: np.ndarray,
    targets: np.ndarray,
    *,
    classes: int,
    strengths: Sequence[float],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    progress: Step | None = None,
) -> np.ndarray:
    """What heads made like that of `fit_head` say of the pictures that they were not fitted on: float32 (N, classes).

    The arguments are those of `fit_head`. Rows that no fold holds out are NaN. The strength and the two weights, three
    numbers, are chosen by all the held-out rows together.
    """
    import scipy.optimize  # noqa: F401  as in fit_head
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        held_out, regressions, discriminants, _ = _out_of_fold(
            compress(features), [], targets, classes, strengths, folds, progress
        )
        best, choices = _weighed(regressions, discriminants, targets[held_out])
    _, on_regression, on_discriminant = choices[best]
    found = np.full((len(targets), classes), np.nan, np.float32)
    found[held_out] = probabilities_of(on_regression * regressions[best] + on_discriminant * discriminants)
    return found


def _weighed(
    regressions: dict[float, np.ndarray],
    discriminants: np.ndarray,
    targets: np.ndarray,
    counting: np.ndarray | None = None,
) -> tuple[float, dict[float, tuple[float, float, float]]]:
    """The strength of the lowest log loss on held-out logits, and `_weigh` of every strength."""
    choices = {strength: _weigh(logits, discriminants, targets, counting) for strength, logits in regressions.items()}
    return min(choices, key=lambda strength: choices[strength][0]), choices


def _out_of_fold(
    features: np.ndarray,
    views: Sequence[np.ndarray],
    targets: np.ndarray,
    classes: int,
    strengths: Sequence[float],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    progress: Step | None,
    counting: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[float, np.ndarray], np.ndarray, list[_Fits]]:
    """Logits for rows by models that did not see them: which rows, the regressions' by strength, the discriminant's;
    and the models, fold by fold.
    """

    def one(fold: tuple[np.ndarray, np.ndarray]) -> _Fits:
        fitted_on, _ = fold
        some = [view[fitted_on] for view in views]
        counts = None if counting is None else counting[fitted_on]
        fits = _all_fits(features[fitted_on], some, targets[fitted_on], classes, strengths, counts)
        return {name: (kernel, bias) for name, kernel, bias in fits}

    found = []
    for done, fits in enumerate(map_ordered(one, folds), start=1):
        found.append(fits)
        if progress:
            progress(done, len(folds) + 1)
    held_out = [held for _, held in folds]

    def logits(name: float | None) -> np.ndarray:
        pairs = zip(held_out, found, strict=True)
        return np.concatenate([features[held] @ fits[name][0] + fits[name][1] for held, fits in pairs])

    return np.concatenate(held_out), {strength: logits(strength) for strength in strengths}, logits(None), found


def _all_fits(
    features: np.ndarray,
    views: Sequence[np.ndarray],
    targets: np.ndarray,
    classes: int,
    strengths: Sequence[float],
    counting: np.ndarray | None = None,
) -> Iterator[tuple[float | None, np.ndarray, np.ndarray]]:
    """The discriminant (name None) and the regression at each strength, as kernels and biases for raw features."""
    if views:
        features, targets = np.concatenate([features, *views]), np.tile(targets, 1 + len(views))
        counting = None if counting is None else np.tile(counting, 1 + len(views))
    standardized, mean, scale = standardize(features)
    kernel, bias = discriminant(standardized, targets, classes)
    yield None, *for_raw(kernel, bias, mean, scale)
    start = None  # each strength starts where the weaker one before it came to rest
    for strength in sorted(strengths):
        kernel, bias = start = logistic(standardized, targets, classes, strength / (1 + len(views)), start, counting)
        yield strength, *for_raw(kernel, bias, mean, scale)


def standardize(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features less their mean, over their scale, which DEAD raises: (N, F), and both (F,)."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = scale + DEAD * (scale.sum() / max(1, np.count_nonzero(scale))) + 1e-12
    return (features - mean) / scale, mean, scale


def for_raw(kernel: np.ndarray, bias: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias for features as they are, from those for standardized ones; both float32."""
    raw = (kernel / scale[:, None]).astype(np.float32)
    return raw, (bias - mean @ raw).astype(np.float32)


def logistic(
    features: np.ndarray,
    targets: np.ndarray,
    classes: int,
    strength: float,
    start: tuple[np.ndarray, np.ndarray] | None = None,
    counting: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimize strength · Σ loss + ½ ‖kernel‖², as scikit-learn's LogisticRegression(C=strength) does.

    features: float32 (N, F), standardized. counting: float (N,), what each row's loss is multiplied by; 1 if None.
    Returns kernel float32 (F, outputs) and bias float32 (outputs,).
    """
    outputs, rows = _outputs(classes), np.arange(len(targets))
    counting = np.ones(len(targets), np.float32) if counting is None else counting

    def losses(logits: np.ndarray) -> tuple[float, np.ndarray]:
        logits = _full(logits)
        shifted = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        sums = exponentials.sum(axis=1, keepdims=True)
        loss = float(np.sum(counting * (np.log(sums[:, 0]) - shifted[rows, targets])))
        slopes = exponentials / sums
        slopes[rows, targets] -= 1
        return loss, slopes[:, -outputs:] * counting[:, None]

    return minimized(losses, features, outputs, strength, start)


def minimized(
    losses: Callable[[np.ndarray], tuple[float, np.ndarray]],
    features: np.ndarray,
    outputs: int,
    strength: float,
    start: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimize strength · Σ loss + ½ ‖kernel‖² by L-BFGS, from zeros or from where another strength came to rest.

    losses: logits float64 (n, outputs) → the sum of the losses, and its slopes, (n, outputs). features: float32 (n, F),
    standardized. Returns kernel float32 (F, outputs) and bias float32 (outputs,).
    """
    from scipy.optimize import minimize

    if 2 * len(features) < features.shape[1]:  # the best kernel is a sum of rows, which so few span
        basis, rows = np.linalg.qr(features.T)
        inside = None if start is None else (basis.T @ start[0], start[1])
        kernel, bias = minimized(losses, np.ascontiguousarray(rows.T), outputs, strength, inside)
        return basis @ kernel, bias
    count = features.shape[1]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(count + 1, outputs)
        loss, slopes = losses(features @ weights[:-1].astype(np.float32) + weights[-1])
        gradient = np.empty_like(weights)
        gradient[:-1] = features.T @ slopes.astype(np.float32)
        gradient[-1] = slopes.sum(axis=0)
        gradient *= strength
        gradient[:-1] += weights[:-1]
        return strength * loss + 0.5 * float(np.sum(weights[:-1] ** 2)), gradient.ravel()

    first = np.zeros((count + 1, outputs)) if start is None else np.vstack([start[0], start[1]])
    found = minimize(
        objective,
        first.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 200, "gtol": TOLERANCE * strength * len(features)},
    )
    weights = found.x.reshape(count + 1, outputs).astype(np.float32)
    return weights[:-1], weights[-1]


def discriminant(features: np.ndarray, targets: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Fisher's linear discriminant with a shrunken common covariance, equal priors.

    features: float32 (N, F), standardized. Returns kernel float32 (F, outputs) and bias float32 (outputs,).
    The shrinkage is towards the mean variance (Friedman 1989).
    """
    counts = np.bincount(targets, minlength=classes)
    means = np.zeros((classes, features.shape[1]), np.float32)
    np.add.at(means, targets, features)
    means /= np.maximum(counts, 1)[:, None]
    kernel = _solve_shrunken(features - means[targets], means.T)
    bias = -0.5 * np.sum(means.T * kernel, axis=0)
    if not counts.all():  # its mean would be the origin, to which everything is near
        bias[counts == 0] = bias[counts > 0].min() - UNSEEN
    if classes == 2:
        return kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]
    return kernel, bias


def _solve_shrunken(residuals: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve S x = right, S being the shrunken covariance of the residuals (N, F); right and x are (F, columns).

    S = a·I + RᵀR with R scaled; where N < F, Woodbury's identity needs a system of N equations only.
    """
    variance = float(np.einsum("ij,ij->", residuals, residuals)) / residuals.size + 1e-12
    ridge = SHRINKAGE * variance
    scaled = residuals * np.sqrt((1 - SHRINKAGE) / len(residuals), dtype=np.float32)
    if len(scaled) >= scaled.shape[1]:
        covariance = scaled.T @ scaled
        covariance[np.diag_indices_from(covariance)] += ridge
        return np.linalg.solve(covariance, right)
    gram = scaled @ scaled.T
    gram[np.diag_indices_from(gram)] += ridge
    return (right - scaled.T @ np.linalg.solve(gram, scaled @ right)) / ridge


def _weigh(
    regression: np.ndarray, discriminant: np.ndarray, targets: np.ndarray, counting: np.ndarray | None = None
) -> tuple[float, float, float]:
    """The lowest log loss of a · regression + b · discriminant with a, b ≥ 0: (loss in nats, a, b). Convex.

    counting: float (N,), what each row counts in the mean; all the same if None.
    """
    from scipy.optimize import minimize

    first, second = _full(regression.astype(np.float64)), _full(discriminant.astype(np.float64))
    unit = second.std() + 1e-12  # so that both weights are of one size
    second = second / unit
    rows = np.arange(len(targets))
    shares = np.full(len(targets), 1 / len(targets)) if counting is None else counting / counting.sum()

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        probabilities = softmax(weights[0] * first + weights[1] * second)
        slopes = probabilities.copy()
        slopes[rows, targets] -= 1
        loss = -(shares * np.log(np.maximum(probabilities[rows, targets], 1e-15))).sum()
        slopes *= shares[:, None]
        return float(loss), np.array([(slopes * first).sum(), (slopes * second).sum()])

    found = minimize(objective, np.array([1.0, 0.1]), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2)
    return float(found.fun), float(found.x[0]), float(found.x[1] / unit)


def _outputs(classes: int) -> int:
    return 1 if classes == 2 else classes


def _full(logits: np.ndarray) -> np.ndarray:
    """A column of zeros before the one logit of two classes, so that a softmax serves all."""
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (N, classes) as probabilities of the same shape and dtype, rows sum to 1."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
