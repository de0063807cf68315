"""Figures that never come alone: value, interval, n, and how it was found."""

from __future__ import annotations

from msgspec import Struct


class Estimate(Struct, frozen=True, forbid_unknown_fields=True):
    """A figure with its 95 % interval."""

    value: float
    low: float | None  # None where no interval can be given; `method` then says why
    high: float | None
    n: int  # pictures it rests on
    method: str  # "Wilson", "bootstrap over pictures, 1000 draws", …


class ClassScore(Struct, frozen=True, forbid_unknown_fields=True):
    """How the pictures of one class fared."""

    label: str
    recall: Estimate  # share of this class's pictures that were recognized
    precision: float | None  # share of the pictures so called that are of this class; None if none was


class Score(Struct, frozen=True, forbid_unknown_fields=True):
    """How one fitted model did on one set of pictures."""

    accuracy: Estimate
    balanced_accuracy: Estimate  # mean recall over the classes present
    macro_f1: Estimate  # mean F1 over the classes present
    roc_auc: Estimate | None  # two classes: area under the curve; more: one against the rest, mean; None if undefined
    log_loss: Estimate  # nats per picture
    confusion: tuple[tuple[int, ...], ...]  # rows: true class, columns: predicted class
    classes: tuple[ClassScore, ...]
    brier: Estimate | None = None  # squared distance of probabilities and truth, 0 to 2; None in older records
