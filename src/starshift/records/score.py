"""Figures that never come alone: value, interval, n, and how it was found; one kind of score per kind of target."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class Estimate(Struct, frozen=True, forbid_unknown_fields=True):
    """A figure with its 95 % interval."""

    value: float
    low: float | None  # None where no interval can be given; `method` then says why
    high: float | None
    n: int  # examples it rests on
    method: str  # "Wilson", "bootstrap over pictures, 1000 draws", …


class ClassScore(Struct, frozen=True, forbid_unknown_fields=True):
    """How the examples of one class, or with one label, fared."""

    label: str
    recall: Estimate  # share of this class's examples that were recognized
    precision: float | None  # share of the examples so called that are of this class; None if none was


class Leading(NamedTuple):
    """The figure by which models of one kind of target are compared first."""

    metric: str  # "accuracy", "mean absolute error", …
    estimate: Estimate
    higher_is_better: bool
    is_share: bool  # from 0 to 1, and told in percent; else in the target's own unit
    second: float  # what decides between equals; the higher, the better

    @property
    def order(self) -> tuple[float, float]:
        """The higher, the better."""
        return self.estimate.value if self.higher_is_better else -self.estimate.value, self.second


class Score(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="classes"):
    """How one fitted model did on one set of examples of one class each."""

    accuracy: Estimate
    balanced_accuracy: Estimate  # mean recall over the classes present
    macro_f1: Estimate  # mean F1 over the classes present
    roc_auc: Estimate | None  # two classes: area under the curve; more: one against the rest, mean; None if undefined
    log_loss: Estimate  # nats per example
    confusion: tuple[tuple[int, ...], ...]  # rows: true class, columns: predicted class
    classes: tuple[ClassScore, ...]
    brier: Estimate | None = None  # squared distance of probabilities and truth, 0 to 2; None in older records
    top_5: Estimate | None = None  # share whose true class is among the 5 likeliest; None for 5 classes or fewer

    @property
    def leading(self) -> Leading:
        """Accuracy; of equals, the lower log loss."""
        return Leading("accuracy", self.accuracy, True, True, -self.log_loss.value)


class NumberScore(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="numbers"):
    """How one fitted model did where a number is to be predicted; all but R² in the target's unit."""

    mean_absolute_error: Estimate
    root_mean_squared_error: Estimate
    r_squared: Estimate | None  # 1 - squared errors over those of the mean; None where all numbers are equal

    @property
    def leading(self) -> Leading:
        """Mean absolute error; of equals, the lower root mean squared error."""
        second = -self.root_mean_squared_error.value
        return Leading("mean absolute error", self.mean_absolute_error, False, False, second)


class LabelsScore(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="labels"):
    """How one fitted model did where any number of labels applies at once."""

    label_accuracy: Estimate  # share of all answers yes or no that are right; 1 - Hamming loss
    exact: Estimate  # share of the examples of which every label is right
    micro_f1: Estimate  # over all answers together
    macro_f1: Estimate  # mean over the labels that are there
    log_loss: Estimate  # nats per label
    labels: tuple[ClassScore, ...]

    @property
    def leading(self) -> Leading:
        """The share of labels that are right; of equals, the lower log loss."""
        return Leading("label accuracy", self.label_accuracy, True, True, -self.log_loss.value)


class StringScore(Struct, frozen=True, forbid_unknown_fields=True, tag_field="of", tag="strings"):
    """How one fitted model did where a short string is to be read."""

    accuracy: Estimate  # share of the strings that are right in every character
    character_error_rate: Estimate  # insertions, deletions and substitutions over the characters that are there

    @property
    def leading(self) -> Leading:
        """The share of strings that are right; of equals, the lower character error rate."""
        return Leading("accuracy", self.accuracy, True, True, -self.character_error_rate.value)


AnyScore = Score | NumberScore | LabelsScore | StringScore


def of_classes(score: AnyScore) -> Score:
    """The score, where classes are predicted; what asks for it is not for other targets."""
    assert isinstance(score, Score), f"a score of classes is needed here, not {type(score).__name__}"
    return score
