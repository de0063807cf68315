"""`starshift forecast`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from starshift.cli.arguments import RunFolder

if TYPE_CHECKING:
    from rich.table import Table

    from starshift.records.forecast import Forecast


def forecast(
    run: RunFolder,
    pictures: Annotated[
        int | None, typer.Option(help="Training pictures to foretell for; twice and 4 times those of now if not given.")
    ] = None,
    target_accuracy: Annotated[
        float | None, typer.Option(help="How many training pictures does it take? A share, e.g. 0.95.")
    ] = None,
) -> None:
    """How good with more pictures, how many for an accuracy, and of which class first."""
    from rich.console import Console

    from starshift.api.forecast import PAGE
    from starshift.api.forecast import forecast as foretell
    from starshift.report import words
    from starshift.report.forecast import sentences

    made = foretell(run, pictures=pictures, target_accuracy=target_accuracy)
    console = Console(highlight=False)
    if not made.refusal:
        console.print(_table(made))
    for sentence in sentences(made):
        console.print(words.visible(words.sentence(sentence)), markup=False, soft_wrap=True)
    console.print(f"Page: {run / PAGE}", markup=False, soft_wrap=True)


def _table(made: Forecast) -> Table:
    """The size of now and those foretold."""
    from rich.table import Table

    from starshift.report.forecast import COLUMNS, rows

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows(made):
        table.add_row(*row)
    return table
