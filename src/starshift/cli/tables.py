"""What runs and checks look like on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from starshift.api.check import Checked
from starshift.api.run import Run
from starshift.api.understood import understood
from starshift.report import words


def show_run(run: Run) -> None:
    """The table of rungs, the test's figure or its absence, and where the report lies."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for column in ("rung", "accuracy (95 % interval, n)", "log loss", "seconds", "verdict"):
        table.add_column(column, overflow="fold", no_wrap=False)
    for row in run.table:
        table.add_row(
            words.visible(row["rung"]), row["accuracy"], row["log_loss"], row["seconds"], words.visible(row["verdict"])
        )
    console.print(table)
    record = run.record
    if record.test:
        console.print(
            f"Sealed test, opened once for {record.test.rung}: {words.estimate(record.test.score.accuracy)}",
            markup=False,
            soft_wrap=True,
        )
    elif not record.data.parts.get("test"):
        console.print("No sealed test: these pictures also chose the model.", markup=False)
    console.print(f"Report: {run.report}", markup=False, soft_wrap=True)


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
