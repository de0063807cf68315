"""A forecast in words, as a table and as a page: the curve that was measured, and how it is carried on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from starshift.records import Estimate
from starshift.records.forecast import ClassOutlook, Forecast, ForecastOutcome, ForecastPoint, MeasuredSize
from starshift.report import words
from starshift.report.charts import Scale, scale

CLASSES_SHOWN = 10

COLUMNS = (
    "pictures",
    "true accuracy",
    "80 %",
    "95 %",
    "measurement (80 %)",
)


def rows(forecast: Forecast) -> list[tuple[str, ...]]:
    """The table: sizes measured, then those foretold, in the order of COLUMNS."""
    last = forecast.sizes[-1]
    measured = (
        f"{words.count(last.pictures)} (now)",
        words.figure(last.accuracy),
        "",
        words.interval(last.accuracy),
        "",
    )
    return [measured, *(_row(point, forecast) for point in forecast.asked)]


def _row(point: ForecastPoint, forecast: Forecast) -> tuple[str, ...]:
    return (
        f"{words.count(point.pictures)} ({_times(point.pictures / forecast.pictures)})",
        words.percent(point.accuracy),
        _range(point.low, point.high),
        _range(point.lowest, point.highest),
        f"{_range(point.measured_low, point.measured_high)} on {words.count(point.tested)}",
    )


def _times(times: float) -> str:
    return "twice" if round(times, 1) == 2 else f"{times:.2g} times"


def _range(low: float, high: float) -> str:
    return words.interval(Estimate(0, low, high, 0, ""))


# ---- sentences ------------------------------------------------------------------------------------


def sentences(forecast: Forecast) -> list[str]:
    """Everything that is said, the most asked for first."""
    said = [*map(outcome_sentence, forecast.outcomes), basis(forecast)]
    if forecast.refusal:
        return [*said, forecast.refusal]
    return [
        *said,
        *(_point_sentence(point, forecast) for point in forecast.asked),
        *_target(forecast),
        advice(forecast),
    ]


def basis(forecast: Forecast) -> str:
    """What the curve was measured on."""
    last = forecast.sizes[-1].accuracy
    how = (
        "each left out of training in turn"
        if forecast.rotated
        else "the validation part, whose pictures were in no training"
    )
    return (
        f"With {words.count(forecast.pictures)} training pictures, as now, {forecast.rung} is right for "
        f"{words.percent(last.value)} of {words.counted(forecast.tested, 'picture')} (95 % interval "
        f"{words.interval(last)}; {how})."
    )


def _point_sentence(point: ForecastPoint, forecast: Forecast) -> str:
    return (
        f"With {words.count(point.pictures)}, {_times(point.pictures / forecast.pictures)} as many, its true accuracy "
        f"is foretold to be {words.percent(point.accuracy)} (80 % interval {_range(point.low, point.high)}); a new "
        f"measurement on {_next(point, forecast)} will show "
        f"{_range(point.measured_low, point.measured_high)} in 4 of 5 cases."
    )


def _next(point: ForecastPoint, forecast: Forecast) -> str:
    return words.counted(point.tested, "fresh picture") if forecast.rotated else "the same validation pictures"


def _target(forecast: Forecast) -> list[str]:
    """How many pictures the accuracy that was asked for takes."""
    target = forecast.target
    if target is None:
        return []
    wanted, farthest = f"A true accuracy of {words.percent(target.accuracy)}", forecast.curve[-1]
    if target.pictures is None:
        some = f"; the 80 % interval of their number begins at {_about(target.low)}" if target.low else ""
        return [
            f"{wanted} is not foretold for up to {words.count(farthest.pictures)} training pictures, where it is "
            f"{words.percent(farthest.accuracy)} (80 % interval {_range(farthest.low, farthest.high)}){some}."
        ]
    if target.pictures <= forecast.pictures:
        return [f"{wanted} is reached with the {words.count(forecast.pictures)} training pictures of now."]
    high = _about(target.high) if target.high else f"more than {words.count(farthest.pictures)}"
    low = _about(target.low) if target.low else ""
    return [f"{wanted} takes about {_about(target.pictures)} training pictures (80 % interval {low} to {high})."]


def _about(pictures: int) -> str:
    """3,542 as `3,500`: more digits would be false."""
    return words.count(int(float(f"{pictures:.1e}")))


def advice(forecast: Forecast) -> str:
    """Which class to collect first, or that it cannot be told."""
    first = forecast.outlook[0]
    if forecast.collect_first:
        return (
            f"Collect pictures of {first.label} first: 100 more of them are expected to lower the total error by "
            f"{_points(first.drop)}, more than those of any other class."
        )
    most = ", ".join(f"{one.label} ({words.percent(one.error.value)})" for one in _worst(forecast.outlook))
    return (
        "Which class to collect first cannot be told: the intervals of what 100 more pictures of each would bring "
        f"overlap. Told wrong most often now: {most}."
    )


def _worst(outlook: Sequence[ClassOutlook]) -> list[ClassOutlook]:
    return sorted(outlook, key=lambda one: -one.error.value)[:3]


def _points(drop: Estimate) -> str:
    return f"{100 * drop.value:.2f} points (95 % interval {_points_range(drop)})"


def _points_range(drop: Estimate) -> str:
    assert drop.low is not None and drop.high is not None
    low, high = (f"{100 * end:.2f}".replace("-", words.MINUS) for end in (drop.low, drop.high))
    return f"{low} to {high}"


def outcome_sentence(outcome: ForecastOutcome) -> str:
    """`Foretold on … 94.1 % (92.0 to 96.0) at 4,000 training pictures; it came to 93.6 %: inside.`"""
    where = "inside" if outcome.inside else "below" if outcome.came < outcome.low else "above"
    return (
        f"Foretold on {words.moment(outcome.made)} from {words.count(outcome.pictures_then)} training pictures: "
        f"{words.percent(outcome.foretold)} ({_range(outcome.low, outcome.high)}) at {words.count(outcome.pictures)}; "
        f"it came to {words.percent(outcome.came)} of {words.counted(outcome.tested, 'picture')}: {where}."
    )


# ---- the page -------------------------------------------------------------------------------------


def view(forecast: Forecast, earlier: int = 0) -> dict[str, Any]:
    """What the section of the report and the page of its own say.

    earlier: forecasts that were made in this run folder before. Strings, numbers, lists and dicts only.
    """
    return {
        "run": words.visible(forecast.run),
        "when": words.moment(forecast.made),
        "headline": headline(forecast),
        "said": [words.visible(words.sentence(one)) for one in sentences(forecast)],
        "columns": [column[0].upper() + column[1:] for column in COLUMNS],
        "rows": [] if forecast.refusal else rows(forecast),
        "chart": chart(forecast),
        "sizes": [_size_row(size) for size in forecast.sizes],
        "families": [
            {"name": name, "weight": words.percent(weight)}
            for name, weight in sorted(forecast.families.items(), key=lambda one: -one[1])
        ],
        "classes": [_class_row(one) for one in forecast.outlook[:CLASSES_SHOWN]],
        "classes_left": max(0, len(forecast.outlook) - CLASSES_SHOWN),
        "earlier": earlier,
    }


def headline(forecast: Forecast) -> str:
    """The answer in one line."""
    if forecast.refusal:
        return words.visible(words.sentence(forecast.refusal.partition(":")[0]))
    point = forecast.asked[0]
    return (
        f"With {_times(point.pictures / forecast.pictures)} the training pictures: {words.percent(point.accuracy)} "
        f"({_range(point.low, point.high)})."
    )


def _size_row(size: MeasuredSize) -> dict[str, str]:
    return {
        "pictures": words.count(size.pictures),
        "accuracy": words.figure(size.accuracy),
        "interval": words.interval(size.accuracy),
        "fits": words.count(size.fits),
    }


def _class_row(one: ClassOutlook) -> dict[str, str]:
    return {
        "label": words.visible(one.label),
        "pictures": words.count(one.pictures),
        "error": f"{words.percent(one.error.value)} ({words.interval(one.error)})",
        "drop": f"{100 * one.drop.value:.2f}".replace("-", words.MINUS),
        "interval": _points_range(one.drop),
    }


def chart(forecast: Forecast) -> dict[str, Any]:
    """Accuracy against training pictures, these on a logarithmic axis: places in percent, as charts.py has them."""
    ends = [size.accuracy for size in forecast.sizes]
    values = [*(end for one in ends for end in (one.low, one.high) if end is not None)]
    values += [end for point in forecast.curve for end in (point.low, point.high)]
    farthest = forecast.curve[-1].pictures if forecast.curve else forecast.pictures
    across = _logarithmic(forecast.sizes[0].pictures, farthest)
    up = scale(values, floor=0.0, ceiling=1.0)
    return {
        "x_ticks": [{"x": across.place(math.log(tick)), "label": words.count(round(tick))} for tick in across.ticks],
        "y_ticks": [{"y": _down(up, tick), "label": words.percent(tick)} for tick in up.ticks],
        "now": across.place(math.log(forecast.pictures)),
        "measured": [_dot(size.pictures, size.accuracy, across, up) for size in forecast.sizes],
        "line": _line([(point.pictures, point.accuracy) for point in forecast.curve], across, up),
        "band": _line(
            [
                *((point.pictures, point.high) for point in forecast.curve),
                *((point.pictures, point.low) for point in reversed(forecast.curve)),
            ],
            across,
            up,
        ),
        "foretold": [_foretold(point, across, up) for point in forecast.asked],
        "words": " ".join(sentences(forecast)),
    }


def _logarithmic(first: int, last: int) -> Scale:
    """From the first to the last, with the numbers of pictures worth a mark: doubling towards the left."""
    ticks = [float(last)]
    while ticks[-1] / 2 >= first * 0.999:
        ticks.append(ticks[-1] / 2)
    every = max(1, math.ceil(len(ticks) / 7))
    return Scale(math.log(first), math.log(max(last, first + 1)), tuple(reversed(ticks[::every])))


def _down(up: Scale, value: float) -> float:
    return round(100 - up.place(value), 2)


def _dot(pictures: int, accuracy: Estimate, across: Scale, up: Scale) -> dict[str, Any]:
    assert accuracy.low is not None and accuracy.high is not None
    return {
        "x": across.place(math.log(pictures)),
        "y": _down(up, accuracy.value),
        "low": _down(up, accuracy.low),
        "high": _down(up, accuracy.high),
    }


def _foretold(point: ForecastPoint, across: Scale, up: Scale) -> dict[str, Any]:
    x = across.place(math.log(point.pictures))
    return {
        "x": x,
        "y": _down(up, point.accuracy),
        "low": _down(up, point.low),
        "high": _down(up, point.high),
        "label": words.percent(point.accuracy),
        "anchor": "middle" if x <= 92 else "end",
    }


def _line(points: Sequence[tuple[int, float]], across: Scale, up: Scale) -> str:
    return " ".join(f"{across.place(math.log(pictures))},{_down(up, value)}" for pictures, value in points)
