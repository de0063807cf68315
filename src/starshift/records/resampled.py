"""What a recipe came to when it was fitted again and again, on other examples each time."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate


class FoldResult(Struct, frozen=True, forbid_unknown_fields=True):
    """One fit on the examples outside a fold, measured on those inside; a line of folds.jsonl."""

    key: str  # digest of rung, protocol and groups; the same key need not be fitted again
    repeat: int  # from 0
    fold: int  # from 0
    trained_on: int  # examples
    figures: tuple[float, ...]  # of each example held out, in the data set's order: see Answers.figures
    losses: tuple[float, ...]  # of each, see evaluation.protocol.losses: -ln(probability of the true class), …
    seconds: float


class Resampled(Struct, frozen=True, forbid_unknown_fields=True):
    """All folds of one recipe together. Examples of the test part are in none of them."""

    protocol: str  # "10 × 5 folds"
    leading: Estimate  # of `metric`, mean over the repeats; each example is predicted once per repeat
    loss: Estimate  # per example, the same
    fold_figures: tuple[float, ...]  # of every fold, repeat by repeat
    trained_on: int  # examples, in the median fold
    seconds: float  # of all fits
    metric: str = "accuracy"


class RecipeVerdict(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one recipe is better than another on examples of this kind, by fits on the same folds."""

    recipe: str  # the rung in question
    against: str  # the rung it is compared with
    outcome: Literal["gain", "loss", "undecided"]
    difference: Estimate  # of the leading figure, recipe minus other; n examples
    fits: int  # of each
    p_value: float  # corrected resampled t-test, two-sided
    adjusted_p_value: float  # the same by Holm, over all comparisons of the ladder
    sentence: str
