"""`starshift export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starshift.cli.arguments import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from starshift.api.export import Export


class To(StrEnum):
    """What a model is written as."""

    keras = "keras"
    onnx = "onnx"
    openvino = "openvino"
    litert = "litert"


class Precision(StrEnum):
    """In how many bits."""

    float32 = "float32"
    float16 = "float16"
    eight = "8-bit"


def export(
    run: RunFolder,
    to: Annotated[list[To], typer.Option(help="Format; several times for several.", show_default=False)],
    precision: Annotated[
        list[Precision] | None,
        typer.Option(help="float32 if not given; several times for several.", show_default=False),
    ] = None,
    rung: Annotated[
        str | None, typer.Option(help="Whose model; that of the chosen rung if not given.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the exports; RUN/exports if not given.", show_default=False)
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Where the pictures lie now, if they were moved.", show_default=False)
    ] = None,
    web: Annotated[
        Path | None,
        typer.Option(help="The npm package onnxruntime-web, for the web page of ONNX.", show_default=False),
    ] = None,
) -> None:
    """Write the model as a folder that serves without Starshift, checked against the original on real pictures."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.export import export as write

    wanted = [one.value for one in precision or [Precision.float32]]
    made = write(
        run,
        [one.value for one in to],
        precision=wanted,
        rung=rung,
        out=out,
        photos=photos,
        web=web,
        progress=ConsoleProgress(),
    )
    show(made)


def show(made: Sequence[Export]) -> None:
    """Figures of exports, and where they lie."""
    from rich.console import Console

    from starshift.report import words
    from starshift.report.export import sentence

    console = Console(highlight=False)
    console.print(_table(made))
    console.print(words.visible(sentence([one.record for one in made])), markup=False, soft_wrap=True)
    for one in made:
        console.print(f"{one.path}", markup=False, soft_wrap=True)


def _table(made: Sequence[Export]) -> Table:
    """Each export with its figures."""
    from rich.table import Table

    from starshift.report.export import COLUMNS, rows

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows([one.record for one in made]):
        table.add_row(*row)
    return table
