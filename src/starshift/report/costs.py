"""What each model costs, beside what it is worth: the curve of accuracy against size, and what a student kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from starshift.records import CostRecord, DistilledRecord, Estimate, RungRecord, RunRecord
from starshift.report import words
from starshift.report.charts import Scale, scale
from starshift.report.leading import figure, is_balanced


class _Model(NamedTuple):
    """A point of the curve: a finished rung, or the teacher of one."""

    name: str
    notes: tuple[str, ...]  # what it is among the others
    estimate: Estimate  # of the figure that leads
    is_share: bool
    higher_is_better: bool
    cost: CostRecord
    role: str  # "chosen", "teacher" or ""


def costs(run: RunRecord) -> dict[str, Any] | None:
    """The chart, the table and the verdicts on distillation; None where no rung's cost is known."""
    models = sorted(_models(run), key=lambda one: (one.cost.multiply_adds, one.estimate.value))
    if not models:
        return None
    leading = next(rung.score.leading for rung in run.rungs if rung.score and rung.cost)
    return {
        "metric": "balanced accuracy" if is_balanced(run) else leading.metric,
        "is_share": leading.is_share,
        "chart": _chart(models) if len(models) > 1 else None,
        "rows": [_row(number, one) for number, one in enumerate(models, start=1)],
        "kept": [said for rung in run.rungs if (said := kept(rung, balanced=is_balanced(run)))],
    }


def kept(rung: RungRecord, *, balanced: bool = False) -> str:
    """What a distilled rung kept of its teacher, and what it saves, in a sentence; "" of any other rung."""
    found = rung.distilled
    if found is None or rung.score is None:
        return ""
    mine, theirs = figure(rung.score, balanced=balanced), _of_teacher(found, balanced)
    said = [
        f"{rung.name} keeps {words.percent(mine.value).removesuffix(' %')} of {words.percent(theirs.value)}"
        f"{' balanced accuracy' if balanced else ''}",
        *([_difference(found)] if not balanced else []),
        f"agrees with its teacher on {words.estimate(found.agreement)}",
    ]
    saved = _saved(rung.cost, found.cost)
    return f"{', '.join(said)}{saved}."  # a name keeps its small letter


def _difference(found: DistilledRecord) -> str:
    """`a loss of 0.8 points (95 % interval 0.1 to 1.5)`, as its verdict has it."""
    outcome, difference = found.verdict.outcome, found.verdict.difference
    interval = words.points_interval(difference)
    if outcome == "undecided" or difference.low is None or difference.high is None:
        return f"{words.points(difference.value)}, which may be noise (95 % interval {interval})"
    low, high = sorted(abs(end) for end in (difference.low, difference.high))
    amount = words.points(abs(difference.value)).removeprefix("+")
    return f"a {outcome} of {amount} (95 % interval {100 * low:.1f} to {100 * high:.1f})"


def _saved(mine: CostRecord | None, theirs: CostRecord | None) -> str:
    if mine is None or theirs is None:
        return ""
    operations = _share(mine.multiply_adds, theirs.multiply_adds)
    return f", with {operations} its multiply-adds and {_share(mine.bytes, theirs.bytes)} its bytes"


def _share(mine: int, theirs: int) -> str:
    """1 and 8.2 as `1/8.2 of`, 3 and 2 as `1.5 times`."""
    if mine > theirs:
        return f"{mine / theirs:.3g} times"
    return f"1/{theirs / mine:.1f} of" if theirs < 99.5 * mine else f"1/{theirs / mine:.0f} of"


def _of_teacher(found: DistilledRecord, balanced: bool) -> Estimate:
    return found.balanced_accuracy if balanced else found.accuracy


# ---- what is compared -----------------------------------------------------------------------------


def _models(run: RunRecord) -> list[_Model]:
    balanced, models = is_balanced(run), []
    best_single = _best_single(run, balanced)
    for rung in run.rungs:
        if rung.score is None or rung.cost is None:
            continue
        leading = rung.score.leading
        notes = (
            *(["best"] if rung.name == run.chosen else []),
            *([f"{len(rung.ensemble.members)} members"] if rung.ensemble else []),
            *(["distilled"] if rung.distilled else []),
            *(["best single model"] if rung.name == best_single != run.chosen else []),
        )
        estimate = figure(rung.score, balanced=balanced)
        role = "chosen" if rung.name == run.chosen else ""
        models.append(_Model(rung.name, notes, estimate, leading.is_share, leading.higher_is_better, rung.cost, role))
        if rung.distilled and rung.distilled.cost:
            of = _of_teacher(rung.distilled, balanced)
            notes = (words.counted(rung.distilled.models, "model"), rung.distilled.teacher)
            models.append(_Model(f"teacher of {rung.name}", notes, of, True, True, rung.distilled.cost, "teacher"))
    return models


def _best_single(run: RunRecord, balanced: bool) -> str:
    """The name of the best rung that is one model which learned from labels; "" where there is none."""
    singles = [rung for rung in run.rungs if rung.score and rung.cost and not rung.ensemble and not rung.distilled]
    best = max(singles, key=lambda rung: _order(rung, balanced), default=None)
    return best.name if best and any(rung.ensemble or rung.distilled for rung in run.rungs) else ""


def _order(rung: RungRecord, balanced: bool) -> tuple[float, float]:
    assert rung.score is not None
    if balanced:
        return figure(rung.score, balanced=True).value, rung.score.leading.second
    return rung.score.leading.order


# ---- the table ------------------------------------------------------------------------------------


