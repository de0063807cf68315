"""A long table as sequences: a row for each step, with columns that say of which sequence and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from starshift.data.columns import NUMBERS, is_missing, moment
from starshift.data.sources import composed, some
from starshift.data.tables import Cells, read_cells
from starshift.errors import DataError
from starshift.recipe import near

IDS = ("id", "sequence", "series", "case")
TIMES = ("time", "timestamp", "date", "step", "t")
"""Names, in small letters, of the columns that say which sequence a row is of, and when it was."""

USUAL_TARGETS = ("y", "target", "label", "class")
"""What is to be predicted where --target names nothing."""

MOST_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Raw:
    """What a file holds, before anything is left out or cut.

    values: float32 (N, steps, features), NaN where a value is missing, 0 behind a sequence's end.
    """

    name: str  # of the file
    layout: str
    values: np.ndarray
    lengths: np.ndarray  # int64 (N,), steps that are there
    features: tuple[str, ...]
    names: tuple[str, ...]  # of the sequences
    rows: Sequence[int | str]  # where each begins, for messages: its first row, or its name
    cells: Mapping[str, Sequence[str]]  # of what there is once per sequence
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Order:
    """Which sequence and which step each row is, and the names of the sequences."""

    names: tuple[str, ...]
    sequence: np.ndarray  # int (rows,)
    step: np.ndarray  # int (rows,)

    @property
    def first(self) -> np.ndarray:
        """The row at which each sequence begins in the file."""
        return np.unique(self.sequence, return_index=True)[1]

    def torn(self, cells: Sequence[str]) -> list[int]:
        """Rows whose cell is not that of the first row of their sequence."""
        first = self.first[self.sequence]
        return [row for row, cell in enumerate(cells) if cell != cells[first[row]]]


def read_long(source: Path, targets: Sequence[str], problems: list[str], features: Sequence[str] | None = None) -> Raw:
    """Read a table with a row for each step.

    Its columns: one of IDS, one of TIMES (numbers or dates; rows may stand in any order), what is to be predicted (the
    same in all rows of a sequence), and numbers, which are the features. features: columns that are wanted; every
    column of numbers if None. Problems are noted; DataError is raised where there are no sequences at all.
    """
    cells = read_cells(source)
    problems += cells.problems
    identity, time = (_column(cells, names) for names in (IDS, TIMES))
    if not identity or not time:
        raise DataError([*problems, *_lacking(cells, identity, time)])
    order = _ordered(cells, identity, time, problems)
    held_out = {composed(one) for one in targets} or {one for one in cells.columns if one.casefold() in USUAL_TARGETS}
    _refuse_changing(cells, order, held_out & set(cells.columns), problems)
    wanted = [
        name
        for name in cells.columns
        if name not in (identity, time, *held_out) and (features is None or name in features)
    ]
    problems += [
        f"'{cells.name}' lacks the feature {name!r}, which the model takes.{near(name, list(cells.columns))}"
        for name in features or ()
        if name not in wanted
    ]
    columns, remarks = _features(cells, order, wanted, problems)
    if not columns and features is None:
        problems.append(f"'{cells.name}' has no column of numbers beside {identity!r}, {time!r} and what is predicted.")
    values, lengths = _spread(order, columns, cells.name)
    once = {
        name: [column[row] for row in order.first]
        for name, column in cells.columns.items()
        if name not in (identity, time) and not order.torn(column)
    }
    rows = [cells.rows[row] for row in order.first]
    return Raw(cells.name, "long table", values, lengths, tuple(columns), order.names, rows, once, tuple(remarks))


def _column(cells: Cells, names: Sequence[str]) -> str:
    """The first column with one of these names; "" where there is none."""
    folded = {column.casefold(): column for column in cells.columns}
    return next((folded[name] for name in names if name in folded), "")


def _lacking(cells: Cells, identity: str, time: str) -> list[str]:
    columns = some(map(repr, cells.columns), 20)
    problems = []
    if not identity:
        problems.append(
            f"No column of '{cells.name}' says which sequence a row is of; call it {' or '.join(map(repr, IDS))}. Its "
            f"columns: {columns}."
        )
    if not time:
        problems.append(
            f"No column of '{cells.name}' says when a row was; call it {' or '.join(map(repr, TIMES))}, with numbers "
            f"or dates. Its columns: {columns}."
        )
    return problems


def _ordered(cells: Cells, identity: str, time: str, problems: list[str]) -> _Order:
    """Rows by sequence, in the order in which sequences begin in the file, and by time."""
    ids = cells.columns[identity]
    if nameless := [cells.rows[row] for row, cell in enumerate(ids) if not cell]:
        problems.append(f"The column {identity!r} of '{cells.name}' is empty in row {some(nameless)}.")
    names = tuple(dict.fromkeys(ids))
    place = {name: number for number, name in enumerate(names)}
    sequence = np.array([place[name] for name in ids])
    when = _times(cells, time, problems)
    rows = np.lexsort((when, sequence))
    starts = np.searchsorted(sequence[rows], np.arange(len(names)))
    step = np.empty(len(ids), np.int64)
    step[rows] = np.arange(len(ids)) - starts[sequence[rows]]
    twice = (np.diff(sequence[rows]) == 0) & (np.diff(when[rows]) == 0)
    if twice.any():
        pairs = [
            f"rows {min(pair)} and {max(pair)}"
            for pair in ((cells.rows[rows[one]], cells.rows[rows[one + 1]]) for one in np.flatnonzero(twice))
        ]
        problems.append(f"In '{cells.name}', one sequence has the same {time!r} twice: {some(pairs)}.")
    return _Order(names, sequence, step)


def _times(cells: Cells, time: str, problems: list[str]) -> np.ndarray:
    """When each row was: float64 (rows,), of numbers, or seconds of dates; the row's place where that is not known."""
    values, words, _ = _numbers(cells.columns[time])
    if len(words) > len(values) / 2:
        found = [moment(cell) for cell in cells.columns[time]]
        values = np.array([np.nan if one is None else one.timestamp() for one in found])
    if len(lost := np.flatnonzero(np.isnan(values))):
        shown = some(f"row {cells.rows[int(row)]}: {cells.columns[time][int(row)]!r}" for row in lost)
        problems.append(f"The column {time!r} of '{cells.name}' must hold a number or a date in every row; {shown}.")
        return np.arange(len(values), dtype=np.float64)
    return values


