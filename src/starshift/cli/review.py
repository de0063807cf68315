"""`starshift review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import RunFolder


def review(
    run: RunFolder,
    photos: Annotated[
        Path | None, typer.Option(help="Where the pictures lie now, if they were moved.", show_default=False)
    ] = None,
    most: Annotated[int, typer.Option(help="How many of the most suspicious pictures to show.")] = 200,
) -> None:
    """Write a page on which to decide, by keyboard, which suspected labels are wrong."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.review import review as write

    typer.echo(f"Page: {write(run, photos=photos, most=most, progress=ConsoleProgress())}")