def _row(number: int, model: _Model) -> dict[str, Any]:
    form = None if model.is_share else words.AMOUNT
    return {
        "number": number,
        "name": model.name,
        "notes": ", ".join(model.notes),
        "role": model.role,
        "figure": words.figure(model.estimate, form),
        "interval": words.interval(model.estimate, form),
        "parameters": large(model.cost.parameters),
        "multiply_adds": large(model.cost.multiply_adds),
        "size": words.size(model.cost.bytes),
        "milliseconds": f"{words.amount(model.cost.milliseconds)} ms",
    }


def large(number: int) -> str:
    """2206816 as `2.21 million`, 3.1e9 as `3.10 billion`, 1281 as `1,281`."""
    for unit, name in ((1e9, "billion"), (1e6, "million")):
        if number >= unit:
            return f"{words.amount(number / unit)} {name}"
    return words.count(number)


# ---- the chart ------------------------------------------------------------------------------------


class _Up(NamedTuple):
    """The vertical axis."""

    axis: Scale
    ticks: tuple[tuple[float, str], ...]  # values worth a grid line, in words
    form: int | None  # how its figures are written: see words.figure
    is_error: bool  # whether the axis is of the logarithm of the error, upside down

    def place_of(self, value: float) -> float:
        """Percent of the plot's height from its top."""
        if not self.is_error:
            return self.axis.place(value)  # amounts are errors: the smallest stands at the top
        return self.axis.place(math.log10(max(1 - value, 1e-9)))


NEAR_X, NEAR_Y = 5.0, 6.0
"""Dots closer than this, in percent of the plot, have their numbers in one place."""


def _chart(models: Sequence[_Model]) -> dict[str, Any]:
    """Places in percent: multiply-adds from left to right, shares by their errors; better is higher."""
    across = _decades([one.cost.multiply_adds for one in models])
    up = _errors(models) if models[0].is_share else _amounts(models)
    dots = [_dot(one, across, up) for one in models]
    return {
        "x_ticks": [{"x": across.place(tick), "label": f"{10**tick / 1e6:,.4g}"} for tick in across.ticks],
        "y_ticks": [{"y": up.place_of(tick), "label": label} for tick, label in up.ticks],
        "dots": dots,
        "labels": _labels(dots),
        "lines": _lessons(models, dots),
        "says": "; ".join(
            f"{dot['words']}, {large(one.cost.multiply_adds)} multiply-adds"
            for dot, one in zip(dots, models, strict=True)
        ),
    }


def _dot(one: _Model, across: Scale, up: _Up) -> dict[str, Any]:
    ends = (one.estimate.value if end is None else end for end in (one.estimate.low, one.estimate.high))
    low, high = map(up.place_of, ends)
    return {
        "x": across.place(math.log10(max(one.cost.multiply_adds, 1))),
        "y": up.place_of(one.estimate.value),
        "low": low,
        "high": high,
        "role": one.role,
        "words": f"{one.name}: {words.estimate(one.estimate, up.form)}",
    }


def _labels(dots: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The models' numbers, those of dots that lie on each other together."""
    labels: list[dict[str, Any]] = []
    for number, dot in enumerate(dots, start=1):
        for label in labels:
            if abs(label["x"] - dot["x"]) < NEAR_X and abs(label["y"] - dot["y"]) < NEAR_Y:
                label["text"] += f", {number}"
                break
        else:
            side = "end" if dot["x"] > 85 else "start"
            labels.append({"x": dot["x"], "y": dot["y"], "text": str(number), "side": side})
    return labels


def _lessons(models: Sequence[_Model], dots: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """From each teacher to its student."""
    place = {one.name: dot for one, dot in zip(models, dots, strict=True)}
    pairs = [(place[one.name], place[one.name.removeprefix("teacher of ")]) for one in models if one.role == "teacher"]
    return [{"x1": first["x"], "y1": first["y"], "x2": last["x"], "y2": last["y"]} for first, last in pairs]


def _decades(counts: Sequence[int]) -> Scale:
    """Logarithms to base ten, from one of 1, 2, 5 × 10^k below the smallest to one above the largest."""
    logs = [math.log10(max(count, 1)) for count in counts]
    marks = [k + step for k in range(13) for step in (0.0, math.log10(2), math.log10(5))]
    low = max(mark for mark in marks if mark <= min(logs) - 0.05 or mark == 0)
    high = min(mark for mark in marks if mark >= max(logs) + 0.05 or mark == marks[-1])
    inside = [mark for mark in marks if low <= mark <= high]
    if len(inside) > 6:
        inside = [mark for mark in inside if mark == round(mark)]
    return Scale(low, high, tuple(inside))


ERRORS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Worth a grid line."""


def _errors(models: Sequence[_Model]) -> _Up:
    """Shares, by the logarithm of what is missing to 1, so that 98 and 99 % stand as far apart as 80 and 90 %."""
    ends = [
        end for one in models for end in (one.estimate.low, one.estimate.value, one.estimate.high) if end is not None
    ]
    errors = [1 - end for end in ends if end < 1] or [0.5]
    low = max(error for error in ERRORS if error <= max(min(errors), ERRORS[0]))
    high = min(error for error in ERRORS if error >= max(errors) - 1e-9)
    if low == high:
        low = ERRORS[ERRORS.index(low) - 1] if low != ERRORS[0] else low / 2
    inside = [error for error in ERRORS if low <= error <= high]
    ticks = tuple((1 - error, f"{100 * (1 - error):g} %") for error in inside)
    return _Up(Scale(math.log10(low), math.log10(high), ()), ticks, None, True)


def _amounts(models: Sequence[_Model]) -> _Up:
    """Errors in the target's unit: the smaller, the better, so that 0 lies at the top."""
    ends = [
        end for one in models for end in (one.estimate.low, one.estimate.value, one.estimate.high) if end is not None
    ]
    axis = scale(ends, floor=0.0)
    return _Up(axis, tuple((tick, words.amount(tick)) for tick in axis.ticks), words.AMOUNT, False)