def _refuse_changing(cells: Cells, order: _Order, targets: set[str], problems: list[str]) -> None:
    for name in sorted(targets):
        if torn := order.torn(cells.columns[name]):
            shown = some(f"row {cells.rows[row]} ({order.names[order.sequence[row]]!r})" for row in torn)
            problems.append(
                f"The target {name!r} of '{cells.name}' must be the same in all rows of a sequence; it changes in "
                f"{shown}."
            )


def _features(
    cells: Cells, order: _Order, names: Sequence[str], problems: list[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Columns of numbers by name, and remarks on what is none; slips of the pen among numbers are problems."""
    found, left_out, infinite = {}, [], 0
    for name in names:
        values, words, endless = _numbers(cells.columns[name])
        if len(words) and (len(words) > (1 - NUMBERS) * len(values) or not order.torn(cells.columns[name])):
            left_out.append(name)
            continue
        if len(words):
            shown = some(f"row {cells.rows[row]}: {cells.columns[name][row]!r}" for row in words)
            problems.append(
                f"The column {name!r} of '{cells.name}' holds numbers and {len(words):,} cells that are none "
                f"({shown}). Mend or empty them; an empty cell is a missing value."
            )
        found[name] = values
        infinite += endless
    said = [f"Left out, as they hold no numbers: {some(map(repr, left_out), 20)}."] if left_out else []
    return found, said + ([f"{infinite:,} infinite values are treated as missing."] if infinite else [])


def _numbers(cells: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
    """Cells as float64, NaN where there is no finite number; the places of words; and how many were infinite."""
    values, words = np.full(len(cells), np.nan), []
    for row, cell in enumerate(cells):
        if is_missing(cell):
            continue
        try:
            values[row] = float(cell.replace("_", "?"))  # Python's 1_000 is a word
        except ValueError:
            words.append(row)
    infinite = np.isinf(values)
    values[infinite] = np.nan
    return values, np.array(words, dtype=np.int64), int(infinite.sum())


def _spread(order: _Order, columns: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows as (N, steps, features), padded with 0; and how long each sequence is."""
    lengths = np.bincount(order.sequence, minlength=len(order.names))
    shape = len(lengths), int(lengths.max()), len(columns)
    if 4 * shape[0] * shape[1] * shape[2] > MOST_BYTES:
        raise DataError(
            f"Padded to the longest, {shape[1]:,} steps, the {shape[0]:,} sequences of '{name}' would take more than "
            f"{MOST_BYTES // 2**30} GiB. Cut the longest into several."
        )
    values = np.zeros(shape, np.float32)
    for place, column in enumerate(columns.values()):
        values[order.sequence, order.step, place] = column
    return values, lengths
