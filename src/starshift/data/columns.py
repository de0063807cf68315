"""The columns of a table: what kind each is, which are no help, and what is wrong with them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from starshift.data.kinds import MISSING, natural
from starshift.data.sniff import is_text
from starshift.data.sources import some
from starshift.records import Column

TRUE, FALSE = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})
"""Cells, in small letters, of a column that is yes or no."""

NUMBERS = 0.8
"""Of a column's cells, so many must be numbers before words in it are taken for slips of the pen."""

FEWEST_IDS = 10
"""Rows from which a column of different words, or of numbers that count on, is taken for names."""

NAMES = 0.5
"""Different words per row above which a column holds names of things, and no categories."""

DATE_PARTS = ("year", "month", "day of week", "seconds")
"""What a date becomes; seconds since 1970, in UTC where the cell names no zone."""

_COMMA = re.compile(r"[+-]?\d+,\d+")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4}")


@dataclass(frozen=True)
class Looked:
    """A column that was looked at: what it is, or why it is left out, or what is wrong with it."""

    column: Column | None = None
    left_out: str = ""  # a clause: "all words differ"
    problem: str = ""  # a sentence


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().casefold() in MISSING


def number(cell: str) -> float:
    """The finite number that a cell holds; NaN where it holds none."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and "_" not in cell else math.nan


def truth(cell: str) -> float:
    """1.0 or 0.0 for a cell that says yes or no; NaN for any other."""
    folded = cell.strip().casefold()
    return 1.0 if folded in TRUE else 0.0 if folded in FALSE else math.nan


def moment(cell: str) -> datetime | None:
    """The date, with or without time, that a cell holds: 2024-01-31, 2024/1/31, 31.1.2024, ISO 8601; None for others.

    01/02/2024 is none: no one can say whether it is in January.
    """
    cell = cell.strip()
    if not _DATE.match(cell):
        return None
    day, _, time = cell.replace("T", " ").partition(" ")
    parts = [int(part) for part in re.split(r"[-/.]", day)]
    try:
        written = date(*parts) if parts[0] > 31 else date(*parts[::-1])
        found = datetime.fromisoformat(f"{written.isoformat()} {time or '00:00'}")
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def numbers_of(cells: Sequence[str]) -> np.ndarray:
    """Cells as numbers: float64 (N,), NaN where there is none."""
    return np.array([number(cell) for cell in cells], dtype=np.float64)


def truths_of(cells: Sequence[str]) -> np.ndarray:
    """Cells as 1 and 0: float64 (N,), NaN where they say neither."""
    return np.array([truth(cell) for cell in cells], dtype=np.float64)


def dates_of(cells: Sequence[str]) -> np.ndarray:
    """Cells as DATE_PARTS: float64 (N, 4), rows of NaN where there is no date."""
    found = np.full((len(cells), len(DATE_PARTS)), np.nan)
    for row, cell in enumerate(cells):
        if when := moment(cell):
            found[row] = when.year, when.month, when.weekday(), when.timestamp()
    return found


def words_of(cells: Sequence[str]) -> list[str]:
    """Cells as categories, "" where there is none."""
    return ["" if is_missing(cell) else cell.strip() for cell in cells]


def look(name: str, cells: Sequence[str], rows: Sequence[int], where: str) -> Looked:
    """Say what a column is. rows: the numbers of its rows, for messages. where: the file's name."""
    present = [(cell, row) for cell, row in zip(words_of(cells), rows, strict=True) if cell]
    values = Counter(cell for cell, _ in present)
    if len(values) <= 1 and len(present) in (0, len(cells)):
        return Looked(left_out="every cell is empty" if not present else f"every cell is {next(iter(values))!r}")
    for attempt in _ATTEMPTS:
        if found := attempt(name, present, values, where):
            return found
    return Looked(Column(name, "category", tuple(sorted(values, key=natural))))


_Present = Sequence[tuple[str, int]]


def _as_yes_or_no(name: str, present: _Present, values: Counter[str], where: str) -> Looked | None:
    said = {truth(value) for value in values}
    return Looked(Column(name, "boolean")) if said == {0.0, 1.0} else None


def _as_number(name: str, present: _Present, values: Counter[str], where: str) -> Looked | None:
    commas = [(cell, row) for cell, row in present if _COMMA.fullmatch(cell)]
    plain = [cell for cell, _ in present if not math.isnan(number(cell))]
    if commas and len(plain) + len(commas) >= NUMBERS * len(present):
        return Looked(problem=_with_commas(name, commas, where))
    if len(plain) < NUMBERS * len(present):
        return None
    if words := [(cell, row) for cell, row in present if math.isnan(number(cell))]:
        return Looked(problem=_mixed(name, words, where))
    if _counts_on(plain):
        return Looked(left_out="it counts the rows")
    return Looked(Column(name, "number"))


def _counts_on(cells: Sequence[str]) -> bool:
    """Whether whole numbers run on without gap or repetition: 1, 2, 3, …, in whatever order."""
    found = np.array([number(cell) for cell in cells])
    whole = bool((found == np.round(found)).all())
    return len(cells) >= FEWEST_IDS and whole and len(set(cells)) == len(cells) == found.max() - found.min() + 1


def _as_date(name: str, present: _Present, values: Counter[str], where: str) -> Looked | None:
    wrong = [(cell, row) for cell, row in present if moment(cell) is None]
    if len(wrong) > (1 - NUMBERS) * len(present):
        return None
    if wrong:
        shown = some(f"row {row}: {cell!r}" for cell, row in wrong)
        return Looked(
            problem=f"The column {name!r} of {where} holds dates and {len(wrong):,} cells that are none ({shown}). "
            "Mend or empty these cells."
        )
    return Looked(Column(name, "date"))


def _as_text(name: str, present: _Present, values: Counter[str], where: str) -> Looked | None:
    return Looked(left_out="it holds running text") if is_text([cell for cell, _ in present]) else None


def _as_names(name: str, present: _Present, values: Counter[str], where: str) -> Looked | None:
    if len(present) < FEWEST_IDS or len(values) <= NAMES * len(present):
        return None
    all_differ = len(values) == len(present)
    return Looked(left_out="all its words differ" if all_differ else "most of its words differ")


_ATTEMPTS: tuple[Callable[[str, _Present, Counter[str], str], Looked | None], ...] = (
    _as_yes_or_no,
    _as_number,
    _as_date,
    _as_text,
    _as_names,
)
"""The order matters: 0 and 1 are numbers too, and dates all differ as names do."""


def _mixed(name: str, words: Sequence[tuple[str, int]], where: str) -> str:
    shown = some(f"row {row}: {cell!r}" for cell, row in words)
    one = len(words) == 1
    return (
        f"The column {name!r} of {where} holds numbers and {len(words):,} {'cell that is none' if one else 'cells'}"
        f"{'' if one else ' that are none'} ({shown}). Mend or empty {'it' if one else 'them'}; an empty cell is a "
        "missing value."
    )


def _with_commas(name: str, commas: Sequence[tuple[str, int]], where: str) -> str:
    shown = some((f"row {row}: {cell!r}" for cell, row in commas), 3)
    return (
        f"The column {name!r} of {where} has decimal commas, or commas between thousands ({shown}). Save the table "
        "with decimal points and no commas in numbers."
    )
