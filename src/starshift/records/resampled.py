"""What a recipe came to when it was fitted again and again, on other pictures each time."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate


class FoldResult(Struct, frozen=True, forbid_unknown_fields=True):
    """One fit on the pictures outside a fold, measured on those inside; a line of folds.jsonl."""

    key: str  # digest of rung, protocol and groups; the same key need not be fitted again
    repeat: int  # from 0
    fold: int  # from 0
    trained_on: int  # pictures
    right: tuple[int, ...]  # of each picture held out, in the data set's order: 1 or 0
    losses: tuple[float, ...]  # -ln(probability of the true class), nats
    seconds: float


class Resampled(Struct, frozen=True, forbid_unknown_fields=True):
    """All folds of one recipe together. Pictures of the test part are in none of them."""

    protocol: str  # "10 × 5 folds"
    accuracy: Estimate  # mean over the repeats; each picture is predicted once per repeat
    log_loss: Estimate  # nats per picture, the same
    fold_accuracies: tuple[float, ...]  # of every fold, repeat by repeat
    trained_on: int  # pictures, in the median fold
    seconds: float  # of all fits


class RecipeVerdict(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one recipe is better than another on pictures of this kind, by fits on the same folds."""

    recipe: str  # the rung in question
    against: str  # the rung it is compared with
    outcome: Literal["gain", "loss", "undecided"]
    difference: Estimate  # of accuracy, recipe minus other, as a share; n pictures
    fits: int  # of each
    p_value: float  # corrected resampled t-test, two-sided
    adjusted_p_value: float  # the same by Holm, over all comparisons of the ladder
    sentence: str
