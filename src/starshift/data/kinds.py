"""What kind of target a column of labels is: inferred and said aloud, or as the user gives it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from starshift.data.sources import some
from starshift.errors import UsageError
from starshift.recipe import near
from starshift.records import KINDS, Kind, Target
from starshift.records.target import SEPARATOR, join_labels

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
"""Cells, in small letters, that say that there is no label. "none" is not among them: it often is a class."""

MOST_CLASSES = 10_000
"""Classes that are told apart; more are a column of names or numbers."""

FEW_WHOLE, CONTIGUOUS = 20, 50
"""Whole numbers are classes where there are at most so many different ones; or where they count on from 0 or 1 without
a gap, at most so many. More are a quantity, such as an age."""

REPEATED = 2.0
"""Rows per different value, at the least, of words that are classes."""

SEPARATORS = (SEPARATOR, ";", ",")
"""Between the labels of a multi-label target, as files have them. A comma is believed only where the kind is given."""


class Wanted(NamedTuple):
    """A target as the user names it: its column, and its kind where that is given."""

    name: str
    kind: Kind | None = None

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.name}:{self.kind}" if self.kind else self.name


def parse(text: str) -> Wanted:
    """ "age" → its kind is inferred; "age:regression" → it is given. Raises UsageError for an unknown kind.

    A colon that no known kind follows may belong to the column's name, and is refused with both ways to write it.
    """
    name, colon, kind = text.rpartition(":")
    if not colon:
        return Wanted(text)
    if kind in KINDS:
        return Wanted(name, kind)
    raise UsageError(
        f"--target {text!r}: {kind!r} is no kind of target.{near(kind, list(KINDS))} Write COLUMN:KIND with one of "
        f"{', '.join(KINDS)}, or rename a column that has a colon."
    )


@dataclass(frozen=True)
class Labels:
    """A column as a target, with its labels as records keep them ("" where missing), and what is wrong with it."""

    target: Target
    labels: tuple[str, ...]
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def understand(wanted: Wanted, cells: Sequence[str], rows: Sequence[int | str], where: str) -> Labels:
    """Take a column of cells for a target.

    cells: as the file has them. rows: their numbers as a person counts them there, for messages; or names, where they
    have no numbers. where: the file's name. Problems are sentences; nothing is raised, so that those of several targets
    are said together.
    """
    stripped = [cell.strip() for cell in cells]
    cleaned = ["" if cell.casefold() in MISSING else cell for cell in stripped]
    places = [f"row {row}" if isinstance(row, int) else repr(row) for row in rows]
    present = [(cell, place) for cell, place in zip(cleaned, places, strict=True) if cell]
    named = f"The target {wanted.name!r} of {where}"
    if not present:
        return _refused(wanted, cleaned, f"{named} is empty everywhere. Fill it in, or name another column.")
    kind, how, problems = (wanted.kind, "as given", []) if wanted.kind else _inferred(present, named, wanted.name)
    if problems:
        return _refused(wanted, cleaned, *problems)
    assert kind is not None
    found = _TAKERS[kind](wanted.name, how, kind, stripped if kind == "multi-label" else cleaned, places, named)
    missing = [cell for cell, label in zip(stripped, found.labels, strict=True) if not label]
    if missing and not found.problems:
        return Labels(found.target, found.labels, (), (*found.remarks, _lacking(missing, len(cells), named)))
    return found


def no_strings(labels: Sequence[Labels], noun: str) -> list[str]:
    """Of what is no picture, sentences on the targets that were said to be strings. noun: what an example is called."""
    return [
        f"The target {one.target.name!r} was said to be a string, which is read from pictures; of a {noun} it can be a "
        f"class: --target {one.target.name}:multi-class."
        for one in labels
        if one.target.kind == "string"
    ]


def _lacking(missing: Sequence[str], rows: int, named: str) -> str:
    """How many labels are missing, and which words were taken for that."""
    words = sorted({cell for cell in missing if cell})
    taken = f" ({some(map(repr, words))} among them)" if words else ""
    return f"{named} is missing in {len(missing):,} of {rows:,} rows{taken}; they neither teach nor test it."


def _inferred(present: Sequence[tuple[str, str]], named: str, name: str) -> tuple[Kind | None, str, list[str]]:
    """A kind, how it was found, or what is in the way."""
    values = Counter(cell for cell, _ in present)
    if len(values) == 1:
        return None, "", [_one_value(next(iter(values)), named)]
    numbers = [cell for cell in values if _number(cell) is not None]
    if numbers and len(numbers) < len(values):
        return _mixed(present, values, numbers, named, name)
    if numbers:
        return _of_numbers(values), _how(values), []
    split = [_split(cell, SEPARATORS[:2]) for cell in values]
    parts, several = {part for pieces in split for part in pieces}, [pieces for pieces in split if len(pieces) > 1]
    if several and (len(parts) < len(values) or any(part in values for pieces in several for part in pieces)):
        return "multi-label", f"cells hold several of {len(parts)} labels", []
    return _of_words(values, f"{len(values):,} different values", len(present), named, name)


def _of_words(values: Counter[str], how: str, rows: int, named: str, name: str) -> tuple[Kind | None, str, list[str]]:
    """Classes, unless nearly every row has one of its own."""
    if len(values) > MOST_CLASSES or (rows / len(values) < REPEATED and len(values) > FEW_WHOLE):
        return None, "", [_too_many(values, rows, named, name)]
    return ("binary" if len(values) == 2 else "multi-class"), how, []


def _mixed(
    present: Sequence[tuple[str, str]], values: Counter[str], numbers: Sequence[str], named: str, name: str
) -> tuple[Kind | None, str, list[str]]:
    """Numbers and words in one column: codes, or a slip of the pen?"""
    words = [f"{place}: {cell!r}" for cell, place in present if _number(cell) is None]
    if len(words) <= 0.5 * len(present) and len(values) > FEW_WHOLE:
        cells = f"{len(words):,} cells that are none" if len(words) > 1 else "a cell that is none"
        advice = f"Mend or empty what is no number, or say --target {name}:multi-class if they are names."
        return None, "", [f"{named} holds numbers and {cells} ({some(words)}). {advice}"]
    return _of_words(values, f"{len(values):,} different values, not all numbers", len(present), named, name)


def _one_value(only: str, named: str) -> str:
    return (
        f"{named} has one value, {only!r}, wherever it is not empty: there is nothing to tell apart. Name another "
        "column, or add examples of another value."
    )


def _of_numbers(values: Counter[str]) -> Kind:
    numbers = [cast(float, _number(cell)) for cell in values]
    if len(values) == 2:
        return "binary"
    if any(not number.is_integer() for number in numbers):
        return "share" if min(numbers) >= 0 and max(numbers) <= 1 else "regression"
    first, last = min(numbers), max(numbers)
    contiguous = first in (0, 1) and last - first + 1 == len(set(numbers)) <= CONTIGUOUS
    return "multi-class" if len(values) <= FEW_WHOLE or contiguous else "regression"


def _how(values: Counter[str]) -> str:
    numbers = [cast(float, _number(cell)) for cell in values]
    what = "whole numbers" if all(number.is_integer() for number in numbers) else "numbers"
    return f"{len(values):,} different {what} from {min(numbers):g} to {max(numbers):g}"


_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def _too_many(values: Counter[str], rows: int, named: str, name: str) -> str:
    shown = some([repr(value) for value in values])
    if sum(bool(_DECIMAL_COMMA.fullmatch(value)) for value in values) > len(values) / 2:
        return f"{named} holds numbers with a decimal comma ({shown}). Write them with a point: 3.14."
    return (
        f"{named} has {len(values):,} different values in {rows:,} rows ({shown}): too many to be classes. Is it the "
        f"right column? Say --target {name}:string if these are pictures with a text in each."
    )


# ----------------------------------------------------------------------------------------------------
# Each kind's labels


def _take_classes(name: str, how: str, kind: Kind, cells: Sequence[str], places: Sequence[str], named: str) -> Labels:
    values = sorted({cell for cell in cells if cell}, key=natural)
    problems = []
    if len(values) == 1:
        problems.append(_one_value(values[0], named))
    elif kind == "binary" and len(values) != 2:
        problems.append(
            f"{named} was said to be binary, and has {len(values):,} values ({some(map(repr, values))}). Say "
            f"--target {name}:multi-class."
        )
    elif len(values) > MOST_CLASSES:
        problems.append(_too_many(Counter(cell for cell in cells if cell), sum(map(bool, cells)), named, name))
    settled: Kind = "binary" if len(values) == 2 else "multi-class"
    return Labels(Target(name, settled, tuple(values), how), tuple(cells), tuple(problems))


def _take_numbers(name: str, how: str, kind: Kind, cells: Sequence[str], places: Sequence[str], named: str) -> Labels:
    problems = []
    wrong = [f"{place}: {cell!r}" for cell, place in zip(cells, places, strict=True) if cell and _number(cell) is None]
    if wrong:
        which = f"{len(wrong):,} cells are none" if len(wrong) > 1 else "a cell is none"
        problems.append(
            f"{named} must hold numbers, and {which} ({some(wrong)}). Write them with a point, without unit or "
            "thousands mark, or empty them."
        )
    numbers = [_number(cell) if cell else None for cell in cells]
    outside = [
        f"{place}: {cell}"
        for cell, place, number in zip(cells, places, numbers, strict=True)
        if kind == "share" and number is not None and not 0 <= number <= 1
    ]
    if outside:
        which = f"{len(outside):,} cells do not" if len(outside) > 1 else "a cell does not"
        problems.append(
            f"{named} must lie between 0 and 1, and {which} ({some(outside)}). Say --target {name}:regression."
        )
    values = {number for number in numbers if number is not None}
    if not problems and len(values) == 1:
        problems.append(_one_value(f"{values.pop():g}", named))
    labels = tuple("" if number is None else repr(number) for number in numbers)
    return Labels(Target(name, kind, (), how), labels, tuple(problems))


def _take_labels(name: str, how: str, kind: Kind, cells: Sequence[str], places: Sequence[str], named: str) -> Labels:
    marks = SEPARATORS if how == "as given" else SEPARATORS[:2]
    parts = [_split(cell, marks) for cell in cells]
    values = sorted({part for row in parts for part in row}, key=natural)
    problems = [] if values else [f"{named} names no label anywhere. Fill it in, or name another column."]
    none = sum(not row for row in parts)
    if len(values) > MOST_CLASSES:
        problems.append(_too_many(Counter(part for row in parts for part in row), len(cells), named, name))
    remarks = [f"{named} is empty in {none:,} of {len(cells):,} rows, taken as: no label applies."] if none else []
    labels = tuple(join_labels(set(row)) for row in parts)
    return Labels(Target(name, "multi-label", tuple(sorted(values)), how), labels, tuple(problems), tuple(remarks))


LONGEST_STRING = 32
"""Characters of a string target; what is longer is a text."""


def _take_strings(name: str, how: str, kind: Kind, cells: Sequence[str], places: Sequence[str], named: str) -> Labels:
    problems = []
    long = [
        f"{place}: {len(cell)} characters"
        for cell, place in zip(cells, places, strict=True)
        if len(cell) > LONGEST_STRING
    ]
    if long:
        problems.append(
            f"{named} must hold strings of at most {LONGEST_STRING} characters, and longer ones came ({some(long)}). "
            "Shorten or empty them."
        )
    if len(present := {cell for cell in cells if cell}) == 1:
        problems.append(_one_value(present.pop(), named))
    alphabet = tuple(sorted({character for cell in cells for character in cell}))
    return Labels(Target(name, "string", alphabet, how), tuple(cells), tuple(problems))


_TAKERS: dict[Kind, Callable[[str, str, Kind, Sequence[str], Sequence[str], str], Labels]] = {
    "binary": _take_classes,
    "multi-class": _take_classes,
    "multi-label": _take_labels,
    "regression": _take_numbers,
    "share": _take_numbers,
    "string": _take_strings,
}


def _refused(wanted: Wanted, cells: Sequence[str], *problems: str) -> Labels:
    return Labels(Target(wanted.name, wanted.kind or "multi-class"), tuple(cells), problems)


def _number(cell: str) -> float | None:
    """The finite number that a cell holds; None where it holds none."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None


def _split(cell: str, marks: Sequence[str]) -> list[str]:
    pieces = re.split("|".join(map(re.escape, marks)), cell)
    return [piece.strip() for piece in pieces if piece.strip()]


def natural(name: str) -> tuple[float, str]:
    """An order in which numbers stand by size and before words: 2, 10, apple."""
    number = _number(name)
    return math.inf if number is None else number, name
