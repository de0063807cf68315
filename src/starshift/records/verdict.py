"""The comparison of two models on the same pictures, in figures and in words."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate


class Verdict(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one fitted model is better than another on the same pictures."""

    model: str  # the rung in question
    against: str  # the rung it is compared with
    outcome: Literal["gain", "loss", "undecided"]
    about: Literal["model", "recipe"]  # "model": these fitted models on these pictures
    difference: Estimate  # of accuracy, model minus other, as a share (0.142 = 14.2 points)
    only_model_right: int  # discordant pictures
    only_other_right: int
    p_value: float  # exact McNemar test, two-sided
    sentence: str
