"""A reproduction's record → a Markdown table, and a page on which both ladders can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from starshift.records import Goal, ReproducedRung, Reproduction
from starshift.report import words
from starshift.report.charts import Scale, scale

NOTHING = "\N{EN DASH}"


class Row(NamedTuple):
    """One rung in words. `theirs` and `ours`: training, validation, test, minutes."""

    rung: str
    theirs: tuple[str, str, str, str]
    ours: tuple[str, str, str, str]
    goal: str


def rows(table: Reproduction) -> list[Row]:
    """The cells of the table in words, one row per rung."""
    return [_row(rung, table) for rung in table.rungs]


def _row(rung: ReproducedRung, table: Reproduction) -> Row:
    claim = rung.claim
    theirs = (_share(claim.training), _share(claim.validation), _share(claim.test), _minutes(claim.minutes))
    if not rung.results:
        state = "skipped" if rung.skipped else "not yet"
        return Row(rung.rung, theirs, (state, state, state, state), goal_words(rung.goal))
    tests = [one.test.value for one in rung.results if one.test]
    ours = (
        words.percent(fmean(one.training for one in rung.results)),
        _spread([one.validation.value for one in rung.results]),
        _spread(tests) if tests else NOTHING,
        _minutes(minutes(rung)),
    )
    return Row(rung.rung, theirs, ours, judged(rung, table))


def minutes(rung: ReproducedRung) -> float:
    """Of the longest seed: later ones find what an earlier one has stored."""
    return max(one.seconds for one in rung.results) / 60


def _share(share: float | None) -> str:
    return NOTHING if share is None else words.percent(share)


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return NOTHING
    return "< 0.1" if minutes < 0.05 else f"{minutes:.1f}" if minutes < 9.95 else f"{minutes:.0f}"


def _spread(values: Sequence[float]) -> str:
    """The mean, and from the lowest to the highest where there are several."""
    mean = words.percent(fmean(values))
    if len(values) == 1:
        return f"{mean} (1 seed)"
    low, high = (words.percent(value).removesuffix(" %") for value in (min(values), max(values)))
    return f"{mean} ({low} to {high}, {len(values)} seeds)"


def judged(rung: ReproducedRung, table: Reproduction) -> str:
    """The goal's parts, each with whether it was reached: "≥ 85.0 %: reached; ≤ 22 min: missed"."""
    goal, parts = rung.goal, []
    if goal.validation is not None:
        reached = fmean(one.validation.value for one in rung.results) >= goal.validation
        parts.append((f"≥ {words.percent(goal.validation)}", reached))
    if goal.lower_log_loss_than:
        other = next((one for one in table.rungs if one.rung == goal.lower_log_loss_than and one.results), None)
        if other is not None:
            mine, theirs = (fmean(result.log_loss for result in one.results) for one in (rung, other))
            parts.append((f"log loss {words.number(mine)} below {words.number(theirs)} of {other.rung}", mine < theirs))
    if goal.minutes is not None:
        parts.append((f"≤ {goal.minutes:g} min", minutes(rung) <= goal.minutes))
    return "; ".join(f"{part}: {'reached' if reached else 'missed'}" for part, reached in parts) or NOTHING


def goal_words(goal: Goal) -> str:
    """A goal that nothing is held against yet."""
    parts = [
        f"≥ {words.percent(goal.validation)}" if goal.validation is not None else "",
        f"log loss below that of {goal.lower_log_loss_than}" if goal.lower_log_loss_than else "",
        f"≤ {goal.minutes:g} min" if goal.minutes is not None else "",
    ]
    return "; ".join(part for part in parts if part) or NOTHING


def notes(table: Reproduction) -> list[str]:
    """What must be known to read the table, in sentences."""
    machine = table.environment
    cores = words.counted(machine.cores, "core")
    told = [
        f"Pictures: {words.counts(table.parts)}.",
        f"Minutes: the seeds' on their GPU, ours on {machine.processor}, {cores}, from pictures to a scored model; "
        "of the slowest seed, since later ones find stored features. Within a seed, too, a rung finds the decoded "
        "pictures and features that rungs before it have stored.",
        "Training accuracy: of the last epoch, with dropout and augmentation on, as Keras prints it; where there are "
        "no epochs, on the training pictures as they are.",
        "Validation accuracy: the mean over root seeds, with the lowest and the highest; each seed's figure and "
        "its interval are in table.json.",
        *table.notes,
    ]
    skipped = [f"{rung.rung} was skipped: {rung.skipped}" for rung in table.rungs if rung.skipped]
    return [words.sentence(one) for one in [*told, *skipped]]


def markdown(table: Reproduction) -> str:
    """The whole table as a Markdown page."""
    head = (
        "| rung | seeds: training | seeds: validation | seeds: test | seeds: min | training | validation "
        "(lowest to highest) | test | min | goal |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"
    )
    lines = [f"| {' | '.join((f'`{row.rung}`', *row.theirs, *row.ours, row.goal))} |" for row in rows(table)]
    said = [f"- {note}" for note in notes(table)]
    return "\n".join([f"# {table.experiment}", "", head, *lines, "", *said, "", f"    {table.command}", ""])


def view(table: Reproduction) -> dict[str, Any]:
    """Everything that the page says: per rung the seeds' mark, ours with their mean and spread, and the goal."""
    shares = [
        share
        for rung in table.rungs
        for share in (rung.claim.validation, *(one.validation.value for one in rung.results))
        if share is not None
    ]
    axis = scale(shares or (0.0, 1.0), floor=0.0, ceiling=1.0)
    return {
        "language": "en",
        "title": f"{table.experiment}: the seeds' ladder and ours",
        "experiment": table.experiment,
        "ticks": [{"x": axis.place(tick), "label": f"{100 * tick:.0f} %"} for tick in axis.ticks],
        "rows": [_drawn(rung, table, axis) for rung in table.rungs],
        "head": ("training", "validation", "test", "minutes"),
        "table": [row._asdict() for row in rows(table)],
        "notes": notes(table),
        "command": table.command,
    }


def _drawn(rung: ReproducedRung, table: Reproduction, axis: Scale) -> dict[str, Any]:
    shares = [one.validation.value for one in rung.results]
    claim = rung.claim.validation
    told = _spread(shares) if shares else "not yet" if not rung.skipped else "skipped"
    return {
        "name": rung.rung,
        "claim": None if claim is None else {"x": axis.place(claim), "words": words.percent(claim)},
        "dots": [axis.place(share) for share in shares],
        "low": axis.place(min(shares)) if shares else None,
        "high": axis.place(max(shares)) if shares else None,
        "mean": axis.place(fmean(shares)) if shares else None,
        "told": told,
        "goal": judged(rung, table) if shares else goal_words(rung.goal),
        "runs": [{"seed": one.seed, "to": f"{one.run}/report.html"} for one in rung.results],
    }
