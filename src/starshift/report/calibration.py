"""How far the probabilities of the chosen model can be believed: a picture, a verdict in words, and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starshift.records import (
    NOUNS,
    Calibration,
    ConfidenceBin,
    Estimate,
    Reliability,
    RunRecord,
    Temperature,
    Threshold,
)
from starshift.report import words
from starshift.report.charts import Scale, scale

_PARTS = {"validation": "Validation", "test": "Sealed test"}


def calibration(run: RunRecord) -> dict[str, Any] | None:
    """The section on the chosen rung; None where nothing was measured of it."""
    found = run.calibration
    if found is None or found.rung != run.chosen:
        return None
    noun = NOUNS[run.data.family]
    return {
        "rung": found.rung,
        "panels": [_panel(one, noun) for one in found.reliability],
        "temperature": _temperature(found, noun),
        "losses": _losses(run, found.temperature),
        "promises": _promises(found.thresholds, noun),
    }


# ---- confidence against truth ---------------------------------------------------------------------


def _panel(found: Reliability, noun: str) -> dict[str, Any]:
    """One part's drawing; both axes have one scale, so that the dashes are the line from corner to corner."""
    places = [place for one in found.bins for place in (one.confidence, one.right.value, one.band_low, one.band_high)]
    axis = scale([*places, 1.0], floor=0.0, ceiling=1.0)
    return {
        "title": f"{_PARTS[found.part]}, {words.counted(found.accuracy.n, noun)}",
        "says": _says(found, noun),
        "error": _error_in_words(found, noun),
        "ticks": [
            {"x": axis.place(tick), "y": round(100 - axis.place(tick), 2), "label": f"{100 * tick:.0f} %"}
            for tick in axis.ticks
        ],
        "dots": [_dot(one, axis) for one in found.bins],
        "rows": [_row(one) for one in found.bins],
    }


def _dot(one: ConfidenceBin, axis: Scale) -> dict[str, float]:
    low, high = one.right.low or 0.0, 1.0 if one.right.high is None else one.right.high
    up = {name: round(100 - axis.place(value), 2) for name, value in (("y", one.right.value), ("low", low))}
    band = {
        "band_low": round(100 - axis.place(one.band_low), 2),
        "band_high": round(100 - axis.place(one.band_high), 2),
    }
    return {"x": axis.place(one.confidence), **up, "high": round(100 - axis.place(high), 2), **band}


def _row(one: ConfidenceBin) -> dict[str, str]:
    return {
        "sure": f"{words.percent(one.lowest)} to {words.percent(one.highest)}",
        "n": words.count(one.right.n),
        "confidence": words.percent(one.confidence),
        "right": words.figure(one.right),
        "interval": words.interval(one.right),
        "band": f"{words.percent(one.band_low)} to {words.percent(one.band_high)}",
    }


def _says(found: Reliability, noun: str) -> str:
    """The verdict in words."""
    examples = words.counted(found.accuracy.n, noun)
    means = (
        f"on average it is {words.percent(found.confidence)} sure, and right for {words.figure(found.accuracy)} of "
        f"{examples}"
    )
    apart = f"{words.points(found.gap.value)}, 95 % interval {words.points_interval(found.gap)}"
    distance = f"{100 * abs(found.gap.value):.1f} points"
    if found.outcome == "too sure":
        return f"Too sure, by {distance}: {means} ({apart})."
    if found.outcome == "not sure enough":
        return f"Not sure enough, by {distance}: {means} ({apart})."
    if found.outcome == "as sure as right":
        return f"As sure as it is right, to within 5 points: {means} ({apart})."
    if found.outcome == "uneven":
        return f"As sure as it is right on the whole ({apart}), but not at every confidence; see the error below."
    return f"Whether it is as sure as it is right cannot be told with {examples}: {means} ({apart})."


def _error_in_words(found: Reliability, noun: str) -> str:
    error, perfect, limit = (f"{100 * one:.1f}" for one in (found.error, found.error_perfect, found.error_limit))
    return (
        f"Expected calibration error: {error} points. It is above 0 by chance alone, the more so the fewer {noun}s "
        f"there are: perfectly calibrated models would show {perfect} on average here, and 99 of 100 of them less than "
        f"{limit}."
    )


# ---- the temperature ------------------------------------------------------------------------------


