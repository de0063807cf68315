"""Whether probabilities can be believed: a temperature fitted on other pictures, and confidence against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from starshift.apportion import deal, group_ids
from starshift.evaluation import metrics
from starshift.evaluation.estimates import estimated, proportion
from starshift.evaluation.statistics import DRAWS, bootstrap_weights, wilson
from starshift.records import ConfidenceBin, Estimate, Reliability, Temperature
from starshift.seeds import child

FOLDS = 10
"""Of the validation part, for what is fitted on nine of them and looked at on the tenth."""

LARGEST_TEMPERATURE = 20.0
"""Temperatures from 1/20 to 20 are looked among; what lies beyond says that probabilities and truth have no bond."""

PICTURES_PER_BIN, MOST_BINS = 25, 10

MARGIN = 0.05
"""As sure as right: the whole interval of confidence minus accuracy lies within 5 points."""

_BLOCK_VALUES = 1_000_000  # simulated pictures held at once

Outcome = Literal["as sure as right", "too sure", "not sure enough", "uneven", "cannot be told"]


# --- the temperature ----------------------------------------------------------------------------------------


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities whose logarithms are divided by `temperature`, which is above 0: float32 (N, classes), rows sum
    to 1. The order of the classes stays, and so does every answer; 1.0 returns what was given, bit for bit.
    """
    if temperature == 1.0:
        return probabilities
    logits = _logits(probabilities) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The temperature of the lowest log loss on these pictures (Guo et al., ICML 2017), to 4 digits.

    probabilities: float (N, classes). targets: int (N,). Each picture counts as wrong to 1 part in N + 2, in the way
    that the model finds likeliest (Platt 1999, for two classes): else N of N right would ask for the temperature 0,
    full certainty from a handful of pictures. The loss is convex in 1 / temperature.
    """
    logits = _logits(probabilities)
    wanted = _smoothed(logits, targets)

    def slopes(inverse: float) -> tuple[float, float]:
        """First and second derivative of the loss by the inverse temperature."""
        shares = np.exp(inverse * (logits - logits.max(axis=1, keepdims=True)))
        shares /= shares.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nc->n", shares, logits)
        square = np.einsum("nc,nc,nc->n", shares, logits, logits)
        return float((mean - wanted).sum()), float((square - mean**2).sum())

    return float(f"{1 / _root(slopes, 1 / LARGEST_TEMPERATURE, LARGEST_TEMPERATURE):.4g}")


def folds_of(targets: np.ndarray, *, groups: Sequence[Sequence[int]] = (), seed: int) -> np.ndarray:
    """Deal pictures into FOLDS stratified folds (fewer pictures: one each), groups kept together: int (N,)."""
    ids = group_ids(len(targets), groups)
    folds = min(FOLDS, len(np.unique(ids)))
    return deal(targets, ids, (1,) * folds, seed=child(seed, "calibration folds"))


def cross_scaled(probabilities: np.ndarray, targets: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Each fold scaled by the temperature fitted on the others: float32 (N, classes). A single fold stays as it is."""
    result = probabilities.copy()
    for fold in np.unique(folds):
        held = folds == fold
        if not held.all():
            result[held] = scaled(probabilities[held], fit_temperature(probabilities[~held], targets[~held]))
    return result


def check_temperature(
    probabilities: np.ndarray, targets: np.ndarray, folds: np.ndarray, *, doubtful: bool, seed: int, noun: str
) -> Temperature:
    """Fit a temperature, and find out on pictures that it was not fitted on whether it helps.

    Applied is it only where the log loss of the folds, each scaled by the temperature of the others, is lower than
    without; if `doubtful`, because the probabilities were calibrated out of fold already, only where the interval of
    that change lies below 0. Intervals are bootstraps over examples, the folds' temperatures taken as they are. noun:
    what an example is called.
    """
    held_out = cross_scaled(probabilities, targets, folds)
    wrong = int((probabilities.argmax(axis=1) != targets).sum())
    plain = {"log_loss": metrics.log_losses(targets, probabilities), "brier": metrics.briers(targets, probabilities)}
    after = {"log_loss": metrics.log_losses(targets, held_out), "brier": metrics.briers(targets, held_out)}
    values = {
        **plain,
        **{f"{name}_scaled": value for name, value in after.items()},
        **{f"{name}_change": value - plain[name] for name, value in after.items()},
    }
    figures = _means(values, targets, wrong, child(seed, "temperature"), noun)
    change = figures["log_loss_change"]
    helps = change.value < 0 and (not doubtful or (change.high is not None and change.high < 0))
    fitted = fit_temperature(probabilities, targets)
    return Temperature(fitted=fitted, applied=fitted if helps else 1.0, folds=len(np.unique(folds)), **figures)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities: float64 (N, classes).

    Of two classes the first is 1 minus the second in float32, where nothing lies between 0 and 2**-24: an answer of
    exactly 0 stands for less than that. More classes come from a softmax, whose small values mean what they say.
    """
    smallest = 2.0**-24 if probabilities.shape[1] == 2 else 1e-12
    return np.log(np.maximum(probabilities.astype(np.float64), smallest))


def _smoothed(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Each picture's logit under its true class, that counts less than fully: float64 (N,)."""
    rows, share = np.arange(len(targets)), 1 / (len(targets) + 2)
    others = np.exp(logits)
    others[rows, targets] = 0.0
    elsewhere = (others * logits).sum(axis=1) / others.sum(axis=1)
    smoothed: np.ndarray = (1 - share) * logits[rows, targets] + share * elsewhere
    return smoothed


