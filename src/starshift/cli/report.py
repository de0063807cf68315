"""`starshift report`."""

from __future__ import annotations

import typer

from starshift.cli.arguments import RunFolder


def report(run: RunFolder) -> None:
    """Render the report of a run again."""
    from starshift.api.run import Run

    typer.echo(f"Report: {Run(run).render()}")
