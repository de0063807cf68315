"""Tables: rows of typed columns from CSV, TSV or Parquet, and what is wrong with them."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from starshift.data.columns import Looked, is_missing, look
from starshift.data.content import cells_of
from starshift.data.enough import too_few
from starshift.data.kinds import Labels, Wanted, no_strings, understand
from starshift.data.labels import parse
from starshift.data.sniff import read_bytes
from starshift.data.sources import composed, some
from starshift.errors import DataError, MissingExtra
from starshift.recipe import near
from starshift.records import Column, Dataset, Example, SetAside, TableContract

PARQUET = ".parquet"

COINCIDENCE = 0.5
"""Different rows per row below which equal rows are no copies: with few columns, most rows have equals."""


@dataclass(frozen=True)
class Cells:
    """A file of rows as it is: words by column, and where each row stands in the file."""

    name: str
    columns: Mapping[str, Sequence[str]]
    rows: Sequence[int]  # as a person counts them: the line of a text file, else from 1
    problems: tuple[str, ...] = ()

    def chosen(self, places: Sequence[int]) -> Cells:
        """Some of the rows."""
        columns = {name: [cells[place] for place in places] for name, cells in self.columns.items()}
        return Cells(self.name, columns, [self.rows[place] for place in places], self.problems)


@dataclass(frozen=True)
class Table:
    """A table as it was read: the record, every column's cells, and the columns that a model may look at."""

    dataset: Dataset
    columns: tuple[Column, ...]
    cells: Mapping[str, Sequence[str]] = field(repr=False)

    @property
    def contract(self) -> TableContract:
        """What a model takes that may look at every column."""
        return TableContract(self.columns)

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the examples' order. Raises DataError where there is no such column."""
        return cells_of(self.cells, name, f"{self.dataset.source} has no column {name!r}")


def read_table(source: Path, targets: Sequence[Wanted], min_per_class: int = 2) -> Table:
    """Read a table whose columns tell the targets.

    source: .csv or .tsv (also .gz) or .parquet. targets: the first leads; the columns of all of them are kept from the
    models. min_per_class: rows that every class needs. Raises DataError with all that is wrong, and MissingExtra where
    Parquet cannot be read.
    """
    cells = read_cells(source)
    problems = [*cells.problems, *_target_problems(cells, targets)]
    named = [Wanted(composed(one.name), one.kind) for one in targets if composed(one.name) in cells.columns]
    labels = [understand(one, cells.columns[one.name], cells.rows, f"'{cells.name}'") for one in named]
    problems += [problem for one in labels for problem in one.problems]
    problems += no_strings(labels, "row")
    kept = [place for place, label in enumerate(labels[0].labels) if label] if labels else range(len(cells.rows))
    if labels and not labels[0].problems:
        problems += too_few(
            labels[0].target,
            [labels[0].labels[place] for place in kept],
            [f"row {cells.rows[place]}" for place in kept],
            min_per_class,
            noun="row",
            of=f" of {labels[0].target.name!r}",
            advice="Add rows, give them another class, or leave their label empty.",
        )
    looked = _looked(cells.chosen(kept or range(len(cells.rows))), [one.name for one in named])
    problems += [one.problem for one in looked.values() if one.problem]
    if not problems and not any(one.column for one in looked.values()):
        problems.append(f"'{cells.name}' has no column to predict {named[0].name!r} from. {_left_out(looked)}")
    if problems:
        raise DataError(problems)
    return _table(source, cells, labels, kept, looked)


def _looked(cells: Cells, targets: Sequence[str]) -> dict[str, Looked]:
    """What every column is that is no target, by what stands in rows with a label."""
    return {
        name: look(name, column, cells.rows, f"'{cells.name}'")
        for name, column in cells.columns.items()
        if name not in targets
    }


def _table(
    source: Path, cells: Cells, labels: Sequence[Labels], kept: Sequence[int], looked: Mapping[str, Looked]
) -> Table:
    """The table of the rows that have a label."""
    chosen = cells.chosen(kept)
    columns = tuple(one.column for one in looked.values() if one.column)
    digests, coincident = _digests(chosen, columns)
    dataset = Dataset(
        source=str(source),
        layout="table",
        targets=tuple(one.target for one in labels),
        examples=tuple(
            Example(f"row {row}", labels[0].labels[place], "", digest)
            for row, place, digest in zip(chosen.rows, kept, digests, strict=True)
        ),
        set_aside=_without_label(cells, labels[0]),
        remarks=(*_remarks(looked, labels), *coincident),
        family="table",
        facts=_facts(chosen, columns, looked),
        further={one.target.name: tuple(one.labels[place] for place in kept) for one in labels[1:]},
    )
    return Table(dataset, columns, chosen.columns)


def _without_label(cells: Cells, labels: Labels) -> tuple[SetAside, ...]:
    reason = f"has no value of {labels.target.name!r}."
    return tuple(
        SetAside(f"row {row}", "unlabelled", f"Row {row} {reason}")
        for row, label in zip(cells.rows, labels.labels, strict=True)
        if not label
    )


