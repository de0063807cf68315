"""Records → places on a chart, in percent of the plot's width (from the left) and height (from the top).

Percentages let the drawings follow the page's width while dots, strokes and letters keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from starshift.records import Epoch, Estimate, RungRecord, TestRecord
from starshift.report import words
from starshift.report.leading import figure

BASELINE = "baseline"
"""The rung that always answers the commonest class; its accuracy is drawn as a line through all rungs."""


class Scale(NamedTuple):
    """A straight map from values to percent, with the values worth a grid line."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Percent of the way from `low` to `high`, held within the plot."""
        return round(min(max(100 * (value - self.low) / (self.high - self.low), 0.0), 100.0), 2)


def scale(values: Iterable[float], *, floor: float = -math.inf, ceiling: float = math.inf) -> Scale:
    """A scale over all finite `values`, widened to round numbers, but not beyond `floor` and `ceiling`."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if high - low < 1e-9:
        low, high = max(low - 0.05, floor), min(high + 0.05, ceiling)
    step = _round_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(step * i, 10) for i in range(first, last + 1))
    inside = tuple(tick for tick in ticks if floor - 1e-9 <= tick <= ceiling + 1e-9)
    return Scale(max(ticks[0], floor), min(ticks[-1], ceiling), inside)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, … × 10^k at or above `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


# ---- the ladder -----------------------------------------------------------------------------------


def ladder(
    rungs: Sequence[RungRecord], chosen: str, test: TestRecord | None, *, balanced: bool = False
) -> dict[str, Any]:
    """One row per rung: a dot with its interval, or the reason why it was skipped.

    balanced: whether balanced accuracy is drawn in place of accuracy.
    """
    drawn = [figure(rung.score, balanced=balanced) for rung in rungs if rung.score]
    estimates = [*drawn, figure(test.score, balanced=balanced)] if test else drawn
    ends = [end for estimate in estimates for end in _span(estimate)]
    ends += [end for rung in rungs if rung.resampled for end in _span(rung.resampled.leading)]
    leading = next((rung.score.leading for rung in rungs if rung.score), None)
    is_share = leading is None or leading.is_share
    # One rung alone is compared with nothing: it is shown on the whole way from 0 to 100 %.
    axis = scale(
        ends if len(estimates) > 1 or not is_share else (0.0, 1.0), floor=0.0, ceiling=1.0 if is_share else inf
    )
    named = leading.metric if leading else "accuracy"
    scores = [rung.score for rung in rungs if rung.name == BASELINE and rung.score]
    baseline = figure(scores[0], balanced=balanced) if scores else None
    return {
        "of": "balanced accuracy, every class counting the same," if balanced else named,
        "any": bool(drawn),
        "ticks": [
            {"x": axis.place(tick), "label": f"{100 * tick:.0f} %" if is_share else words.amount(tick)}
            for tick in axis.ticks
        ],
        "baseline": axis.place(baseline.value) if baseline else None,
        "rows": [_ladder_row(rung, chosen, test, axis, balanced) for rung in rungs],
    }


def _ladder_row(rung: RungRecord, chosen: str, test: TestRecord | None, axis: Scale, balanced: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": rung.name,
        "description": words.sentence(rung.description),
        "chosen": rung.name == chosen != BASELINE,
        "skipped": rung.score is None,
        "reason": words.sentence(rung.reason),
        "verdict": words.against(rung.verdict) if rung.verdict else "",
        "recipe": words.sentence(rung.recipe_verdict.sentence) if rung.recipe_verdict else "",
        "recipe_outcome": rung.recipe_verdict.outcome if rung.recipe_verdict else "",
        "outcome": rung.verdict.outcome if rung.verdict else "",
    }
    if rung.score is None:
        return row
    estimate, form = figure(rung.score, balanced=balanced), None if rung.score.leading.is_share else words.AMOUNT
    tested = test if test and test.rung == rung.name else None
    return row | {
        "figure": words.figure(estimate, form),
        "interval": words.interval(estimate, form),
        "n": words.count(estimate.n),
        "mark": _mark(estimate, axis, form),
        "test": _mark(figure(tested.score, balanced=balanced), axis, form) if tested else None,
        "folds": _folds(rung, axis) if not balanced else None,  # balanced accuracy is not known fold by fold
    }


def _folds(rung: RungRecord, axis: Scale) -> dict[str, Any] | None:
    """Where each fold's accuracy lies, and the mean of all with its interval; None where there are no folds."""
    found = rung.resampled
    if found is None or rung.score is None:
        return None
    form = None if rung.score.leading.is_share else words.AMOUNT
    return {
        "dots": [axis.place(value) for value in found.fold_figures],
        "mark": _mark(found.leading, axis, form),
        "words": f"{found.protocol}: {words.estimate(found.leading, form)}",
    }


def _mark(estimate: Estimate, axis: Scale, form: int | None) -> dict[str, Any]:
    low, value, high = (axis.place(place) for place in _span(estimate))
    return {"low": low, "x": value, "high": high, "words": words.estimate(estimate, form)}


def _span(estimate: Estimate) -> tuple[float, float, float]:
    """Low, value, high; where there is no interval, the value thrice."""
    if estimate.low is None or estimate.high is None:
        return estimate.value, estimate.value, estimate.value
    return estimate.low, estimate.value, estimate.high


# ---- learning curves ------------------------------------------------------------------------------

SMOOTHING = 0.8
"""Of each point of a smoothed line, so much is the line before it and the rest is the curve (seed 003, 2.1)."""


