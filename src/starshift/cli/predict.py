"""`starshift predict`."""

from __future__ import annotations

import sys
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from starshift.errors import UsageError


class Format(StrEnum):
    """How predictions are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def predict(
    run: Annotated[
        Path, typer.Argument(help="A run's folder, such as runs/NAME, or a learnware's tar.", show_default=False)
    ],
    photos: Annotated[
        list[Path], typer.Argument(help="Pictures, folders or zips; or a file of rows.", show_default=False)
    ],
    format: Annotated[Format, typer.Option(help="How to print; jsonl: JSON lines.")] = Format.table,
    all_classes: Annotated[bool, typer.Option("--all-classes", help="Print the probability of every class.")] = False,
    top: Annotated[
        int | None,
        typer.Option(help="Print so many of the most probable classes, with probabilities.", show_default=False),
    ] = None,
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
    threshold: Annotated[
        float | None,
        typer.Option(help="In percent: below this probability, “don't know”.", show_default=False),
    ] = None,
    sort_into: Annotated[
        Path | None,
        typer.Option(
            help="Copy every file into the folder of its class below this one; nothing is overwritten.",
            show_default=False,
        ),
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="Sort by symbolic links instead of copies.")] = False,
) -> None:
    """Label new pictures; a file that cannot be read gets a line with its reason."""
    from starshift.api.competition import columns_of, written
    from starshift.api.console import ConsoleProgress
    from starshift.api.formats import check_top, write
    from starshift.api.predict import open_model, predict_each, sorter_for
    from starshift.api.predict_rows import takes_rows, write_rows
    from starshift.data.texts import is_text_file
    from starshift.progress import Silent

    share, least = _as_share("--sure", sure), _as_share("--threshold", threshold)
    if takes_rows(run) and not all(photo.is_dir() or is_text_file(photo) for photo in photos):
        if probabilities is not None or classes:
            raise UsageError("--probabilities and --classes are for pictures; --all-classes has a column per class.")
        if sort_into is not None or link:
            raise UsageError("--sort-into and --link are for files of which each gets a class, not for rows of one.")
        said = write_rows(
            run, photos, sys.stdout, format.value, all_classes=all_classes, sure=share, threshold=least, top=top
        )
        for sentence in said:
            typer.echo(sentence, err=True)
        return
    predictor = open_model(run)
    made = predictor.learnware
    shown = check_top(made, top)
    if classes and probabilities is None:
        raise UsageError("--classes names the columns of the file that --probabilities writes; give that too.")
    sorter = sorter_for(made, sort_into, link=link)
    columns = columns_of(made, classes.split(",") if classes else ()) if probabilities is not None else ()
    progress = Silent() if sys.stdout.isatty() else ConsoleProgress()  # lines that run over a terminal show it too
    predictions = predict_each(predictor, photos, sure=share, threshold=least, sorter=sorter, progress=progress)
    told = written(predictions, probabilities, columns, id_column=id_column) if probabilities else predictions
    with closing(predictions), closing(told):  # so that Ctrl-C waits for nothing but what is under way
        unread = write(
            told, made.classes, sys.stdout, format.value, all_classes=all_classes, top=shown, further=made.targets[1:]
        )
    if sorter:
        typer.echo(sorter.sentence, err=True)
    if unread:
        stay = " They stay where they are." if sorter else ""
        typer.echo(f"{unread} of the files could not be read; their lines say why.{stay}", err=True)


def _as_share(option: str, percent: float | None) -> float | None:
    """What is given in percent, from 0 to 1. Raises UsageError where it can only have been meant as a share."""
    if percent is not None and 0 < percent <= 1:
        raise UsageError(f"{option} is in percent; {percent:g} came. Write {100 * percent:g}.")
    return None if percent is None else percent / 100