def _root(slopes: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where a rising first derivative is 0, by Newton's steps held within [low, high], from 1; an end if nowhere.

    1 where both derivatives vanish: probabilities that are all alike have no temperature.
    """
    place = 1.0
    for _ in range(60):
        slope, curvature = slopes(place)
        if slope == 0 or (curvature < 1e-12 and abs(slope) < 1e-12):
            return place
        low, high = (place, high) if slope < 0 else (low, place)
        following = place - slope / curvature if curvature > 0 else low
        if not low < following < high:
            following = (low * high) ** 0.5
        if abs(following - place) < 1e-7 * place:
            return following
        place = following
    return place


def _means(values: dict[str, np.ndarray], targets: np.ndarray, wrong: int, seed: int, noun: str) -> dict[str, Estimate]:
    """The mean over pictures of each of `values`, float (N,), with its bootstrap interval."""
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in values}
    for weights in bootstrap_weights(targets, seed=seed):
        for name, value in values.items():
            drawn[name].append(value @ weights / len(targets))
    return {
        name: estimated(float(value.mean()), np.concatenate(drawn[name]), len(targets), wrong, noun=noun)
        for name, value in values.items()
    }


# --- confidence against truth -------------------------------------------------------------------------------


def reliability(probabilities: np.ndarray, targets: np.ndarray, *, part: str, seed: int) -> Reliability:
    """Hold the probability of the predicted class against how often it was the true one.

    The bins hold about equally many pictures, equal confidences together. What a perfectly calibrated model would
    show is simulated from these very confidences by consistency resampling (Bröcker and Smith, Weather and
    Forecasting 22 (2007) 651): pictures are drawn with replacement, and each is right with its confidence. The
    expected calibration error (Naeini et al. 2015) is above 0 even for such a model, the more so the fewer pictures
    there are, and is only to be read beside what they show. The interval of confidence minus accuracy takes the
    confidences as given and the accuracy's from Wilson.
    """
    confidence = np.minimum(probabilities.max(axis=1).astype(np.float64), 1.0)
    right = probabilities.argmax(axis=1) == targets
    bins = _bins(confidence)
    perfect_shares, perfect_errors = _perfect(confidence, bins, seed=child(seed, "perfectly calibrated"))
    accuracy = proportion(int(right.sum()), len(right))
    gap = _gap(float(confidence.mean()), accuracy)
    error, limit = _error(confidence, right, bins), float(np.quantile(perfect_errors, 0.99))
    return Reliability(
        part=part,
        outcome=_outcome(gap, error > limit),
        confidence=float(confidence.mean()),
        accuracy=accuracy,
        gap=gap,
        error=error,
        error_perfect=float(perfect_errors.mean()),
        error_limit=limit,
        bins=tuple(
            _bin(confidence[bins == one], right[bins == one], perfect_shares[:, one]) for one in range(bins.max() + 1)
        ),
    )


def _bins(confidence: np.ndarray) -> np.ndarray:
    """Which bin each picture is in, from 0, least sure first: int (N,)."""
    count = min(max(len(confidence) // PICTURES_PER_BIN, 1), MOST_BINS)
    ordered = np.sort(confidence)
    edges = ordered[[len(ordered) * i // count for i in range(1, count)]]
    return np.unique(np.searchsorted(edges, confidence, side="right"), return_inverse=True)[1]


def _perfect(confidence: np.ndarray, bins: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Share right in each bin, (DRAWS, bins), and calibration error, (DRAWS,), of models that are as sure as right."""
    rng = np.random.default_rng(seed)
    n, count = len(confidence), int(bins.max()) + 1
    shares, errors = [], []
    block = max(1, _BLOCK_VALUES // n)
    for first in range(0, DRAWS, block):
        draws = min(block, DRAWS - first)
        picks = rng.integers(n, size=(draws, n))
        places = (bins[picks] + count * np.arange(draws)[:, np.newaxis]).ravel()
        drawn = confidence[picks].ravel()
        hits = rng.random(drawn.shape) < drawn
        pictures, right, sure = (
            np.bincount(places, weights=weights, minlength=draws * count).reshape(draws, count)
            for weights in (None, hits, drawn)
        )
        shares.append(np.divide(right, pictures, out=np.full(right.shape, np.nan), where=pictures > 0))
        errors.append(np.abs(right - sure).sum(axis=1) / n)
    return np.concatenate(shares), np.concatenate(errors)


def _error(confidence: np.ndarray, right: np.ndarray, bins: np.ndarray) -> float:
    """The expected calibration error: mean distance of confidence and accuracy over the bins, by their pictures."""
    return float(np.abs(np.bincount(bins, weights=right - confidence)).sum() / len(right))


def _bin(confidence: np.ndarray, right: np.ndarray, perfect_shares: np.ndarray) -> ConfidenceBin:
    low, high = np.nanquantile(perfect_shares, [0.025, 0.975])
    return ConfidenceBin(
        lowest=float(confidence.min()),
        highest=float(confidence.max()),
        confidence=float(confidence.mean()),
        right=proportion(int(right.sum()), len(right)),
        band_low=float(low),
        band_high=float(high),
    )


def _gap(confidence: float, accuracy: Estimate) -> Estimate:
    """Confidence minus accuracy."""
    interval = wilson(round(accuracy.value * accuracy.n), accuracy.n)
    assert interval is not None  # there are pictures
    low, high = interval
    return Estimate(
        confidence - accuracy.value, confidence - high, confidence - low, accuracy.n, "Wilson, the confidences as given"
    )


def _outcome(gap: Estimate, is_uneven: bool) -> Outcome:
    assert gap.low is not None and gap.high is not None
    if gap.low > 0:
        return "too sure"
    if gap.high < 0:
        return "not sure enough"
    if is_uneven:
        return "uneven"
    return "as sure as right" if gap.low >= -MARGIN and gap.high <= MARGIN else "cannot be told"
