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
from starshift.records import Learnware, Target
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
    top: int = 0,
    further: Sequence[Target] = (),
) -> int:
    """Write predictions while they come; returns how many files could not be read.

    form: a name in FORMATS. all_classes: the probability of every class, not of the likeliest alone. top: so many of
    the most probable classes, each with its probability; see `check_top`. further: the model's targets behind the
    first, which get a group of columns each.
    """
    if form not in FORMATS:
        raise UsageError(f"Format {form!r} is not known.{near(form, FORMATS)}")
    unread = 0

    def counted() -> Iterable[Prediction]:
        nonlocal unread
        for one in predictions:
            unread += bool(one.reason)
            yield one

    groups = [
        Group(one.name, one.is_classes, one.classes if all_classes else (), min(top, len(told_classes(one))))
        for one in further
    ]
    FORMATS[form](counted(), Shown(list(classes) if all_classes else [], top, groups), stream)
    return unread


def told_classes(target: Target) -> tuple[str, ...]:
    """The classes or labels of a target that each have a probability; none of numbers and strings."""
    return () if target.kind == "string" else target.classes


def check_top(learnware: Learnware, top: int | None) -> int:
    """How many of the most probable classes are to be shown; 0 where None asks for none.

    Raises UsageError for a model that tells no classes, and for a number that is not from 1 to that of its classes.
    """
    if top is None:
        return 0
    known = told_classes(learnware.target)
    if not known:
        raise UsageError(f"--top is for models that tell classes or labels; {learnware.name!r} tells none.")
    if not 1 <= top <= len(known):
        raise UsageError(f"--top is a number from 1 to {len(known)}, the classes of {learnware.name!r}; {top} came.")
    return top


@dataclass(frozen=True)
class Group:
    """The columns of a target behind the first: NAME, "NAME probability" of classes, "NAME top 1" and so on with their
    probabilities, "NAME=CLASS" for each shown.
    """

    name: str
    has_probability: bool
    classes: Sequence[str]
    top: int = 0

    @property
    def header(self) -> list[str]:
        """The columns' names."""
        probability = [f"{self.name} probability"] if self.has_probability else []
        top = [f"{self.name} {one}" for one in top_columns(self.top)]
        return [self.name, *probability, *top, *(f"{self.name}={one}" for one in self.classes)]

    def cells(self, one: Prediction) -> list[str]:
        """What stands in them."""
        answer = one.further.get(self.name, Answer())
        probability = [_number(answer.probability)] if self.has_probability else []
        numbers = (_number((answer.probabilities or {}).get(name)) for name in self.classes)
        return [answer.label, *probability, *_top_cells(answer, self.top), *numbers]


@dataclass(frozen=True)
class Shown:
    """What is written of each file beside its label and probability."""

    classes: Sequence[str]  # whose probabilities
    top: int  # how many of the most probable classes
    groups: Sequence[Group]  # of the targets behind the first


def top_columns(top: int) -> list[str]:
    """The names of columns for the most probable classes."""
    return [name for place in range(1, top + 1) for name in (f"top {place}", f"top {place} probability")]


def _top_cells(answer: Answer | Prediction, top: int) -> list[str]:
    found = [cell for name, value in answer.top(top) for cell in (name, _number(value))]
    return found + [""] * (2 * top - len(found))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def write_csv(predictions: Iterable[Prediction], shown: Shown, stream: TextIO) -> None:
    """Columns file, label, probability, two for each of the most probable classes, one per class, those of the groups,
    and reason where a file was not read.
    """
    writer = csv.writer(stream, lineterminator="\n")
    others = [*top_columns(shown.top), *shown.classes, *_all(group.header for group in shown.groups)]
    writer.writerow(["file", "label", "probability", *others, "reason"])
    for one in predictions:
        row = [words.visible(one.file), one.label, _number(one.probability), *_top_cells(one, shown.top)]
        row += [_number((one.probabilities or {}).get(name)) for name in shown.classes]
        writer.writerow([*row, *_all(group.cells(one) for group in shown.groups), one.reason])


def _all(lists: Iterable[list[str]]) -> list[str]:
    return [cell for cells in lists for cell in cells]


def write_json(predictions: Iterable[Prediction], shown: Shown, stream: TextIO) -> None:
    """A list with one object per file: file, label, probability (and top, probabilities, or value), of further targets
    the same under `targets` by name; or file and reason.
    """
    write_list((_plain(one, shown) for one in predictions), stream)


def write_json_lines(predictions: Iterable[Prediction], shown: Shown, stream: TextIO) -> None:
    """The same objects, one per line and no list around them."""
    write_lines((_plain(one, shown) for one in predictions), stream)


def write_list(objects: Iterable[dict[str, Any]], stream: TextIO) -> None:
    """JSON, written while the objects come."""
    separator = "[\n"
    for one in objects:
        stream.write(separator + msgspec.json.encode(one).decode())
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")


def write_lines(objects: Iterable[dict[str, Any]], stream: TextIO) -> None:
    """JSON lines, written while the objects come."""
    for one in objects:
        stream.write(msgspec.json.encode(one).decode() + "\n")


def write_table(predictions: Iterable[Prediction], shown: Shown, stream: TextIO) -> None:
    """A line per file: label, probability, file; between them the next most probable classes, the probabilities of
    `classes` and the groups' labels.

    A picture that it is not sure enough of has DONT_KNOW for a label, and what is most probable then stands among the
    next; CSV and JSON have an empty one.
    """
    for one in predictions:
        if one.reason:
            stream.write(f"{'—':<20} {'':>6}  {words.visible(one.file)}: {one.reason}\n")
            continue
        others = "".join(_next(one, shown.top))
        others += "".join(f"  {words.visible(name)} {(one.probabilities or {})[name]:.3f}" for name in shown.classes)
        for group in shown.groups:
            answer = one.further[group.name]
            others += "".join(
                [f"  {words.visible(group.name)} {words.visible(answer.label)}", *_next(answer, group.top)]
            )
        label = words.visible(one.label) or DONT_KNOW
        probability = "" if one.probability is None else f"{one.probability:.1%}"
        stream.write(f"{label:<20} {probability:>6}{others}  {words.visible(one.file)}\n")


def _next(answer: Answer | Prediction, top: int) -> list[str]:
    """The most probable classes, less the one that stands as the label with its probability already."""
    said = answer.label if answer.probability is not None else None
    return [f"  {words.visible(name)} {value:.1%}" for name, value in answer.top(top) if name != said]


def _plain(one: Prediction, shown: Shown) -> dict[str, Any]:
    file = words.visible(one.file)
    if one.reason:
        return {"file": file, "reason": one.reason}
    row = {"file": file, **_told(one.answer("", 0), shown.top, bool(shown.classes))}
    further = {group.name: _told(one.further[group.name], group.top, bool(shown.classes)) for group in shown.groups}
    return row | ({"targets": further} if further else {})


def _told(answer: Answer, top: int, with_classes: bool) -> dict[str, Any]:
    if answer.value is not None:
        return {"value": answer.value}
    row: dict[str, Any] = {"label": answer.label}
    if answer.probability is not None:
        row["probability"] = answer.probability
    if top:
        row["top"] = [{"label": name, "probability": value} for name, value in answer.top(top)]
    return row | ({"probabilities": answer.probabilities} if with_classes else {})


FORMATS: dict[str, Callable[[Iterable[Prediction], Shown, TextIO], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_json_lines,
}
