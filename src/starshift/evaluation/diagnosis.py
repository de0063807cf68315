"""What the curves of a training show, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starshift.records import Epoch

PARTED = 0.6
"""Training loss over validation loss below which the two count as parted."""

SMALLEST_HISTORY = 5
"""Epochs below which the curves are not judged."""

MARGIN = 2.5
"""How many times the noise a smoothed validation loss must rise. Pure noise around a level then passes for
overfitting in at most 2 of 100 trainings of 6 to 100 epochs (measured)."""


def diagnose(history: Sequence[Epoch]) -> str:
    """Say in words what the curves of a training show.

    The validation loss is smoothed exponentially to both sides, so that nothing is delayed. Its noise is read
    off its second differences. Then, in this order:

    - "overfits from epoch k on": the smoothed loss ends above its lowest value by more than MARGIN times the
      noise and more than 5 %, while the training loss went on falling; k is the first epoch after the best
      from which it stays that far above.
    - "still improving when training ended": its lowest value is in the last tenth, and over the last quarter
      it fell by more than twice the noise and by more than 2 %.
    - "overfits from epoch k on", once more: after its best epoch the validation loss got no better, while the
      training loss fell by another quarter and ended below PARTED times it. Nothing got worse, but what was
      learned since then is the training pictures themselves.
    - "underfits": the training loss lost less than a tenth of its first value, and the training accuracy,
      where there is one, ended below 90 %.
    - "fits": none of these.
    """
    if len(history) < SMALLEST_HISTORY:
        return f"too few epochs to judge the curves by ({len(history)}; it takes {SMALLEST_HISTORY})"
    validation = np.array([epoch.validation_loss for epoch in history])
    training = _smoothed(np.array([epoch.loss for epoch in history]))
    smooth, noise, best = _smoothed(validation), _noise(validation), int(validation.argmin())
    overfits_from = _overfits_from(smooth, training, noise, best)
    at_best = f"validation loss was best at epoch {history[best].epoch} ({validation[best]:.3g})"
    if overfits_from is not None:
        return (
            f"overfits from epoch {history[overfits_from].epoch} on: {at_best} and ended at "
            f"{validation[-1]:.3g}, while training loss went on falling from {history[best].loss:.3g} to "
            f"{history[-1].loss:.3g}"
        )
    if _still_improving(smooth, noise):
        return f"still improving when training ended: {at_best}; more epochs may help"
    if _parted(validation, training, best):
        return (
            f"overfits from epoch {history[best + 1].epoch} on: {at_best} and has not improved since, while "
            f"training loss went on falling from {history[best].loss:.3g} to {history[-1].loss:.3g}"
        )
    poor = history[-1].metric == "mean absolute error" or history[-1].accuracy < 0.9
    if training[-1] > 0.9 * training[0] and poor:
        return (
            f"underfits: training loss hardly fell, from {history[0].loss:.3g} to {history[-1].loss:.3g}; "
            "a larger network, a higher learning rate or more epochs may help"
        )
    return f"fits: {at_best}, with no clear rise after it"


def best_epoch(history: Sequence[Epoch]) -> int:
    """The epoch, counted from 1 as in the history, at which the smoothed validation loss was lowest."""
    smooth = _smoothed(np.array([epoch.validation_loss for epoch in history]))
    return history[int(smooth.argmin())].epoch


def _parted(validation: np.ndarray, training: np.ndarray, best: int) -> bool:
    """Whether training went on by itself after the validation loss was best, and left it far behind."""
    if best >= len(validation) - 2:
        return False
    return bool(training[-1] < 0.75 * training[best] and training[-1] < PARTED * validation[best:].mean())


def _smoothed(values: np.ndarray, *, keep: float = 0.6) -> np.ndarray:
    """Smooth a curve by means with weights keep**distance to both sides, so that nothing is delayed."""
    epochs = np.arange(len(values))
    weights = keep ** np.abs(epochs[:, np.newaxis] - epochs).astype(np.float64)
    mean: np.ndarray = weights @ values / weights.sum(axis=1)
    return mean


def _noise(values: np.ndarray) -> float:
    """The standard deviation around a smooth curve: 1.4826 times the median |second difference|, over √6."""
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / 6**0.5)


def _overfits_from(smooth: np.ndarray, training: np.ndarray, noise: float, best: int) -> int | None:
    """The index of the epoch from which the validation loss stays clearly above its best, if any."""
    margin = max(MARGIN * noise, 0.05 * smooth.min())
    within = np.flatnonzero(smooth <= smooth.min() + margin)
    first = max(int(within[-1]), best) + 1
    if first >= len(smooth) or training[-1] >= training[best]:
        return None
    return first


def _still_improving(smooth: np.ndarray, noise: float) -> bool:
    """Whether the validation loss was still falling, clearly, at the end."""
    n = len(smooth)
    fell = smooth[-1 - n // 4] - smooth[-1]
    return int(smooth.argmin()) >= n - 1 - n // 10 and fell > max(2 * noise, 0.02 * smooth[-1])
