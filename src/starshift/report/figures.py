"""The figures of a run as tables: rung by rung, model against model, time, class by class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, TypedDict

from starshift.records import (
    NOUNS,
    AnyScore,
    ClassScore,
    Estimate,
    LabelsScore,
    NumberScore,
    RecipeVerdict,
    RungRecord,
    RunRecord,
    Score,
    StringScore,
    Verdict,
)
from starshift.report import costs, words
from starshift.report.leading import decimals, figure, is_balanced


class TableRow(TypedDict):
    """One line of the table of rungs, as the terminal, Python and the report show it."""

    rung: str
    status: Literal["finished", "skipped"]
    chosen: bool
    leading: str  # accuracy, of classes, with its interval and n; "" where the rung was skipped, as in what follows
    accuracy: str  # the same of classes; "" of other targets
    balanced_accuracy: str  # the same, where classes are so uneven that it leads; "" where it does not
    log_loss: str  # the value, of classes; its interval is in the report and the record
    metric: str  # which figure leads
    seconds: str
    verdict: str  # against the best finished rung before, and why there is no interval; or why the rung was skipped


def table(run: RunRecord) -> list[TableRow]:
    """The rungs in the order climbed, every cell in words."""
    return [_table_row(rung, run.chosen, is_balanced(run), NOUNS[run.data.family]) for rung in run.rungs]


def _table_row(rung: RungRecord, chosen: str, balanced: bool, noun: str) -> TableRow:
    score = rung.score
    clean = words.without_copies(score, rung.without_copies, "validation", noun) if score else ""
    classes = score if isinstance(score, Score) else None
    kept = costs.kept(rung, balanced=balanced)
    verdict = " ".join(filter(None, [words.verdicts(rung), kept, clean, _without_interval(score, balanced)]))
    return {
        "rung": rung.name,
        "status": rung.status,
        "chosen": bool(score) and rung.name == chosen,
        "leading": words.cell(score.leading.estimate, decimals(score)) if score else "",
        "accuracy": words.cell(classes.accuracy) if classes else "",
        "balanced_accuracy": words.cell(classes.balanced_accuracy) if classes and balanced else "",
        "log_loss": words.number(classes.log_loss.value) if classes else "",
        "metric": score.leading.metric if score else "",
        "seconds": words.seconds(rung.seconds) if rung.seconds is not None else "",
        "verdict": verdict if rung.status == "finished" else words.sentence(f"skipped: {rung.reason}"),
    }


def _without_interval(score: AnyScore | None, balanced: bool) -> str:
    """Why the figure that leads has no interval; "" where it has one."""
    estimate = figure(score, balanced=balanced) if score else None
    return words.sentence(words.interval(estimate)) if estimate and estimate.low is None else ""


Metric = tuple[str, str, int | None]
"""Title, field of the score, decimals (None: a share in percent)."""

_METRICS: dict[type, tuple[Metric, ...]] = {
    Score: (
        ("Accuracy", "accuracy", None),
        ("Balanced accuracy", "balanced_accuracy", None),
        ("Macro F1", "macro_f1", 3),
        ("ROC AUC", "roc_auc", 3),
        ("Log loss", "log_loss", 3),
        ("Brier score", "brier", 3),
        ("Top-5 accuracy", "top_5", None),
    ),
    NumberScore: (
        ("Mean absolute error", "mean_absolute_error", words.AMOUNT),
        ("Root mean squared error", "root_mean_squared_error", words.AMOUNT),
        ("R²", "r_squared", 3),
    ),
    LabelsScore: (
        ("Label accuracy", "label_accuracy", None),
        ("All labels right", "exact", None),
        ("Micro F1", "micro_f1", 3),
        ("Macro F1", "macro_f1", 3),
        ("Log loss", "log_loss", 3),
    ),
    StringScore: (
        ("Accuracy", "accuracy", None),
        ("Character error rate", "character_error_rate", None),
    ),
}
"""By kind of score."""


def form_of(field: str, beside: Collection[str]) -> Metric | None:
    """Title and form of a figure by its field in the score; None of an unknown one. beside: the other fields there."""
    for metrics in _METRICS.values():
        fields = [metric[1] for metric in metrics]
        if field in fields and set(beside) <= set(fields):
            return metrics[fields.index(field)]
    return None


def figures(run: RunRecord, rung: RungRecord | None) -> dict[str, Any]:
    """Every figure with its interval and how it was found. rung: the chosen one, whose classes are shown one by one."""
    rows = [(one.name, "validation", one.score) for one in run.rungs if one.score]
    if run.test:
        rows.append((run.test.rung, "sealed test", run.test.score))
    metrics = _measured([score for _, _, score in rows])
    noun = NOUNS[run.data.family]
    return {
        "leading": rows[0][2].leading.metric if rows else "accuracy",
        "noun": noun,
        "right_or_wrong": not rows or isinstance(rows[0][2], Score | StringScore),
        "columns": [title for title, _, _ in metrics],
        "rows": [_figure_row(name, part, score, metrics, run.chosen, noun) for name, part, score in rows],
        "methods": _methods([score for _, _, score in rows], metrics),
        "recipes": [_recipes(rung.recipe_verdict, rung.score, noun) for rung in run.rungs if rung.recipe_verdict],
        "protocol": words.sentence(run.protocol),
        "comparisons": [_comparison(rung.verdict, rung.score, noun) for rung in run.rungs if rung.verdict],
        "times": [_times(one) for one in run.rungs if one.seconds is not None],
        "classes": _class_tables(run, rung),
    }


def _measured(scores: Sequence[AnyScore]) -> Sequence[Metric]:
    """The figures of these scores; that of the first five only where there are more classes."""
    metrics = _METRICS[type(scores[0]) if scores else Score]
    without = [] if any(getattr(score, "top_5", None) for score in scores) else ["top_5"]
    return [metric for metric in metrics if metric[1] not in without]


def _figure_row(
    name: str, part: str, score: AnyScore, metrics: Sequence[Metric], chosen: str, noun: str
) -> dict[str, Any]:
    return {
        "rung": name,
        "part": part,
        "n": words.counted(score.leading.estimate.n, noun),
        "chosen": name == chosen,
        "cells": [_figure_cell(score, field, decimals) for _, field, decimals in metrics],
    }


def _figure_cell(score: AnyScore, field: str, decimals: int | None) -> dict[str, str]:
    estimate = getattr(score, field)
    if estimate is None:
        return {"figure": "not measured" if field in ("brier", "top_5") else "not defined", "interval": ""}
    interval = words.interval(estimate, decimals) if estimate.low is not None else "no interval"
    return {"figure": words.figure(estimate, decimals), "interval": interval}


def _methods(scores: Sequence[AnyScore], metrics: Sequence[Metric]) -> list[str]:
    """How the intervals were found, and which figures each way serves: `Wilson: accuracy`."""
    served: dict[str, list[str]] = {}
    for title, field, _ in metrics:
        for estimate in (getattr(score, field) for score in scores):
            if estimate is not None:
                way = estimate.method if estimate.low is not None else f"no interval, since {estimate.method}"
                served.setdefault(way, []).append(title)
    return [f"{way}: {', '.join(dict.fromkeys(titles))}" for way, titles in served.items()]


def _comparison(verdict: Verdict, score: AnyScore | None, noun: str) -> dict[str, str]:
    difference, told = verdict.difference, _differing(score)
    only = ""
    if verdict.only_model_right is not None and verdict.only_other_right is not None:
        only = f"{words.count(verdict.only_model_right)} to {words.count(verdict.only_other_right)}"
    return {
        "rung": verdict.model,
        "against": verdict.against,
        **told(difference),
        "only": only,
        "p": words.p_value(verdict.p_value),
        "n": words.counted(difference.n, noun),
        "method": difference.method,
    }


def _recipes(verdict: RecipeVerdict, score: AnyScore | None, noun: str) -> dict[str, str]:
    difference, told = verdict.difference, _differing(score)
    return {
        "rung": verdict.recipe,
        "against": verdict.against,
        **told(difference),
        "fits": words.count(verdict.fits),
        "p": words.p_value(verdict.adjusted_p_value),
        "n": words.counted(difference.n, noun),
        "method": difference.method,
    }


def _differing(score: AnyScore | None) -> Callable[[Estimate], dict[str, str]]:
    """How a difference of leading figures is told: in points, or in the target's unit."""
    if score is None or score.leading.is_share:
        return lambda one: {"difference": words.points(one.value), "interval": words.points_interval(one)}
    return lambda one: {
        "difference": words.signed_amount(one.value),
        "interval": words.interval(one, words.AMOUNT),
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
        {"rung": run.chosen, "part": part, "rows": class_rows(score)}
        for part, score in parts
        if score is not None and _classes_of(score)
    ]


def class_rows(score: AnyScore) -> list[dict[str, str]]:
    """A score class by class, or label by label; nothing of numbers and strings."""
    return [_class_row(one) for one in _classes_of(score)]


def _classes_of(score: AnyScore) -> tuple[ClassScore, ...]:
    if isinstance(score, Score):
        return score.classes
    return score.labels if isinstance(score, LabelsScore) else ()


def _class_row(one: ClassScore) -> dict[str, str]:
    return {
        "label": one.label,
        "n": words.count(one.recall.n),
        "recall": words.percent(one.recall.value) if one.recall.n else "none here",
        "interval": words.interval(one.recall) if one.recall.n else "",
        "precision": words.percent(one.precision) if one.precision is not None else "never answered",
    }
