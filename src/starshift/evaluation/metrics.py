"""The figures: accuracy, balanced accuracy, macro F1, ROC AUC, log loss, Brier score, confusion matrix.

Every metric takes `weights`, float (N, D): D columns, each saying how much each picture counts; it returns
float64 (D,), one figure per column. A column of ones gives the figure itself, a bootstrap draw is another
column, and a thousand of them cost a few sums over an array instead of a thousand calls. Weights mean what
scikit-learn's `sample_weight` means, and the tests hold every metric against scikit-learn to 1e-12. It is not
called here, because importing it takes longer than a whole cached `starshift fit` may.

Every true class is expected to have some weight in every column, as `bootstrap_weights` sees to.
"""

from __future__ import annotations

import numpy as np

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)
"""Probabilities are moved into [eps, 1 - eps], eps = 2**-23, before their logarithm is taken, as scikit-learn
does with float32: one mistake made with full certainty costs 15.9 nats, and not infinitely many."""


def confusion(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count the pictures by true class (row) and predicted class (column): int (classes, classes)."""
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes)


def accuracy(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the pictures that are recognized."""
    return _mean((targets == predicted).astype(np.float64), weights)


def balanced_accuracy(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean, over the classes that are there, of the share of a class's pictures that are recognized."""
    present = np.unique(targets)
    recognized = _sums(np.where(targets == predicted, targets, -1), present, weights)
    mean: np.ndarray = (recognized / _sums(targets, present, weights)).mean(axis=0)
    return mean


def macro_f1(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean, over the classes that are there, of F1: 2 * recognized / (pictures of it + called so)."""
    present = np.unique(targets)
    recognized = _sums(np.where(targets == predicted, targets, -1), present, weights)
    both = _sums(targets, present, weights) + _sums(predicted, present, weights)
    mean: np.ndarray = (2 * recognized / both).mean(axis=0)
    return mean


def roc_auc(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
    """How often a picture of a class gets a higher probability of it than one of another class; ties half.

    probabilities: float (N, classes). Two classes: of the second against the first. More: one against the
    rest, mean over the classes that are there, each counting the same. None where all pictures are of one
    class.
    """
    present = np.unique(targets)
    if len(present) < 2:
        return None
    tested = [1] if probabilities.shape[1] == 2 else present
    areas = np.stack([_auc(targets == label, probabilities[:, label], weights) for label in tested])
    mean: np.ndarray = areas.mean(axis=0)
    return mean


def top(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, count: int = 5) -> np.ndarray:
    """The share of the pictures whose true class is among the `count` likeliest; it loses ties."""
    given = probabilities[np.arange(len(targets)), targets][:, None]
    at_least = (probabilities >= given).sum(axis=1)  # itself among them
    return _mean((at_least <= count).astype(np.float64), weights)


def log_loss(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of -ln(probability of the true class), in nats per picture."""
    return _mean(log_losses(targets, probabilities), weights)


def log_losses(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The log loss of each picture, in nats: float64 (N,)."""
    given = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    losses: np.ndarray = -np.log(np.clip(given, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
    return losses


def brier(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean squared distance between probabilities and truth, summed over the classes: 0 to 2."""
    return _mean(briers(targets, probabilities), weights)


def briers(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The Brier score of each picture: float64 (N,), 0 to 2."""
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(targets)), targets] -= 1
    squared: np.ndarray = (distance**2).sum(axis=1)
    return squared


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean of values, float (N,), per column."""
    mean: np.ndarray = (values @ weights) / weights.sum(axis=0)
    return mean


def _sums(labels: np.ndarray, present: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weight of the pictures with each label, per column: float64 (labels present, D)."""
    # Not a product with a matrix of 0 and 1: threaded BLAS on a busy machine made that ten times slower.
    return np.stack([weights[labels == label].sum(axis=0) for label in present])


def _auc(positive: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve as the Mann-Whitney statistic, per column of weights.

    positive: bool (N,). values: float (N,), meant to be higher for positives. For each positive, the weight
    of the negatives below it is read off the running sum over the sorted negatives, once left and once right
    of its ties; the mean of the two counts ties half.
    """
    order = np.flatnonzero(~positive)[np.argsort(values[~positive], kind="stable")]
    running = np.zeros((len(order) + 1, weights.shape[1]))
    np.cumsum(weights[order], axis=0, out=running[1:])
    lower = np.searchsorted(values[order], values[positive], side="left")
    upper = np.searchsorted(values[order], values[positive], side="right")
    own = weights[positive]
    wins = np.einsum("nd,nd->d", own, running[lower] + running[upper]) / 2
    area: np.ndarray = wins / (own.sum(axis=0) * running[-1])
    return area
