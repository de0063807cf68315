"""Predictions as text: CSV and JSON for programs, aligned lines for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

import msgspec

from starshift.api.predict import Prediction
from starshift.errors import UsageError
from starshift.recipe import near
from starshift.report import words

DONT_KNOW = "don't know"
"""What stands for the label of a picture that the model is not sure enough of."""


def write(
    predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO, form: str, *, all_classes: bool
) -> int:
    """Write predictions while they come; returns how many files could not be read.

    form: a name in FORMATS. all_classes: the probability of every class, not of the likeliest alone.
    """
    if form not in FORMATS:
        raise UsageError(f"Format {form!r} is not known.{near(form, FORMATS)}")
    unread = 0

    def counted() -> Iterable[Prediction]:
        nonlocal unread
        for one in predictions:
            unread += bool(one.reason)
            yield one

    FORMATS[form](counted(), list(classes) if all_classes else [], stream)
    return unread


def write_csv(predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO) -> None:
    """Columns file, label, probability, one per class of `classes`, and reason where a file was not read."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "label", "probability", *classes, "reason"])
    for one in predictions:
        values = [one.probability, *((one.probabilities or {}).get(name) for name in classes)]
        numbers = ["" if value is None else f"{value:.6f}" for value in values]
        writer.writerow([words.visible(one.file), one.label, *numbers, one.reason])


def write_json(predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO) -> None:
    """A list with one object per file: file, label, probability (and probabilities), or file and reason."""
    separator = "[\n"
    for one in predictions:
        stream.write(separator + msgspec.json.encode(_plain(one, classes)).decode())
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")


def write_table(predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO) -> None:
    """A line per file: label, probability, file; the probabilities of `classes` stand between.

    A picture that it is not sure enough of has DONT_KNOW for a label; CSV and JSON have an empty one.
    """
    for one in predictions:
        if one.reason:
            stream.write(f"{'—':<20} {'':>6}  {words.visible(one.file)}: {one.reason}\n")
            continue
        others = "".join(f"  {words.visible(name)} {(one.probabilities or {})[name]:.3f}" for name in classes)
        label = words.visible(one.label) or DONT_KNOW
        stream.write(f"{label:<20} {one.probability:>6.1%}{others}  {words.visible(one.file)}\n")


def _plain(one: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    file = words.visible(one.file)
    if one.reason:
        return {"file": file, "reason": one.reason}
    row: dict[str, Any] = {"file": file, "label": one.label, "probability": one.probability}
    return row | {"probabilities": one.probabilities} if classes else row


FORMATS: dict[str, Callable[[Iterable[Prediction], Sequence[str], TextIO], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
}