def smoothed(values: Sequence[float], factor: float = SMOOTHING) -> list[float]:
    """Exponential smoothing: the first value as it is, then `factor` of the last point and the rest of the value.

    What is not finite stays where it is and is passed over.
    """
    line: list[float] = []
    last = math.nan
    for value in values:
        if math.isfinite(value):
            last = value if math.isnan(last) else factor * last + (1 - factor) * value
        line.append(last if math.isfinite(value) else value)
    return line


def curves(rung: RungRecord, history: Sequence[Epoch]) -> dict[str, Any]:
    """Two panels, the leading figure and the loss, each with training against validation and the best epoch marked."""
    metric = history[-1].metric if history else "accuracy"
    is_error = metric == "mean absolute error"
    return {
        "rung": rung.name,
        "diagnosis": words.sentence(rung.diagnosis),
        "epochs": words.counted(len(history), "epoch") + _last_metrics(history),
        "panels": [
            _panel(
                metric.capitalize(),
                history,
                "accuracy",
                best=min if is_error else max,
                write=words.amount if is_error else words.percent,
                floor=0.0,
                ceiling=math.inf if is_error else 1.0,
            ),
            _panel("Loss", history, "loss", best=min, write=words.number, floor=0.0, ceiling=math.inf),
        ],
    }


def _last_metrics(history: Sequence[Epoch]) -> str:
    """What else was measured on validation after the last epoch; "" for nothing."""
    figures = history[-1].metrics if history else {}
    said = words.listed([f"{name} {words.number(value)}" for name, value in figures.items()])
    return f"; validation {said} after the last" if said else ""


def _panel(
    title: str,
    history: Sequence[Epoch],
    field: str,
    *,
    best: Callable[..., float],
    write: Callable[[float], str],
    floor: float,
    ceiling: float,
) -> dict[str, Any]:
    training = [getattr(epoch, field) for epoch in history]
    validation = [getattr(epoch, f"validation_{field}") for epoch in history]
    across, up = _epoch_scale(history), scale([*training, *validation], floor=floor, ceiling=ceiling)
    places = [across.place(epoch.epoch) for epoch in history]
    marked = _best(history, validation, places, up, best, write)
    decimals = _decimals(up)
    return {
        "title": title,
        "x_ticks": [{"x": across.place(tick), "label": f"{tick:.0f}"} for tick in across.ticks],
        "y_ticks": [
            {"y": round(100 - up.place(tick), 2), "label": _tick_words(tick, ceiling == 1, decimals)}
            for tick in up.ticks
        ],
        "lines": [
            {"kind": kind, "look": look, "strokes": _strokes(places, made(values), up)}
            for look, made in (("raw", list), ("smooth", smoothed))
            for kind, values in (("training", training), ("validation", validation))
        ],
        "best": marked,
        "words": _panel_words(title, history, training, validation, marked, write),
    }


def _epoch_scale(history: Sequence[Epoch]) -> Scale:
    """From the first epoch to the last, with about five whole epochs named, both ends among them."""
    first, last = history[0].epoch, history[-1].epoch
    if first == last:
        return Scale(first - 1, last + 1, (float(first),))
    step = max(1, round(_round_step((last - first) / 5)))
    inner = [tick for tick in range(step, last, step) if first < tick and last - tick > step / 2]
    return Scale(first, last, tuple(float(tick) for tick in (first, *inner, last)))


def _strokes(places: list[float], values: list[float], up: Scale) -> list[dict[str, Any]]:
    """Unbroken runs of finite values; a run of one epoch is a dot, as a line would not show."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, value in zip(places, values, strict=True):
        if math.isfinite(value):
            runs[-1].append((x, round(100 - up.place(value), 2)))
        elif runs[-1]:
            runs.append([])
    return [
        {"points": " ".join(f"{x},{y}" for x, y in run), "dot": run[0] if len(run) == 1 else None}
        for run in runs
        if run
    ]


def _best(
    history: Sequence[Epoch],
    validation: list[float],
    places: list[float],
    up: Scale,
    best: Callable[..., float],
    write: Callable[[float], str],
) -> dict[str, Any] | None:
    finite = [i for i, value in enumerate(validation) if math.isfinite(value)]
    if not finite:
        return None
    i = int(best(finite, key=validation.__getitem__))  # the earliest of equals
    return {
        "x": places[i],
        "y": round(100 - up.place(validation[i]), 2),
        "anchor": "start" if places[i] < 25 else "middle" if places[i] <= 75 else "end",
        "epoch": history[i].epoch,
        "value": write(validation[i]),
    }


def _decimals(up: Scale) -> int:
    """How many decimals tell neighbouring grid lines apart."""
    step = min((b - a for a, b in pairwise(up.ticks)), default=0.1)
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _tick_words(tick: float, in_percent: bool, decimals: int) -> str:
    if in_percent:
        return f"{100 * tick:.{max(0, decimals - 2)}f} %"
    return f"{tick:.{decimals}f}"


def _panel_words(
    title: str,
    history: Sequence[Epoch],
    training: list[float],
    validation: list[float],
    best: dict[str, Any] | None,
    write: Callable[[float], str],
) -> str:
    """The panel in a sentence, for those who cannot see it."""
    text = f"{title} after epoch {history[-1].epoch}: "
    text += f"training {write(training[-1])}, validation {write(validation[-1])}."
    if best:
        text += f" Validation was best at epoch {best['epoch']}, {best['value']}."
    return text