def _digests(cells: Cells, columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    """Of each row, that of the cells that models look at; and a remark where equal rows are no copies.

    What is left out (ids above all) tells copies apart that a model could not.
    """
    rows = list(zip(*(cells.columns[column.name] for column in columns), strict=True))
    different = len(set(rows))
    coincident = different < COINCIDENCE * len(rows)
    marks: Sequence[object] = cells.rows if coincident else [""] * len(rows)
    found = [hashlib.sha256(repr((row, mark)).encode()).hexdigest() for row, mark in zip(rows, marks, strict=True)]
    said = (
        f"Only {different:,} of {len(rows):,} rows differ in what models look at; equal rows are not taken for copies."
    )
    return found, [said] if coincident else []


# ----------------------------------------------------------------------------------------------------
# What is said


_TITLES = {"number": "Numbers", "category": "Categories", "boolean": "Yes or no", "date": "Dates"}


def _facts(cells: Cells, columns: Sequence[Column], looked: Mapping[str, Looked]) -> dict[str, str]:
    """What a reader asks of a table: its columns by kind, what is left out, what is missing."""
    facts: dict[str, str] = {}
    for kind, title in _TITLES.items():
        named = [_named(column) for column in columns if column.kind == kind]
        facts |= {title: f"{len(named)} ({some(named, 20)})"} if named else {}
    left_out = [name for name, one in looked.items() if one.left_out]
    facts |= {"Left out": some(left_out, 20)} if left_out else {}
    empty = {column.name: sum(map(is_missing, cells.columns[column.name])) for column in columns}
    if lacking := {name: count for name, count in empty.items() if count}:
        shown = some((f"{name} {count:,}" for name, count in lacking.items()), 10)
        facts["Missing cells"] = f"{sum(lacking.values()):,} of {len(columns) * len(cells.rows):,} ({shown})"
    return facts


def _named(column: Column) -> str:
    return f"{column.name}: {len(column.categories)}" if column.kind == "category" else column.name


def _left_out(looked: Mapping[str, Looked]) -> str:
    return "; ".join(f"{name!r}: {one.left_out}" for name, one in looked.items() if one.left_out) + "."


def _remarks(looked: Mapping[str, Looked], labels: Sequence[Labels]) -> list[str]:
    said = [f"Left out: {_left_out(looked)}"] if any(one.left_out for one in looked.values()) else []
    # That rows without the leading label teach other targets is not so here: they are set aside, and said as such.
    said += [
        remark for one in labels for remark in one.remarks if one is not labels[0] or "is missing in" not in remark
    ]
    return said


# ----------------------------------------------------------------------------------------------------
# What is wrong


def _target_problems(cells: Cells, targets: Sequence[Wanted]) -> list[str]:
    columns = list(cells.columns)
    if not targets:
        return [
            f"Say with --target which column of '{cells.name}' is to be predicted, such as --target "
            f"{shlex.quote(columns[-1])}. Its columns: {some(map(repr, columns), 30)}."
        ]
    return [
        f"'{cells.name}' has no column {one.name!r} (--target).{near(one.name, columns)}"
        for one in targets
        if composed(one.name) not in cells.columns
    ]


# ----------------------------------------------------------------------------------------------------
# Files


def read_cells(source: Path) -> Cells:
    """A file of rows. Raises DataError where it is none, MissingExtra where Parquet cannot be read."""
    if source.name.casefold().endswith(PARQUET):
        return _read_parquet(source)
    table = parse(read_bytes(source), source.name)
    columns = {name: [row.cells[place] for row in table.rows] for place, name in enumerate(table.columns)}
    unnamed = [f"{place + 1}" for place, name in enumerate(table.columns) if not name]
    problems = [f"{remark} Put cells that hold the delimiter into quotation marks." for remark in table.remarks]
    if unnamed and len(unnamed) == 1 and unnamed[0] == "1":  # as spreadsheets and pandas write their row numbers
        columns = {name or "unnamed": cells for name, cells in columns.items()}
    elif unnamed:
        problems.append(f"The header of '{source.name}' leaves column {some(unnamed)} without a name; give it one.")
    return Cells(source.name, columns, [row.number for row in table.rows], tuple(problems))


def parquet() -> Any:
    """pyarrow.parquet. Raises MissingExtra where it is not installed."""
    try:
        import pyarrow.parquet as found
    except ImportError as error:
        raise MissingExtra(
            "Parquet is read by pyarrow, which is not installed: pip install 'starshift[parquet]'. Or save the table "
            "as CSV."
        ) from error
    return found


def _read_parquet(source: Path) -> Cells:
    reader = parquet()
    try:
        table = reader.read_table(source)
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these two
        raise DataError(f"'{source}' cannot be read as Parquet: {error}") from error
    if not table.num_rows:
        raise DataError(f"'{source.name}' has columns and no rows.")
    if doubled := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise DataError(f"'{source.name}' has the column {some(map(repr, doubled))} more than once; rename one.")
    columns = {composed(name): as_cells(table.column(name).to_pylist()) for name in table.column_names}
    return Cells(source.name, columns, range(1, table.num_rows + 1))


def as_cells(values: Sequence[Any]) -> list[str]:
    """Typed values as cells of a CSV: "" for none, numbers exactly, dates in ISO 8601, the rest as it prints."""
    return ["" if value is None else _cell(value) for value in values]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