def _temperature(found: Calibration, noun: str) -> str:
    temperature = found.temperature
    change = f"{_signed(temperature.log_loss_change)} nats per {noun} ({_signed_interval(temperature.log_loss_change)})"
    n = words.counted(temperature.log_loss.n, f"validation {noun}")
    if temperature.applied != 1:
        effect = "less" if temperature.applied > 1 else "more"
        return (
            f"The published model divides its log probabilities by a temperature of {temperature.applied:g}, which "
            f"makes it {effect} sure and changes no answer. Fitted on all but one of {temperature.folds} folds of the "
            f"validation part and applied to that one, each in turn, it changes the log loss by {change}; the drawing "
            f"of the validation part is drawn that way too. The published temperature is fitted on all {n}."
        )
    return (
        f"No temperature is applied. One of {temperature.fitted:g} was fitted on {n}; over {temperature.folds} folds "
        f"of them, each with the temperature of the others, it changes the log loss by {change}"
        f"{_why_not(temperature)}."
    )


def _why_not(temperature: Temperature) -> str:
    """Why a temperature that was fitted is not applied."""
    if temperature.log_loss_change.value >= 0:
        return ", and so does not help"
    return ". That may be luck, and inner folds of the training part have calibrated this model already"


def _losses(run: RunRecord, temperature: Temperature) -> dict[str, Any]:
    """Log loss and Brier score: without a temperature, with one, the change, and on the sealed test."""
    test = run.test.score if run.test and run.test.rung == run.chosen else None
    rows = [
        (
            title,
            getattr(temperature, name),
            getattr(temperature, f"{name}_scaled"),
            getattr(temperature, f"{name}_change"),
            getattr(test, name, None),
        )
        for title, name in (("Log loss", "log_loss"), ("Brier score", "brier"))
    ]
    methods = [one.method for _, plain, _, change, sealed in rows for one in (plain, change, sealed) if one]
    return {
        "tested": test is not None,
        "rows": [
            {
                "title": title,
                "cells": [
                    _cell(plain),
                    _cell(after),
                    {"figure": _signed(change), "interval": _signed_interval(change)},
                    *([_cell(sealed)] if test is not None else []),
                ],
            }
            for title, plain, after, change, sealed in rows
        ],
        "method": "; ".join(dict.fromkeys(methods)),
    }


def _cell(estimate: Estimate | None) -> dict[str, str]:
    if estimate is None:
        return {"figure": "not measured", "interval": ""}
    has_interval = estimate.low is not None
    return {
        "figure": words.figure(estimate, 3),
        "interval": words.interval(estimate, 3) if has_interval else "no interval",
    }


def _signed(estimate: Estimate) -> str:
    return _sign(estimate.value)


def _signed_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"95 % interval {_sign(estimate.low)} to {_sign(estimate.high)}"


def _sign(value: float) -> str:
    text = f"{abs(value):.3f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else words.MINUS}{text}"


# ---- when not to answer ---------------------------------------------------------------------------


def _promises(thresholds: Sequence[Threshold], noun: str) -> list[dict[str, Any]]:
    """One table per kind of promise."""
    return [
        {
            "kind": kind,
            "measured": _measured_in_words(chosen[0], noun),
            "n": words.counted(chosen[0].n, f"validation {noun}"),
            "rows": [_promise(one) for one in chosen],
        }
        for kind in ("answers", "sets")
        if (chosen := [one for one in thresholds if one.kind == kind])
    ]


def _measured_in_words(one: Threshold, noun: str) -> str:
    examples = words.counted(one.answered.n, noun)
    if one.part == "test":
        return f"measured on the {examples} of the sealed test part, which did not set it"
    return f"measured fold by fold on the {examples} of the validation part: set by the others, asked of each in turn"


def _promise(one: Threshold) -> dict[str, Any]:
    wanted = f"{100 * one.wanted:.0f} %"
    if one.threshold is None:
        return {"wanted": wanted, "reason": words.sentence(f"cannot be promised: {one.reason}"), "cells": []}
    covered = [_share(one.covered)] if one.covered else []
    return {
        "wanted": wanted,
        "reason": "",
        "threshold": "always answers" if one.threshold == 0 else words.percent(one.threshold),
        "cells": [_share(one.answered), _share(one.right), *covered],
    }


def _share(estimate: Estimate | None) -> dict[str, str]:
    if estimate is None:
        return {"figure": "none was answered", "interval": ""}
    return {"figure": words.figure(estimate), "interval": f"{words.interval(estimate)}, n = {words.count(estimate.n)}"}
