"""What an experiment on rows or texts is asked, and what it came to: table.json, table.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from msgspec import Struct

from starshift.progress import Progress
from starshift.records import Environment

OUTCOME_SCHEMA = 1
"""The number of table.json's form; a change that old readers cannot read adds one."""


@dataclass(frozen=True)
class Asked:
    """What an experiment is to do."""

    data: Path
    out: Path  # where it may keep what is finished, so that the same command continues
    seeds: int
    all_columns: bool  # boston: the column that encodes race too
    progress: Progress


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One recipe of the table."""

    recipe: str  # "the seeds' 64-64-1", …
    metric: str  # "mean absolute error", "accuracy"
    theirs: str  # what the seeds, or others, say of it; "" where nothing is said
    here: tuple[float, ...]  # by seed
    seconds: float  # of all seeds together
    goal: str = ""


class Outcome(Struct, frozen=True, forbid_unknown_fields=True):
    """table.json of an experiment."""

    schema: int
    experiment: str
    command: str
    data: str
    lines: tuple[Line, ...]
    environment: Environment
    notes: tuple[str, ...] = ()  # verdicts, and what is not the seeds', in sentences


Told = tuple[list[Line], list[str]]
"""Lines and notes."""


COLUMNS = ("recipe", "metric", "seeds, or the usual figure", "here, mean (lowest to highest)", "s per seed", "goal")


def rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """The table's cells, below COLUMNS."""
    return [
        (line.recipe, line.metric, line.theirs, _here(line), f"{line.seconds / max(1, len(line.here)):.0f}", line.goal)
        for line in outcome.lines
    ]


def _here(line: Line) -> str:
    def told(value: float) -> str:
        return f"{value:.2f}" if "error" in line.metric else f"{value:.1%}"

    if not line.here:
        return "–"
    spread = f" ({told(min(line.here))} to {told(max(line.here))})" if len(line.here) > 1 else ""
    return told(mean(line.here)) + spread


def markdown(outcome: Outcome) -> str:
    """table.md."""
    head = [f"# {outcome.experiment}", "", "```sh", outcome.command, "```", ""]
    table = [COLUMNS, tuple("---" for _ in COLUMNS), *rows(outcome)]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([*head, *lines, "", *(f"- {note}" for note in outcome.notes), ""])
