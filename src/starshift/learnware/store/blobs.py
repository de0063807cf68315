"""Files under the digest of their content, in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starshift.errors import StoreError
from starshift.records.files import TEMPORARY


@dataclass(frozen=True)
class Blob:
    """A file that is kept."""

    digest: str  # SHA-256
    age_seconds: float  # since it was written


class Blobs(Protocol):
    """Where files are kept. A file is there whole or not at all, and stays once `put` returned."""

    place: str  # for messages

    def put(self, content: bytes) -> str:
        """Keep a file; returns its digest. Returns only when it would outlast a power failure."""
        ...

    def get(self, digest: str) -> bytes:
        """A file, compared with its digest. Raises StoreError where it is gone or differs."""
        ...

    def has(self, digest: str) -> bool:
        """Whether a file is there; it is not read."""
        ...

    def delete(self, digest: str) -> None:
        """Forget a file, if it is there."""
        ...

    def kept(self) -> Iterator[Blob]:
        """Every file."""
        ...

    def sweep(self, older_seconds: float) -> int:
        """Remove drafts that a crash left behind; returns how many."""
        ...


def digest_of(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def compared(content: bytes, digest: str, place: str) -> bytes:
    """The content. Raises StoreError where it does not have the digest."""
    if digest_of(content) != digest:
        raise StoreError("damaged", f"The file {digest} in {place} is damaged: its content has another digest.")
    return content


class FolderBlobs:
    """Files in a folder: `ab/abcdef…`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder)

    def put(self, content: bytes) -> str:
        """Written beside its place and flushed to the disk, renamed, and the folder's list flushed too."""
        digest = digest_of(content)
        file = self._file(digest)
        try:
            if not self._is_whole(file, content):  # a damaged one is mended by publishing it again
                self._write(content, file)
            _flush_folder(file.parent)  # another may have renamed it into place and not have come this far
        except OSError as error:
            raise StoreError("unusable", f"{self.folder} cannot be written: {error.strerror or error}.") from error
        return digest

    def get(self, digest: str) -> bytes:
        """Read whole and compared."""
        try:
            return compared(self._file(digest).read_bytes(), digest, self.place)
        except FileNotFoundError as error:
            raise StoreError("damaged", f"The file {digest} is missing in {self.place}.") from error
        except OSError as error:
            raise StoreError("unusable", f"{self._file(digest)} cannot be read: {error.strerror or error}.") from error

    def has(self, digest: str) -> bool:
        """Whether it lies there."""
        return self._file(digest).is_file()

    def delete(self, digest: str) -> None:
        """Unlinked; the folder that held it stays."""
        try:
            self._file(digest).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                "unusable", f"{self._file(digest)} cannot be removed: {error.strerror or error}."
            ) from error

    def kept(self) -> Iterator[Blob]:
        """In no order."""
        for file in self._files():
            if not file.name.startswith(TEMPORARY):
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    yield Blob(file.name, time.time() - file.stat().st_mtime)

    def sweep(self, older_seconds: float) -> int:
        """Drafts carry the prefix of all temporary files."""
        removed = 0
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):
                if file.name.startswith(TEMPORARY) and time.time() - file.stat().st_mtime > older_seconds:
                    file.unlink()
                    removed += 1
        return removed

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("[0-9a-f][0-9a-f]/*")

    def _file(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    @staticmethod
    def _is_whole(file: Path, content: bytes) -> bool:
        try:
            return file.stat().st_size == len(content) and file.read_bytes() == content
        except FileNotFoundError:
            return False

    def _write(self, content: bytes, file: Path) -> None:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True, exist_ok=True)
            _flush_folder(self.folder)
        draft = file.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        try:
            with draft.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make a rename outlast a power failure, where the system lets a folder be flushed."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
