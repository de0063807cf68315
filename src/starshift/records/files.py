"""Records as JSON files: written whole or not at all, read strictly."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from starshift.errors import RunError

T = TypeVar("T")

TEMPORARY = ".partial-"
"""What the names of files begin with while they are written."""


def write(record: object, file: Path) -> None:
    """Write a record as indented JSON; a reader sees the old file or the new one, never half of it."""
    write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n", file)


def write_bytes(content: bytes, file: Path) -> None:
    """Write a file whole or not at all."""
    with drafted(file) as draft:
        draft.write_bytes(content)


@contextlib.contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """A path to write to instead, which takes the file's place at the end of the block; nothing of it stays if it
    ends by an exception.
    """
    draft = file.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{file.name}")
    try:
        yield draft
        draft.replace(file)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def read(file: Path, kind: type[T]) -> T:
    """Read a record. Raises RunError with file and place where the JSON is not what it should be."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(
            f"{file} is not a {kind.__name__} that this version of Starshift can read ({error}). "
            "It was damaged, edited, or written by another version."
        ) from error


def append_line(record: object, file: Path) -> None:
    """Add a record to a file of JSON lines."""
    with file.open("ab") as stream:
        stream.write(msgspec.json.encode(record) + b"\n")


def read_lines(file: Path, kind: type[T]) -> list[T]:
    """Read JSON lines; a file that is not there has none. Raises RunError as `read` does."""
    if not file.is_file():
        return []
    try:
        return [msgspec.json.decode(line, type=kind) for line in file.read_bytes().splitlines() if line]
    except msgspec.DecodeError as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
