"""Figures by the values of another column, as a table; and whether they are unequal, as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starshift.records import NOUNS, Estimate, Family, RunRecord, Slice, Slices
from starshift.report import words
from starshift.report.figures import form_of

PARTS = {"validation": "validation", "test": "sealed test"}


def slices(run: RunRecord) -> list[dict[str, Any]]:
    """A table for every part of the data that was looked at."""
    return [_table(one, run.data.family) for one in run.slices if one.rows]


def sentences(found: Sequence[Slices], family: Family) -> list[str]:
    """What the slices of a run come to, a sentence each, for the terminal and the report."""
    return [_sentence(one, NOUNS[family]) for one in found if one.rows]


def _table(one: Slices, family: Family) -> dict[str, Any]:
    noun = NOUNS[family]
    columns = [one.leading, *(name for name in one.rows[0].figures if name != one.leading)]
    known = [form for name in columns if (form := form_of(name, one.rows[0].figures)) is not None]
    return {
        "by": _by(one),
        "part": PARTS[one.part],
        "rung": one.rung,
        "noun": noun,
        "says": _sentence(one, noun),
        "columns": [title for title, _, _ in known],
        "rows": [_row(row, known) for row in one.rows],
        "left_out": words.counted(one.left_out, "rarer value") if one.left_out else "",
    }


def _row(row: Slice, columns: Sequence[tuple[str, str, int | None]]) -> dict[str, Any]:
    return {
        "value": _named(row.value),
        "n": words.count(row.n),
        "cells": [_cell(row.figures.get(field), decimals) for _, field, decimals in columns],
    }


def _cell(estimate: Estimate | None, decimals: int | None) -> dict[str, str]:
    if estimate is None:
        return {"figure": "not defined", "interval": ""}
    interval = words.interval(estimate, decimals) if estimate.low is not None else "no interval"
    return {"figure": words.figure(estimate, decimals), "interval": interval}


def _named(value: str) -> str:
    return words.visible(value) or "without a value"


def _by(one: Slices) -> str:
    """What it was sliced by, for a reader: a column by its name."""
    return words.visible(one.by.removeprefix("column:"))


def _sentence(one: Slices, noun: str) -> str:
    figures = {row.value: row.figures for row in one.rows}
    form = form_of(one.leading, one.rows[0].figures)
    assert form is not None
    title, field, decimals = form
    where = f"By {_by(one)} on the {PARTS[one.part]} {noun}s, {title[:1].lower()}{title[1:]}"
    if one.unlike is None:
        return f"{where} of {one.rung} is not told apart between any two values: the intervals touch."
    low, high = ((value, words.estimate(figures[value][field], decimals)) for value in one.unlike)
    return (
        f"{where} of {one.rung} is unequal beyond the intervals: {low[1]} for {_named(low[0])}, {high[1]} for "
        f"{_named(high[0])}."
    )
