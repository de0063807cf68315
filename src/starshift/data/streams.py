"""Files of rows read a piece at a time, every cell as it stands there: what is predicted for may be large."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from starshift.data.labels import DELIMITERS
from starshift.data.sources import composed
from starshift.data.tables import PARQUET, as_cells, parquet
from starshift.errors import DataError

ROWS = 2_000
"""Rows in memory at once."""


@dataclass(frozen=True)
class Piece:
    """Some rows of a file. rows: cells as they stand there, as many as there are columns. numbers: their lines."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    numbers: list[int]
    delimiter: str = ","

    def column(self, name: str) -> list[str]:
        """The cells of a column, without surrounding blanks. Raises DataError where there is none of that name."""
        names = [composed(column.strip()) for column in self.columns]
        if name not in names:
            raise DataError(f"There is no column {name!r}.")
        place = names.index(name)
        return [row[place].strip() for row in self.rows]


def pieces(source: Path, size: int = ROWS) -> Iterator[Piece]:
    """The rows of a .csv, .tsv (also .gz) or .parquet file, in their order; at least one piece, if an empty one.

    Raises DataError where it cannot be read, at the row where it cannot; MissingExtra for Parquet without pyarrow.
    """
    try:
        yield from (_of_parquet if source.name.casefold().endswith(PARQUET) else _of_text)(source, size)
    except UnicodeDecodeError as error:
        raise DataError(f"'{source}' is not UTF-8; in a spreadsheet, save it as 'CSV UTF-8'.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"'{source}' is not whole gzip ({error}); download it again.") from error
    except csv.Error as error:
        raise DataError(f"'{source}' is no CSV ({error}); is a quotation mark left open?") from error
    except OSError as error:
        raise DataError(f"'{source}' cannot be read: {error.strerror or error}.") from error


def _of_text(source: Path, size: int) -> Iterator[Piece]:
    with _opened(source) as stream:
        start = stream.readline()
        if not start.strip():
            raise DataError(f"'{source}' begins with an empty line; a header with the columns' names is needed.")
        delimiter = max(DELIMITERS, key="".join(start.split('"')[::2]).count)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=delimiter != "\t")
        columns = tuple(next(reader))
        rows: list[list[str]] = []
        numbers: list[int] = []
        line, came = reader.line_num + 1, False
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_whole(cells, columns, line, source))
                numbers.append(line)
            line = reader.line_num + 1
            if len(rows) == size:
                yield Piece(columns, rows, numbers, delimiter)
                rows, numbers, came = [], [], True
        if rows or not came:
            yield Piece(columns, rows, numbers, delimiter)


def _opened(source: Path) -> TextIOWrapper:
    """As text, unpacked where its name ends in .gz; UTF-8, or UTF-16 by its mark."""
    packed = source.name.casefold().endswith(".gz")
    stream = cast(IO[bytes], gzip.open(source) if packed else source.open("rb"))  # noqa: SIM115  the caller closes it
    mark = stream.read(2)
    stream.seek(0)
    return TextIOWrapper(stream, "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", newline="")


def _whole(cells: list[str], columns: tuple[str, ...], line: int, source: Path) -> list[str]:
    if len(cells) > len(columns):
        raise DataError(
            f"Row {line} of '{source.name}' has {len(cells)} cells and the header {len(columns)}. Put cells that hold "
            "the delimiter into quotation marks."
        )
    return cells + [""] * (len(columns) - len(cells))


def _of_parquet(source: Path, size: int) -> Iterator[Piece]:
    reader = parquet()
    try:
        file = reader.ParquetFile(source)
    except ValueError as error:  # pyarrow's own errors are ValueErrors
        raise DataError(f"'{source}' cannot be read as Parquet: {error}") from error
    columns, done = tuple(file.schema_arrow.names), 0
    for batch in file.iter_batches(batch_size=size):
        cells = [as_cells(batch.column(place).to_pylist()) for place in range(len(columns))]
        rows = [list(row) for row in zip(*cells, strict=True)]
        yield Piece(columns, rows, list(range(done + 1, done + len(rows) + 1)))
        done += len(rows)
    if not done:
        yield Piece(columns, [], [])
