"""What a model said: numbers against the truth, labels one by one, strings as they were read; the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from starshift.records import (
    Answers,
    ClassScore,
    Dataset,
    LabelsPredictions,
    LabelsScore,
    NumberPredictions,
    Predictions,
    RungRecord,
    StringPredictions,
)
from starshift.report import words
from starshift.report.charts import Scale, scale
from starshift.report.pictures import SMALL_PIXELS, Thumbnail, data_uri

SHOWN = 12
"""Mistakes that are shown, the worst first."""

MOST_DOTS = 2000
"""Examples that are drawn; of more, so many evenly over the part."""

BINS = 21
"""Bars of the histogram of errors; an odd number, so that one of them stands around 0."""


def worst(answers: Answers) -> list[int]:
    """Rows of the worst mistakes, the worst first: the largest errors; of strings, those it was surest of."""
    if isinstance(answers, NumberPredictions):
        return _first(answers.known, -answers.figures)
    if isinstance(answers, LabelsPredictions):
        return _first(answers.known & (answers.figures < 1), answers.figures)
    if isinstance(answers, StringPredictions | Predictions):
        return _first(answers.known & (answers.figures < 1), -answers.confidence)
    return []


def _first(which: np.ndarray, keys: np.ndarray) -> list[int]:
    rows = np.flatnonzero(which)
    return [int(row) for row in rows[np.argsort(keys[rows], kind="stable")][:SHOWN]]


def said(
    rung: RungRecord | None,
    answers: Answers | None,
    dataset: Dataset,
    thumbnail: Thumbnail,
    because: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """What the chosen rung said on the validation part; None of classes of pictures and texts, shown elsewhere.

    because: what report.why has for some pictures, by path.
    """
    if rung is None or rung.score is None or answers is None or not answers.known.any():
        return None
    n = words.counted(int(answers.known.sum()), f"validation {dataset.noun}")
    common = {"rung": rung.name, "n": n, "target": dataset.target.name}
    mistakes = _mistakes(answers, dataset, thumbnail, because or {})
    if isinstance(answers, NumberPredictions):
        return common | {"kind": "numbers", **numbers(answers), "mistakes": mistakes}
    if isinstance(answers, LabelsPredictions) and isinstance(rung.score, LabelsScore):
        return common | {"kind": "labels", "labels": [_label(one) for one in rung.score.labels], "mistakes": mistakes}
    wrong = words.count(int((answers.known & (answers.figures < 1)).sum()))
    if isinstance(answers, StringPredictions):
        return common | {"kind": "strings", "wrong": wrong, "mistakes": mistakes}
    if dataset.family not in ("pictures", "texts") and mistakes["rows"]:  # these have sections of their own
        return common | {"kind": "classes", "wrong": wrong, "mistakes": mistakes}
    return None


# ---- numbers --------------------------------------------------------------------------------------


def numbers(answers: NumberPredictions) -> dict[str, Any]:
    """A scatter of predicted against true, and how the errors are spread, in percent of the plots."""
    rows = np.flatnonzero(answers.known)
    true, predicted = answers.targets[rows], answers.values[rows]
    axis = scale([*true.tolist(), *predicted.tolist()])
    drawn = np.linspace(0, len(rows) - 1, min(len(rows), MOST_DOTS)).astype(int)
    return {
        "ticks": [{"x": axis.place(tick), "y": _down(axis, tick), "label": words.amount(tick)} for tick in axis.ticks],
        "dots": [{"x": axis.place(true[i]), "y": _down(axis, predicted[i])} for i in drawn],
        "drawn": f"{words.count(len(drawn))} of them are drawn. " if len(drawn) < len(rows) else "",
        "says": _scatter_words(true, predicted),
        "errors": _histogram(predicted - true),
    }


def _down(axis: Scale, value: float) -> float:
    return round(100 - axis.place(value), 2)


def _scatter_words(true: np.ndarray, predicted: np.ndarray) -> str:
    error = predicted - true
    half, most = np.quantile(np.abs(error), [0.5, 0.9])
    leaning = "too high" if error.mean() > 0 else "too low"
    return (
        f"Half of the answers are off by at most {words.amount(float(half))}, 9 of 10 by at most "
        f"{words.amount(float(most))}; on average they are {words.amount(abs(float(error.mean())))} {leaning}."
    )


def _histogram(errors: np.ndarray) -> dict[str, Any]:
    """Bars from the most negative to the most positive error, 0 in the middle of the middle one."""
    signed = words.signed_amount
    reach = float(np.abs(errors).max()) or 1.0
    counts, edges = np.histogram(errors, bins=BINS, range=(-reach, reach))
    most = int(counts.max()) or 1
    return {
        "bars": [
            {
                "x": round(100 * index / BINS, 2),
                "width": round(100 / BINS - 0.4, 2),
                "height": round(100 * int(count) / most, 2),
                "words": f"{signed(float(low))} to {signed(float(high))}: {words.count(int(count))}",
            }
            for index, (count, low, high) in enumerate(zip(counts, edges[:-1], edges[1:], strict=True))
        ],
        "ticks": [
            {"x": 0, "label": signed(-reach)},
            {"x": 50, "label": "0"},
            {"x": 100, "label": signed(reach)},
        ],
        "words": f"Errors from {signed(float(errors.min()))} to {signed(float(errors.max()))}.",
    }


# ---- labels ---------------------------------------------------------------------------------------


def _label(one: ClassScore) -> dict[str, Any]:
    recall = one.recall
    return {
        "label": one.label,
        "n": words.count(recall.n),
        "figure": words.percent(recall.value) if recall.n else "none here",
        "x": round(100 * recall.value, 2),
        "low": round(100 * (recall.value if recall.low is None else recall.low), 2),
        "high": round(100 * (recall.value if recall.high is None else recall.high), 2),
        "interval": words.interval(recall) if recall.n else "",
        "precision": words.percent(one.precision) if one.precision is not None else "never answered",
    }


# ---- the worst of them ----------------------------------------------------------------------------


def _mistakes(answers: Answers, dataset: Dataset, thumbnail: Thumbnail, because: Mapping[str, Any]) -> dict[str, Any]:
    """The worst mistakes: pictures as cards, other examples as rows of a table."""
    pictures = dataset.family == "pictures"
    sizes = {one.path: max(one.width, one.height) for one in dataset.pictures} if pictures else {}
    rows = worst(answers)
    cells = [_cells(answers, row) | {"path": answers.paths[row]} for row in rows]
    if not pictures:
        return {"cards": [], "rows": cells}
    cards = [one | _seen(one["path"], sizes, thumbnail) | {"why": because.get(one["path"])} for one in cells]
    return {"cards": cards, "rows": []}


def _seen(path: str, sizes: Mapping[str, int], thumbnail: Thumbnail) -> dict[str, Any]:
    picture = thumbnail(path)
    return {
        "file": path.rsplit("/", 1)[-1],
        "small": sizes.get(path, SMALL_PIXELS + 1) <= SMALL_PIXELS,
        "uri": data_uri(picture) if picture else "",
    }


def _cells(answers: Answers, row: int) -> dict[str, str]:
    """What it said, what is true, and how far that is apart."""
    if isinstance(answers, NumberPredictions):
        said, true = float(answers.values[row]), float(answers.targets[row])
        return {"predicted": words.amount(said), "true": words.amount(true), "off": words.signed_amount(said - true)}
    if isinstance(answers, LabelsPredictions):
        return {
            "predicted": _names(answers.classes, answers.predicted[row]),
            "true": _names(answers.classes, answers.targets[row] == 1),
            "off": f"{int((answers.predicted[row] != (answers.targets[row] == 1)).sum())} wrong",
        }
    assert isinstance(answers, StringPredictions | Predictions)
    sure = f"{words.percent(float(answers.confidence[row]))} sure"
    if isinstance(answers, Predictions):
        called, label = (answers.classes[int(which[row])] for which in (answers.predicted, answers.targets))
        return {"predicted": called, "true": label, "off": sure}
    return {"predicted": str(answers.values[row]) or "nothing", "true": str(answers.targets[row]), "off": sure}


def _names(labels: Sequence[str], there: np.ndarray) -> str:
    return ", ".join(label for label, one in zip(labels, there, strict=True) if one) or "none"
