"""The figures of a run as tables: rung by rung, model against model, time, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from starshift.records import ClassScore, RecipeVerdict, RungRecord, RunRecord, Score, Verdict
from starshift.report import words
from starshift.report.leading import is_balanced


class TableRow(TypedDict):
    """One line of the table of rungs, as the terminal, Python and the report show it."""

    rung: str
    status: Literal["finished", "skipped"]
    chosen: bool
    accuracy: str  # with interval and n; "" where the rung was skipped, as in all that follow
    balanced_accuracy: str  # the same, where classes are so uneven that it leads; "" where it does not
    log_loss: str  # the value; its interval is in the report and the record
    seconds: str
    verdict: str  # against the best finished rung before; or why the rung was skipped


def table(run: RunRecord) -> list[TableRow]:
    """The rungs in the order climbed, every cell in words."""
    return [_table_row(rung, run.chosen, is_balanced(run)) for rung in run.rungs]


def _table_row(rung: RungRecord, chosen: str, balanced: bool) -> TableRow:
    score = rung.score
    clean = words.without_copies(score, rung.without_copies, "validation") if score else ""
    verdict = " ".join(filter(None, [words.verdicts(rung), clean]))
    return {
        "rung": rung.name,
        "status": rung.status,
        "chosen": bool(score) and rung.name == chosen,
        "accuracy": words.estimate(score.accuracy) if score else "",
        "balanced_accuracy": words.estimate(score.balanced_accuracy) if score and balanced else "",
        "log_loss": words.number(score.log_loss.value) if score else "",
        "seconds": words.seconds(rung.seconds) if rung.seconds is not None else "",
        "verdict": verdict if rung.status == "finished" else words.sentence(f"skipped: {rung.reason}"),
    }


_METRICS = (  # title, field of Score, decimals (None: a share in percent)
    ("Accuracy", "accuracy", None),
    ("Balanced accuracy", "balanced_accuracy", None),
    ("Macro F1", "macro_f1", 3),
    ("ROC AUC", "roc_auc", 3),
    ("Log loss", "log_loss", 3),
    ("Brier score", "brier", 3),
)


def figures(run: RunRecord, rung: RungRecord | None) -> dict[str, Any]:
    """Every figure with its interval and how it was found. rung: the chosen one, whose classes are shown one by one."""
    rows = [(one.name, "validation", one.score) for one in run.rungs if one.score]
    if run.test:
        rows.append((run.test.rung, "sealed test", run.test.score))
    return {
        "columns": [title for title, _, _ in _METRICS],
        "rows": [_figure_row(name, part, score, run.chosen) for name, part, score in rows],
        "methods": _methods([score for _, _, score in rows]),
        "recipes": [_recipes(rung.recipe_verdict) for rung in run.rungs if rung.recipe_verdict],
        "protocol": words.sentence(run.protocol),
        "comparisons": [_comparison(rung.verdict) for rung in run.rungs if rung.verdict],
        "times": [_times(one) for one in run.rungs if one.seconds is not None],
        "classes": _class_tables(run, rung),
    }


def _figure_row(name: str, part: str, score: Score, chosen: str) -> dict[str, Any]:
    return {
        "rung": name,
        "part": part,
        "n": words.counted(score.accuracy.n, "picture"),
        "chosen": name == chosen,
        "cells": [_figure_cell(score, field, decimals) for _, field, decimals in _METRICS],
    }


def _figure_cell(score: Score, field: str, decimals: int | None) -> dict[str, str]:
    estimate = getattr(score, field)
    if estimate is None:
        return {"figure": "not measured" if field == "brier" else "not defined", "interval": ""}
    interval = words.interval(estimate, decimals) if estimate.low is not None else "no interval"
    return {"figure": words.figure(estimate, decimals), "interval": interval}


def _methods(scores: Sequence[Score]) -> list[str]:
    """How the intervals were found, and which figures each way serves: `Wilson: accuracy`."""
    served: dict[str, list[str]] = {}
    for title, field, _ in _METRICS:
        for estimate in (getattr(score, field) for score in scores):
            if estimate is not None:
                way = estimate.method if estimate.low is not None else f"no interval, since {estimate.method}"
                served.setdefault(way, []).append(title)
    return [f"{way}: {', '.join(dict.fromkeys(titles))}" for way, titles in served.items()]


def _comparison(verdict: Verdict) -> dict[str, str]:
    difference = verdict.difference
    return {
        "rung": verdict.model,
        "against": verdict.against,
        "difference": words.points(difference.value),
        "interval": words.points_interval(difference),
        "only": f"{words.count(verdict.only_model_right)} to {words.count(verdict.only_other_right)}",
        "p": words.p_value(verdict.p_value),
        "n": words.counted(difference.n, "picture"),
        "method": difference.method,
    }


def _recipes(verdict: RecipeVerdict) -> dict[str, str]:
    difference = verdict.difference
    return {
        "rung": verdict.recipe,
        "against": verdict.against,
        "difference": words.points(difference.value),
        "interval": words.points_interval(difference),
        "fits": words.count(verdict.fits),
        "p": words.p_value(verdict.adjusted_p_value),
        "n": words.counted(difference.n, "picture"),
        "method": difference.method,
    }


def _times(rung: RungRecord) -> dict[str, str]:
    needed, predicted = rung.seconds or 0.0, rung.predicted_seconds
    return {
        "rung": rung.name,
        "predicted": words.seconds(predicted) if predicted is not None else "not predicted",
        "needed": words.seconds(needed),
        "off": words.off(predicted, needed) if predicted is not None and needed > 0 else "",
    }


def _class_tables(run: RunRecord, rung: RungRecord | None) -> list[dict[str, Any]]:
    """Class by class for the chosen rung, on validation and, once opened, on the sealed test."""
    parts = [("validation", rung.score)] if rung and rung.score else []
    if run.test and run.test.rung == run.chosen:
        parts.append(("sealed test", run.test.score))
    return [
        {"rung": run.chosen, "part": part, "rows": [_class_row(one) for one in score.classes]}
        for part, score in parts
        if score is not None
    ]


def _class_row(one: ClassScore) -> dict[str, str]:
    return {
        "label": one.label,
        "n": words.count(one.recall.n),
        "recall": words.percent(one.recall.value) if one.recall.n else "no pictures",
        "interval": words.interval(one.recall) if one.recall.n else "",
        "precision": words.percent(one.precision) if one.precision is not None else "never answered",
    }
