"""`starshift predict`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import RunFolder
from starshift.errors import UsageError


class Format(StrEnum):
    """How predictions are printed."""

    table = "table"
    csv = "csv"
    json = "json"


def predict(
    run: RunFolder,
    photos: Annotated[
        list[Path], typer.Argument(help="Pictures, folders or zips; or a file of rows.", show_default=False)
    ],
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    all_classes: Annotated[bool, typer.Option("--all-classes", help="Print the probability of every class.")] = False,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="Write a CSV as competitions ask for it: id, one column per class.", show_default=False),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Its columns, joined by commas; all classes if not given.", show_default=False),
    ] = None,
    id_column: Annotated[str, typer.Option(help="The name of its first column.")] = "id",
    sure: Annotated[
        float | None,
        typer.Option(
            help="90, 95 or 99: answer only so that so many of 100 answers are right, else “don't know”.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Label new pictures; a file that cannot be read gets a line with its reason."""
    from starshift.api.competition import columns_of, written
    from starshift.api.console import ConsoleProgress
    from starshift.api.formats import write
    from starshift.api.predict import open_model, predict_each
    from starshift.api.predict_rows import takes_rows, write_rows
    from starshift.data.texts import is_text_file

    share = None if sure is None else sure / 100
    if takes_rows(run) and not all(photo.is_dir() or is_text_file(photo) for photo in photos):
        if probabilities is not None or classes:
            raise UsageError("--probabilities and --classes are for pictures; --all-classes has a column per class.")
        for sentence in write_rows(run, photos, sys.stdout, format.value, all_classes=all_classes, sure=share):
            typer.echo(sentence, err=True)
        return
    predictor = open_model(run)
    predictions = predict_each(predictor, photos, sure=share, progress=ConsoleProgress())
    if probabilities is not None:
        columns = columns_of(predictor.learnware, classes.split(",") if classes else ())
        predictions = written(predictions, probabilities, columns, id_column=id_column)
    elif classes:
        raise UsageError("--classes names the columns of the file that --probabilities writes; give that too.")
    made = predictor.learnware
    further = made.targets[1:]
    unread = write(predictions, made.classes, sys.stdout, format.value, all_classes=all_classes, further=further)
    if unread:
        typer.echo(f"{unread} of the files could not be read; their lines say why.", err=True)
