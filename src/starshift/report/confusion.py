"""What is taken for what: the whole matrix where it can be read, else its telling parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starshift.records import ClassScore, Score
from starshift.report import words

MOST_CLASSES = 20
"""Classes up to which the whole matrix is shown."""

MOST_PAIRS = 20
"""Confused pairs shown where the matrix is too large."""


def confusion(score: Score, classes: Sequence[str], noun: str) -> dict[str, Any]:
    """The matrix of `score`, whose rows and columns are `classes`. noun: what an example is called."""
    if len(classes) > MOST_CLASSES:
        return {"kind": "pairs", **_pairs(score, classes, noun), **_recalls(score)}
    rows = zip(classes, score.confusion, strict=True)
    return {
        "kind": "matrix",
        "classes": list(classes),
        "roomy": len(classes) <= 6,
        "upright": len(classes) <= 6 or max(map(len, classes)) <= 3,  # else the columns' names stand on end
        "rows": [_row(i, label, counts, noun) for i, (label, counts) in enumerate(rows)],
    }


def _row(i: int, label: str, counts: Sequence[int], noun: str) -> dict[str, Any]:
    total = sum(counts)
    return {
        "label": label,
        "n": words.counted(total, noun),
        "cells": [_cell(count, total, i == j) for j, count in enumerate(counts)],
    }


def _cell(count: int, total: int, right: bool) -> dict[str, Any]:
    share = count / total if total else 0.0
    return {
        "count": words.count(count),
        "share": words.percent(share) if total else "",
        # One mistake among a thousand must still show; nothing at all must stay blank.
        "shade": round(0.08 + 0.92 * share, 3) if count else 0.0,
        "tone": "none" if not count else "right" if right else "wrong",
    }


def _pairs(score: Score, classes: Sequence[str], noun: str) -> dict[str, Any]:
    """The commonest mistakes, by number of examples, then by share of the true class."""
    found = [
        (count, count / sum(row), i, j)
        for i, row in enumerate(score.confusion)
        for j, count in enumerate(row)
        if count and i != j
    ]
    ranked = sorted(found, key=lambda pair: (-pair[0], -pair[1], pair[2], pair[3]))
    return {
        "pairs": [
            {
                "label": classes[i],
                "predicted": classes[j],
                "count": words.count(count),
                "of": words.counted(sum(score.confusion[i]), noun),
                "bar": round(100 * share, 2),
            }
            for count, share, i, j in ranked[:MOST_PAIRS]
        ],
        "more": words.counted(max(0, len(ranked) - MOST_PAIRS), "rarer pair") if ranked[MOST_PAIRS:] else "",
    }


def _recalls(score: Score) -> dict[str, Any]:
    """Every class's recall, worst first; the flawless classes are named together at the end."""
    present = [one for one in score.classes if one.recall.n]
    ranked = sorted(present, key=lambda one: (one.recall.value, one.label))
    perfect = [one for one in ranked if one.recall.value >= 1]
    return {
        "recalls": [_recall(one) for one in ranked if one.recall.value < 1],
        "perfect": [one.label for one in perfect],
    }


def _recall(one: ClassScore) -> dict[str, Any]:
    recall = one.recall
    return {
        "label": one.label,
        "figure": words.percent(recall.value),
        "words": words.estimate(recall),
        "n": words.count(recall.n),
        "x": round(100 * recall.value, 2),
        "low": round(100 * (recall.value if recall.low is None else recall.low), 2),
        "high": round(100 * (recall.value if recall.high is None else recall.high), 2),
    }
