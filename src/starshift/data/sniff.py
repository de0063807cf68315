"""Which family of data a source holds, by what lies there and by what the first rows look like."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from starshift.data.labels import Table, parse
from starshift.errors import DataError
from starshift.records import Family

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
"""Endings of files that hold rows."""

UTF_16 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE

PEEK_BYTES = 1 << 20
"""Of a file of rows, so much is looked at."""

WORDS = 8.0
"""Words per cell, on average, from which a column is taken for texts; Chinese counts two characters as a word."""

TEXT_FILES = (".txt", ".text", ".md")

FILES_PER_FOLDER, MOST_LOOKED_AT = 10, 100
"""Files whose names tell what a folder holds: of one class, and in all."""


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
    """Whether the class folders, of the parts or at once, hold texts; a few files of each of the first tell."""
    try:
        names = list(islice(_few_files(folder), MOST_LOOKED_AT))
    except OSError:
        return False  # the reader of pictures says what cannot be read
    return sum(name.casefold().endswith(TEXT_FILES) for name in names) > len(names) / 2


def _few_files(folder: Path, depth: int = 2) -> Iterator[str]:
    """Names of some files in the folders below, down to `depth`, whatever the number of files."""
    for below in sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")):
        # Not sorted: a class may have a hundred thousand files, and all of a kind.
        files = (place.name for place in below.iterdir() if not place.name.startswith(".") and place.is_file())
        yield from islice(files, FILES_PER_FOLDER)
        if depth > 1:
            yield from _few_files(below, depth - 1)


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
    return parse(content if whole else _whole_rows(content), source.name)


def _whole_rows(content: bytes) -> bytes:
    """What stands before the last end of a row: a line end with an even number of quotation marks before it."""
    if content.startswith(UTF_16):
        content = content.decode("utf-16", "ignore").encode()
    end = found = quotes = 0
    for line in content.splitlines(keepends=True):
        quotes, end = quotes + line.count(b'"'), end + len(line)
        if quotes % 2 == 0 and line.endswith((b"\n", b"\r")):
            found = end
    return content[:found] or content


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
