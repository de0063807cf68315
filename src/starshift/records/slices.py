"""Figures by the values of another column, so that unequal errors between groups are seen."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate

SlicedPart = Literal["validation", "test"]


class Slice(Struct, frozen=True, forbid_unknown_fields=True):
    """The examples with one value, and how a model did on them."""

    value: str  # of the column, or a range of its numbers: "20 to 31"; "" where it is empty
    figures: dict[str, Estimate]  # by the name of their field in the score: {"accuracy": …}
    n: int  # examples


class Slices(Struct, frozen=True, forbid_unknown_fields=True):
    """One part of the data by the values of one column."""

    by: str  # as `--slice-by` names it: "column:sex"
    rung: str
    part: SlicedPart
    leading: str  # field of the score by which slices are compared first
    rows: tuple[Slice, ...]  # the largest first; ranges of numbers from low to high
    left_out: int = 0  # values that are not among them, since there are too many
    unlike: tuple[str, str] | None = None  # values of the two slices whose intervals lie farthest apart; None: none do
