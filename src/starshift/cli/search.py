"""`starshift store search` and `starshift store reuse`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starshift.cli.arguments import StoreFiles, StorePlace

if TYPE_CHECKING:
    from starshift.api.reuse import Found

Photos = Annotated[Path, typer.Argument(help="Your labelled pictures: a folder or zip.", show_default=False)]
Task = Annotated[str, typer.Option(help="Only learnwares of this task, e.g. 'image classification'.")]
Licence = Annotated[str, typer.Option(help="Only those under this licence, e.g. CC-BY-4.0.")]
MaxSize = Annotated[
    float | None, typer.Option(help="Only packages up to so many megabytes.", min=0, show_default=False)
]
Seed = Annotated[int, typer.Option(help="Of the folds by which ways of reuse are compared.")]


def search(
    photos: Photos,
    store: StorePlace = None,
    task: Task = "",
    licence: Licence = "",
    max_size: MaxSize = None,
    top: Annotated[int, typer.Option(help="How many are shown.", min=1)] = 5,
    seed: Seed = 0,
    files: StoreFiles = None,
) -> None:
    """Find learnwares by your own labelled pictures, which do not leave this machine."""
    from starshift.api.found import lines, verdict
    from starshift.api.reuse import search as find

    found = find(photos, store=store, task=task, licence=licence, most_bytes=_bytes(max_size), seed=seed, files=files)
    _show(found, top)
    for line in [*lines(found), *verdict(found)]:
        typer.echo(line)


def reuse(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Folder for the model; not there yet.", show_default=False)],
    store: StorePlace = None,
    task: Task = "",
    licence: Licence = "",
    max_size: MaxSize = None,
    seed: Seed = 0,
    files: StoreFiles = None,
) -> None:
    """Build on what others trained: try every way of it on your pictures, and write the best as a model."""
    from starshift.api.found import lines, verdict, ways
    from starshift.api.reuse import reuse as build

    found, _ = build(
        photos, out, store=store, task=task, licence=licence, most_bytes=_bytes(max_size), seed=seed, files=files
    )
    for line in [*lines(found), *ways(found), *verdict(found)]:
        typer.echo(line)
    typer.echo(f"Model: {out}")


def _bytes(megabytes: float | None) -> int | None:
    return None if megabytes is None else int(megabytes * 10**6)


def _show(found: Found, top: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from starshift.api.found import COLUMNS, rows
    from starshift.report import words

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows(found, top):
        table.add_row(*map(words.visible, row))
    if table.row_count:
        Console(highlight=False, markup=False).print(table)
