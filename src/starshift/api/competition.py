"""The file that competitions ask for: an id, and the probability of every class."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TextIO

from starshift.api.predict import Prediction
from starshift.errors import DataError, UsageError
from starshift.recipe import near
from starshift.records import Learnware, files

ID = "id"
"""The first column's name, unless another is asked for."""


def columns_of(learnware: Learnware, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes that have a column: all of the model, in its order, or those that are named, in theirs.

    Raises UsageError with every name that is no class, and where the model tells no classes.
    """
    if not learnware.classes or learnware.target.kind == "string":
        raise UsageError(f"--probabilities is for models that tell classes; {learnware.name!r} tells none.")
    known = list(learnware.classes)
    if problems := [
        f"{name!r} is no class of {learnware.name!r}.{near(name, known)}" for name in classes if name not in known
    ]:
        raise UsageError(problems)
    return tuple(classes) or learnware.classes


def written(
    predictions: Iterable[Prediction], file: Path, classes: Sequence[str], *, id_column: str = ID
) -> Generator[Prediction, None, None]:
    """Pass predictions on, and write a row of each when the last has come: id, then probabilities.

    The id is the file's name without folder and ending. A file that could not be read has a row of empty cells, so that
    it is missed by whoever counts. Raises DataError where two files have one id.
    """
    with (
        files.drafted(file) as draft,
        draft.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
    ):
        yield from _passed_on(predictions, stream, classes, id_column)


def _passed_on(
    predictions: Iterable[Prediction], stream: TextIO, classes: Sequence[str], id_column: str
) -> Generator[Prediction, None, None]:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([id_column, *classes])
    seen: dict[str, str] = {}
    for one in predictions:
        name = PurePath(one.file).stem
        if name in seen:
            raise DataError(f"{seen[name]} and {one.file} would have one id, {name!r}; predict them apart.")
        seen[name] = one.file
        values = one.probabilities or {}
        writer.writerow([name, *(f"{values[each]:.6f}" if each in values else "" for each in classes)])
        yield one
