"""How far a model's probabilities can be believed, and how sure it should be before it answers at all."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate


class Temperature(Struct, frozen=True, forbid_unknown_fields=True):
    """What log probabilities are divided by, and what that does to pictures that it was not fitted on."""

    fitted: float  # on all labelled validation pictures; above 1 makes answers less sure
    applied: float  # by the published model; 1.0 where nothing is
    folds: int  # of the validation part; each is scaled by the temperature fitted on the others
    log_loss: Estimate  # without temperature, nats per picture
    log_loss_scaled: Estimate  # fold by fold
    log_loss_change: Estimate  # scaled minus not, picture by picture; below 0 is better
    brier: Estimate
    brier_scaled: Estimate
    brier_change: Estimate


class ConfidenceBin(Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures that the model was about equally sure of."""

    lowest: float  # probability of the predicted class
    highest: float
    confidence: float  # mean
    right: Estimate  # share that it was right for
    band_low: float  # where 95 % of perfectly calibrated models of these confidences would have that share
    band_high: float


class Reliability(Struct, frozen=True, forbid_unknown_fields=True):
    """Confidence held against how often it was right, on one part."""

    part: str  # "validation" or "test"
    outcome: Literal["as sure as right", "too sure", "not sure enough", "uneven", "cannot be told"]
    confidence: float  # mean probability of the predicted class
    accuracy: Estimate
    gap: Estimate  # confidence minus accuracy, as a share; above 0 is too sure
    error: float  # expected calibration error over the bins, as a share; biased upwards
    error_perfect: float  # its mean over perfectly calibrated models of these confidences
    error_limit: float  # which 99 % of these stay below
    bins: tuple[ConfidenceBin, ...]  # about equally many pictures in each, least sure first


class Threshold(Struct, frozen=True, forbid_unknown_fields=True):
    """From which confidence on a model keeps a promise, and how that went on pictures that did not set it.

    "answers": it answers where the probability of its class is above `threshold`, and of these answers a share
    `wanted` is right, with 95 % confidence. "sets": it names every class with a probability of at least `threshold`,
    and a share `wanted` of these sets holds the true one; a set that is no single class is "don't know".
    """

    kind: Literal["answers", "sets"]
    wanted: float  # 0.95
    threshold: float | None  # None where it cannot be promised, for `reason`
    n: int  # pictures that set it
    part: str  # what follows was measured on: "validation", fold by fold, or "test"
    answered: Estimate  # share of the pictures
    right: Estimate | None  # of these; None where none was answered
    covered: Estimate | None = None  # of "sets": share with the true class in the set
    reason: str = ""


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it, of the chosen rung's model."""

    rung: str
    temperature: Temperature
    reliability: tuple[Reliability, ...]  # validation; then the sealed test, once it was opened
    thresholds: tuple[Threshold, ...]
