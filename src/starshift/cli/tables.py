"""What runs and checks look like on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from starshift.api import outcome as outcomes
from starshift.api.check import Checked
from starshift.api.outcome import Outcome
from starshift.api.run import Run
from starshift.api.understood import understood
from starshift.records import NOUNS, Reproduction, RunRecord, Score
from starshift.report import heads, words
from starshift.report.figures import TableRow
from starshift.report.leading import is_balanced, told
from starshift.report.reproduction import notes, rows
from starshift.report.slices import sentences


def show_run(run: Run) -> None:
    """The table of rungs, the test's figure or its absence, and where the report lies."""
    console = Console(highlight=False)
    console.print(table(run.table, console.width), markup=False)
    record = run.record
    noun = NOUNS[record.data.family]
    if record.test:
        console.print(
            f"{_opened(record)} for {record.test.rung}: {final_figures(record)}",
            markup=False,
            soft_wrap=True,
        )
        if clean := words.without_copies(record.test.score, record.test.without_copies, "test", noun):
            console.print(clean, markup=False, soft_wrap=True)
    elif not record.data.parts.get("test"):
        console.print(f"No sealed test: these {noun}s also chose the model.", markup=False)
    for sentence in [*heads.sentences(record), *sentences(record.slices, record.data.family), *record.notes]:
        console.print(sentence, markup=False, soft_wrap=True)
    console.print(f"Report: {run.report}", markup=False, soft_wrap=True)


def final_figures(record: RunRecord) -> str:
    """What the test part said; with its name where the figure that leads above is not the usual one."""
    assert record.test is not None
    score = record.test.score
    if is_balanced(record) and isinstance(score, Score):
        return f"balanced accuracy {told(score, balanced=True)}; accuracy {told(score)}"
    return told(score)


def _opened(record: RunRecord) -> str:
    if record.test_uses > 1:
        return f"Test data, used {record.test_uses} times, the last time"
    return "Sealed test, opened once"


def show_reproduction(table: Reproduction, folder: Path) -> None:
    """Both ladders, one below the other for each rung, what must be known to read them, and where the rest lies."""
    console = Console(highlight=False)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("rung", "", "training", "validation (lowest to highest)", "test", "min"):
        drawn.add_column(title, overflow="fold")
    for row in rows(table):
        drawn.add_row(row.rung, "seeds", *row.theirs)
        drawn.add_row("", "here", *row.ours)
        drawn.add_row("", "goal", "", row.goal)
    console.print(drawn)
    for note in notes(table):
        console.print(note, markup=False, soft_wrap=True)
    for name in ("table.md", "table.json", "reproduction.html"):
        console.print(folder / name, markup=False, soft_wrap=True)


def show_outcome(outcome: Outcome) -> None:
    """The table of an experiment on rows or texts, and what must be known to read it."""
    console = Console(highlight=False)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in outcomes.COLUMNS:
        drawn.add_column(title, overflow="fold")
    for cells in outcomes.rows(outcome):
        drawn.add_row(*cells)
    console.print(drawn)
    for note in outcome.notes:
        console.print(note, markup=False, soft_wrap=True)


COLUMNS = {"rung": "rung", "accuracy": "accuracy (95 % interval)", "log_loss": "log loss", "seconds": "time"}
BALANCED_COLUMNS = {
    ("balanced_accuracy" if name == "accuracy" else name): title.replace("accuracy", "balanced accuracy")
    for name, title in COLUMNS.items()
}
"""Where classes are so uneven that balanced accuracy leads; accuracy is in the report."""


def table(rows: Sequence[TableRow], width: int) -> str:
    """The rungs as aligned text, each with its verdict on lines of its own below.

    A name that would leave the figures no room in `width` characters, as that of a variant may, has a line of its own.
    Where they have no room even so, each has one.
    """
    columns = _columns(rows)
    cells = [columns, *({name: str(row[name]) for name in columns} for row in rows)]  # type: ignore[literal-required]
    widths = {name: max(len(row[name]) for row in cells) for name in columns}
    room = width - 1 - sum(2 + widths[name] for name in columns if name != "rung")
    widths["rung"] = max((len(cell["rung"]) for cell in cells if len(cell["rung"]) <= room), default=0)
    if room < 0:
        return "\n".join(
            line for row, cell in zip(rows, cells[1:], strict=True) for line in _stacked(row, cell, columns, width)
        )
    lines = _lines(cells[0], widths)
    for row, cell in zip(rows, cells[1:], strict=True):
        lines += [*_lines(cell, widths), *_wrapped(row["verdict"], width, " " * (widths["rung"] + 2))]
    return "\n".join(lines)


def _stacked(row: TableRow, cell: Mapping[str, str], columns: Mapping[str, str], width: int) -> list[str]:
    told = [f"{columns[name]}: {text}" for name, text in cell.items() if text and name != "rung"]
    return [cell["rung"], *(line for one in [*told, row["verdict"]] for line in _wrapped(one, width, "  "))]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width - 1, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,  # file names and addresses stay whole
        break_on_hyphens=False,
    )


def _columns(rows: Sequence[TableRow]) -> dict[str, str]:
    if any(row["balanced_accuracy"] for row in rows):
        return BALANCED_COLUMNS
    metric = next((row["metric"] for row in rows if row["metric"]), "")
    if any(row["accuracy"] for row in rows) or not metric:
        return COLUMNS
    return {"rung": "rung", "leading": f"{metric} (95 % interval)", "seconds": "time"}


def _lines(cells: Mapping[str, str], widths: Mapping[str, int]) -> list[str]:
    """One line, or two where the name is too long for its column."""
    long = [cells["rung"]] if len(cells["rung"]) > widths["rung"] else []
    line = "  ".join(("" if long and name == "rung" else cells[name]).ljust(widths[name]) for name in widths)
    return [*long, line.rstrip()]


def show_check(checked: Checked) -> None:
    """What a source holds, file by file where something is wrong."""
    console = Console(highlight=False)
    for sentence in understood(checked.dataset):
        console.print(words.visible(sentence), markup=False, soft_wrap=True)
    for aside in checked.dataset.set_aside:
        console.print(f"set aside: {words.visible(aside.path)}: {aside.reason}", markup=False, soft_wrap=True)
    for finding in checked.findings:
        console.print(f"{finding.severity}: {finding.sentence}", markup=False, soft_wrap=True)
        for group in finding.groups[:10]:
            console.print("  " + " = ".join(words.visible(path) for path in group), markup=False, soft_wrap=True)
        if len(finding.groups) > 10:
            console.print(f"  … and {len(finding.groups) - 10} more", markup=False)
    if not checked.findings and not checked.dataset.set_aside:
        console.print("Nothing was found that could mislead.", markup=False)
