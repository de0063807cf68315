"""`starshift predict`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import RunFolder


class Format(StrEnum):
    """How predictions are printed."""

    table = "table"
    csv = "csv"
    json = "json"


def predict(
    run: RunFolder,
    photos: Annotated[list[Path], typer.Argument(help="Pictures, folders or zips.", show_default=False)],
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="One column per class.")] = False,
    sure: Annotated[
        float | None,
        typer.Option(
            help="90, 95 or 99: answer only so that so many of 100 answers are right, else “don't know”.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Label new pictures; a file that cannot be read gets a line with its reason."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.formats import write
    from starshift.api.predict import open_model, predict_each

    predictor = open_model(run)
    share = None if sure is None else sure / 100
    predictions = predict_each(predictor, photos, sure=share, progress=ConsoleProgress())
    unread = write(predictions, predictor.learnware.classes, sys.stdout, format.value, all_classes=probabilities)
    if unread:
        typer.echo(f"{unread} of the files could not be read; their lines say why.", err=True)
