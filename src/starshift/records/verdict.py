"""The comparison of two models on the same examples, in figures and in words."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate


class Verdict(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one fitted model is better than another on the same examples."""

    model: str  # the rung in question
    against: str  # the rung it is compared with
    outcome: Literal["gain", "loss", "undecided"]
    about: Literal["model", "recipe"]  # "model": these fitted models on these examples
    difference: Estimate  # of the leading figure, model minus other; a share (0.142 = 14.2 points), or in its unit
    only_model_right: int | None  # discordant examples; None where an answer is not simply right or wrong
    only_other_right: int | None
    p_value: float  # two-sided; exact McNemar test where answers are right or wrong, else paired t-test
    sentence: str
    metric: str = "accuracy"
