"""`starshift explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import RunFolder


def explain(
    run: RunFolder,
    photos: Annotated[list[Path], typer.Argument(help="Pictures, folders or zips; 50 at most.", show_default=False)],
    label: Annotated[
        str | None,
        typer.Option("--class", help="What the maps are about; the class that is answered if not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; RUN/explanations if not given.", show_default=False)
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--photos", help="Where the run's pictures lie now, if moved.", show_default=False)
    ] = None,
) -> None:
    """Show what an answer hangs on: maps over the picture, and training pictures like it."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.explain import write_explanations
    from starshift.report.explain import said
    from starshift.report.words import visible

    page, found = write_explanations(run, photos, out=out, label=label, photos=pictures, progress=ConsoleProgress())
    for one in found:
        typer.echo(visible(said(one)))
    for note in dict.fromkeys(note for one in found for note in one.notes):
        typer.echo(visible(note))
    typer.echo(f"Page: {page}")
