"""Which family of data a source holds, by what lies there and by what the first rows look like."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from starshift.data.labels import Table, parse
from starshift.errors import DataError
from starshift.records import Family

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
"""Endings of files that hold rows."""

PEEK_BYTES = 1 << 20
"""Of a file of rows, so much is looked at."""

WORDS = 8.0
"""Words per cell, on average, from which a column is taken for texts; Chinese counts two characters as a word."""

TEXT_FILES = (".txt", ".text", ".md")


def family_of(source: Path, targets: Collection[str] = ()) -> Family:
    """Pictures, a table, texts or sequences. targets: columns that are to be predicted, and so are no texts.

    A source that is not there, or cannot be understood, is left to the reader of pictures, which says so.
    """
    name = source.name.casefold()
    if name.endswith(".npz"):
        return "sequences"
    if name.endswith(TABLES):
        return "texts" if _is_texts(source, targets) else "table"
    return "texts" if source.is_dir() and _holds_text_files(source) else "pictures"


def _holds_text_files(folder: Path) -> bool:
    """Whether the class folders hold texts; the first hundred files below tell."""
    texts = others = 0
    for file in sorted(folder.glob("*/*")) + sorted(folder.glob("*/*/*"))[:100]:
        if file.is_file() and not file.name.startswith("."):
            texts, others = texts + file.name.casefold().endswith(TEXT_FILES), others + 1
        if others >= 100:
            break
    return texts > others / 2


def _is_texts(source: Path, targets: Collection[str]) -> bool:
    try:
        table = peek(source)
    except (DataError, OSError):
        return False
    return text_column(table, targets) is not None


def text_column(table: Table, targets: Collection[str]) -> str | None:
    """The one column that holds texts where nothing else could be learned from; None elsewhere.

    Beside it there may be targets, and columns whose cells all differ (ids) or are all the same.
    """
    others = [column for column in table.columns if column not in targets]
    texts = [column for column in others if is_text(table.cells(column))]
    if len(texts) != 1:
        return None
    rest = [column for column in others if column != texts[0] and 1 < len(set(table.cells(column))) < len(table.rows)]
    return texts[0] if len(rest) <= (0 if targets else 1) else None


def is_text(cells: Sequence[str]) -> bool:
    """Whether a column's cells are running text."""
    present = [cell for cell in cells if cell]
    return bool(present) and sum(map(words, present)) / len(present) >= WORDS


def words(cell: str) -> float:
    """How many words a cell has: those between blanks, and half the characters of scripts without blanks."""
    dense = sum("\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af" for character in cell)
    return len(cell.split()) + dense / 2


def peek(source: Path) -> Table:
    """The first rows of a file of rows. Raises DataError where it is no table, OSError where it is not there."""
    name = source.name.casefold()
    if name.endswith(".parquet"):
        raise DataError(f"'{source.name}' is not text.")  # its reader knows the columns' types
    with source.open("rb") as stream:
        content = stream.read(PEEK_BYTES)
        whole = not stream.read(1)
    if name.endswith(".gz"):
        content, whole = _unpacked(content, source.name), False
    # What is cut off in the middle of a row is left out, so that no quotation mark stays open.
    lines = content.split(b"\n")
    for kept in range(len(lines) - (0 if whole else 1), max(0, len(lines) - 200), -1):
        try:
            return parse(b"\n".join(lines[:kept]), source.name)
        except DataError:
            if whole:
                raise
    return parse(content, source.name)


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content, PEEK_BYTES)
    except zlib.error as error:
        raise DataError(f"'{name}' is not gzip ({error}).") from error


def read_bytes(source: Path) -> bytes:
    """A whole file, unpacked where its name ends in .gz. Raises DataError with what is wrong."""
    try:
        content = source.read_bytes()
        return gzip.decompress(content) if source.name.casefold().endswith(".gz") else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"'{source.name}' is not whole gzip ({error}); download it again.") from error
    except OSError as error:
        raise DataError(f"'{source}' cannot be read: {error.strerror or error}.") from error
