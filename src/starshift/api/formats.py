"""Predictions as text: CSV and JSON for programs, aligned lines for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import msgspec

from starshift.api.predict import Answer, Prediction
from starshift.errors import UsageError
from starshift.recipe import near
from starshift.records import Target
from starshift.report import words

DONT_KNOW = "don't know"
"""What stands for the label of a picture that the model is not sure enough of."""


def write(
    predictions: Iterable[Prediction],
    classes: Sequence[str],
    stream: TextIO,
    form: str,
    *,
    all_classes: bool,
    further: Sequence[Target] = (),
) -> int:
    """Write predictions while they come; returns how many files could not be read.

    form: a name in FORMATS. all_classes: the probability of every class, not of the likeliest alone. further: the
    model's targets behind the first, which get a group of columns each.
    """
    if form not in FORMATS:
        raise UsageError(f"Format {form!r} is not known.{near(form, FORMATS)}")
    unread = 0

    def counted() -> Iterable[Prediction]:
        nonlocal unread
        for one in predictions:
            unread += bool(one.reason)
            yield one

    groups = [Group(one.name, one.is_classes, one.classes if all_classes else ()) for one in further]
    FORMATS[form](counted(), list(classes) if all_classes else [], stream, groups)
    return unread


@dataclass(frozen=True)
class Group:
    """The columns of a target behind the first: NAME, "NAME probability" of classes, "NAME=CLASS" for each shown."""

    name: str
    has_probability: bool
    classes: Sequence[str]

    @property
    def header(self) -> list[str]:
        """The columns' names."""
        probability = [f"{self.name} probability"] if self.has_probability else []
        return [self.name, *probability, *(f"{self.name}={one}" for one in self.classes)]

    def cells(self, one: Prediction) -> list[str]:
        """What stands in them."""
        answer = one.further.get(self.name, Answer())
        probability = [_number(answer.probability)] if self.has_probability else []
        return [answer.label, *probability, *(_number((answer.probabilities or {}).get(name)) for name in self.classes)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def write_csv(
    predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO, groups: Sequence[Group] = ()
) -> None:
    """Columns file, label, probability, one per class of `classes`, those of the groups, and reason where a file was
    not read.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "label", "probability", *classes, *_all(group.header for group in groups), "reason"])
    for one in predictions:
        numbers = map(_number, [one.probability, *((one.probabilities or {}).get(name) for name in classes)])
        others = _all(group.cells(one) for group in groups)
        writer.writerow([words.visible(one.file), one.label, *numbers, *others, one.reason])


def _all(lists: Iterable[list[str]]) -> list[str]:
    return [cell for cells in lists for cell in cells]


def write_json(
    predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO, groups: Sequence[Group] = ()
) -> None:
    """A list with one object per file: file, label, probability (and probabilities, or value), of further targets the
    same under `targets` by name; or file and reason.
    """
    separator = "[\n"
    for one in predictions:
        stream.write(separator + msgspec.json.encode(_plain(one, classes, groups)).decode())
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")


def write_table(
    predictions: Iterable[Prediction], classes: Sequence[str], stream: TextIO, groups: Sequence[Group] = ()
) -> None:
    """A line per file: label, probability, file; the probabilities of `classes` and the groups' labels stand between.

    A picture that it is not sure enough of has DONT_KNOW for a label; CSV and JSON have an empty one.
    """
    for one in predictions:
        if one.reason:
            stream.write(f"{'—':<20} {'':>6}  {words.visible(one.file)}: {one.reason}\n")
            continue
        others = "".join(f"  {words.visible(name)} {(one.probabilities or {})[name]:.3f}" for name in classes)
        others += "".join(f"  {words.visible(group.name)} {words.visible(group.cells(one)[0])}" for group in groups)
        label = words.visible(one.label) or DONT_KNOW
        probability = "" if one.probability is None else f"{one.probability:.1%}"
        stream.write(f"{label:<20} {probability:>6}{others}  {words.visible(one.file)}\n")


def _plain(one: Prediction, classes: Sequence[str], groups: Sequence[Group]) -> dict[str, Any]:
    file = words.visible(one.file)
    if one.reason:
        return {"file": file, "reason": one.reason}
    row = {"file": file, **_told(one.answer("", 0), bool(classes))}
    further = {group.name: _told(one.further[group.name], bool(classes)) for group in groups}
    return row | ({"targets": further} if further else {})


def _told(answer: Answer, with_classes: bool) -> dict[str, Any]:
    if answer.value is not None:
        return {"value": answer.value}
    row: dict[str, Any] = {"label": answer.label}
    if answer.probability is not None:
        row["probability"] = answer.probability
    return row | ({"probabilities": answer.probabilities} if with_classes else {})


FORMATS: dict[str, Callable[[Iterable[Prediction], Sequence[str], TextIO, Sequence[Group]], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
}
