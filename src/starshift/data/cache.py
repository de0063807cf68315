"""Rows of one shape, kept on disk under the digest of what they were computed from.

    <cache root>/<kind>/<digest of the settings>/settings.json      what the rows were made with, to read
                                                 <name>.npy         a shard: rows, memory-mapped when read
                                                 <name>.json        its index: digest and facts of each row

A shard is written under a temporary name and renamed when it is whole, its index last: a crash leaves no
torn shard, and processes that work side by side need no lock. At worst they compute the same row twice.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec
import numpy as np

from starshift.errors import StarshiftError
from starshift.records.files import TEMPORARY, write_bytes

FORM = 1
"""The number of the layout on disk; rows stored in another form are not seen."""

Fact: TypeAlias = str | int | float
Setting: TypeAlias = str | int

_ABANDONED_SECONDS = 24 * 3600.0  # after which a temporary file is taken for what a crash left behind


def cache_root() -> Path:
    """The folder for everything that can be computed again: $STARSHIFT_CACHE, or the platform's own place."""
    if chosen := os.environ.get("STARSHIFT_CACHE"):
        return Path(chosen).expanduser()
    return _platform_caches() / "starshift"


def _platform_caches() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache"


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON beside a shard."""

    shape: tuple[int, ...]  # of one row
    dtype: str
    digests: tuple[str, ...]  # one per row, in the order of the rows
    facts: tuple[dict[str, Fact], ...]  # one per row


class Rows:
    """Chosen rows of a store, read when they are asked for.

    Has `len`, `shape` and `dtype`; `rows[i]` is one row, `rows[indices]` (a slice, integers or a mask) an
    array of the rows chosen, both copies; `np.asarray(rows)` is all of them, without a copy where they lie
    one after another in one shard.
    """

    def __init__(self, shards: Sequence[np.ndarray], shard: np.ndarray, row: np.ndarray) -> None:
        """shards: at least one array (rows, *shape). shard, row: int (N,), where each chosen row lies."""
        self._shards = tuple(shards)
        self._shard = shard
        self._row = row
        self.dtype: np.dtype[Any] = self._shards[0].dtype
        self.shape: tuple[int, ...] = (len(row), *self._shards[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all rows take."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, chosen: int | np.integer[Any] | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        if isinstance(chosen, int | np.integer):
            return np.array(self._shards[self._shard[chosen]][self._row[chosen]])
        if not isinstance(chosen, slice):
            chosen = np.asarray(chosen)
            chosen = chosen.astype(np.intp) if chosen.size == 0 else chosen  # [] would be taken for floats
        return self._gathered(self._shard[chosen], self._row[chosen])

    def _gathered(self, shard: np.ndarray, row: np.ndarray) -> np.ndarray:
        out = np.empty((len(row), *self.shape[1:]), self.dtype)
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            if len(here) == len(row):
                # Straight into place: with "raise", the default, NumPy fills a second array first.
                np.take(self._shards[number], row, axis=0, out=out, mode="clip")
            else:
                out[here] = self._shards[number][row[here]]
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = self._view()
        if copy is False and (found is None or (dtype is not None and np.dtype(dtype) != self.dtype)):
            raise ValueError("these rows lie apart, or have another dtype, and cannot be had without a copy")
        if found is None:
            return self._gathered(self._shard, self._row).astype(dtype or self.dtype, copy=False)
        return found.astype(dtype or self.dtype, copy=bool(copy))

    def _view(self) -> np.ndarray | None:
        """All rows as a read-only view, or None where they do not lie one after another in one shard."""
        if not len(self):
            return np.empty(self.shape, self.dtype)
        together = (self._shard == self._shard[0]).all() and (np.diff(self._row) == 1).all()
        if not together:
            return None
        return np.asarray(self._shards[self._shard[0]][self._row[0] : self._row[-1] + 1])


class Writer:
    """Adds rows to a store; made by `RowStore.writer`."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._name = f"{time.time_ns():x}-{secrets.token_hex(4)}"  # sorts by age; never the same twice
        self._temporary = store.folder / f"{TEMPORARY}{self._name}.npy"
        self._stream: IO[bytes] | None = None
        self._digests: dict[str, dict[str, Fact]] = {}

    def add(self, digest: str, row: np.ndarray, facts: Mapping[str, Fact] | None = None) -> None:
        """Write one row; one whose digest is already stored is passed over.

        Raises ValueError if the row has another shape or dtype than the store; StarshiftError if the disk
        is full.
        """
        store = self._store
        if digest in store or digest in self._digests:
            return
        if row.shape != store.shape or row.dtype != store.dtype:
            raise ValueError(f"a row {row.shape} {row.dtype} in a store of {store.shape} {store.dtype}")
        with store.explaining():
            stream = self._open()
            # Where this row belongs, even if the one before was written in part when the disk was full.
            stream.seek(len(store.header(0)) + len(self._digests) * store.row_bytes)
            stream.write(np.ascontiguousarray(row).data)
        self._digests[digest] = dict(facts or {})

    def _open(self) -> IO[bytes]:
        if self._stream is None:
            self._store.prepare(1)
            # Plain writes and not a memory map, where a full disk would kill the process instead of raising.
            self._stream = self._temporary.open("wb")
            self._stream.write(self._store.header(0))
        return self._stream

    def finish(self) -> None:
        """Make what was added visible to every reader. Raises StarshiftError if the disk is full."""
        if self._stream is None or not self._digests:
            return
        store, count = self._store, len(self._digests)
        with store.explaining(), self._stream as stream:
            # An interrupted `add` may have left a part of a row behind the last whole one.
            stream.truncate(len(store.header(count)) + count * store.row_bytes)
            stream.seek(0)
            stream.write(store.header(count))
        index = Index(store.shape, store.dtype.str, tuple(self._digests), tuple(self._digests.values()))
        shard = store.folder / f"{self._name}.npy"
        with store.explaining():
            self._temporary.replace(shard)
            try:
                write_bytes(msgspec.json.encode(index), shard.with_suffix(".json"))
            except BaseException:  # an interrupt too: without an index nobody finds the shard
                shard.unlink()
                raise
        store.refresh()

    def discard(self) -> None:
        """Remove what `finish` could not finish."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)


class RowStore:
    """Rows of one shape and dtype, computed by one kind of work with one choice of settings.

    `damaged` holds a sentence for each shard that was found damaged and removed; its rows are missing
    again, so that whoever needs them computes them anew.
    """

    def __init__(
        self,
        root: Path,
        kind: str,
        settings: Mapping[str, Setting],
        shape: Sequence[int],
        dtype: np.dtype[Any] | type | str,
    ) -> None:
        """root: the cache's folder. kind: a word, "pixels". settings: everything else that decides what a
        row holds. shape, dtype: of one row. Nothing is written before the first row.
        """
        self.shape: tuple[int, ...] = tuple(int(side) for side in shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.damaged: list[str] = []
        self._settings = {"form": FORM, "shape": list(self.shape), "dtype": self.dtype.str, **settings}
        self.folder = root / kind / hashlib.sha256(_canonical(self._settings)).hexdigest()[:16]
        self._shards: list[np.ndarray] = []
        self._read: set[str] = set()  # names of indexes that are already in `_places`
        self._places: dict[str, tuple[int, int]] = {}  # digest: number of its shard, row in the shard
        self._facts: dict[str, dict[str, Fact]] = {}
        self.refresh()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def __len__(self) -> int:
        return len(self._places)

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those digests that have no row, each once, in their order."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self._places]

    def facts(self, digest: str) -> dict[str, Fact]:
        """What was noted with a row. Raises KeyError if there is no such row."""
        return self._facts[digest]

    def rows(self, digests: Sequence[str]) -> Rows:
        """The rows of these digests, in their order; one may be asked for more than once.

        Raises KeyError if a row is missing.
        """
        places = np.array([self._places[digest] for digest in digests], dtype=np.intp).reshape(-1, 2)
        shards = self._shards or [np.empty((0, *self.shape), self.dtype)]
        return Rows(shards, places[:, 0], places[:, 1])

    @contextmanager
    def writer(self, capacity: int = 0) -> Iterator[Writer]:
        """Add rows, which are visible when the block ends; an exception or Ctrl-C keeps those added so far.

        capacity: the rows that will be added, if known: a disk that cannot take them is reported before the
        work begins. Raises StarshiftError if the disk is full or may not be written.
        """
        if capacity:
            with self.explaining():
                self.prepare(capacity)
        writer = Writer(self)
        try:
            try:
                yield writer
            finally:
                writer.finish()
        finally:
            writer.discard()

    def prepare(self, capacity: int) -> None:
        """Make the folder. Raises OSError if it cannot be made or the disk has no room for so many rows."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "settings.json").exists():
            write_bytes(msgspec.json.format(_canonical(self._settings)), self.folder / "settings.json")
        self._sweep()
        if shutil.disk_usage(self.folder).free < capacity * self.row_bytes:
            raise OSError(errno.ENOSPC, f"{capacity * self.row_bytes / 2**20:,.0f} MiB are needed")

    def _sweep(self) -> None:
        """Remove what processes that were killed left behind: temporary files, shards without an index."""
        lost = (shard for shard in self.folder.glob("*.npy") if not shard.with_suffix(".json").exists())
        for left in {*self.folder.glob(f"{TEMPORARY}*"), *lost}:
            with suppress(OSError):  # its writer may rename it at this very moment
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turns what a disk says into a sentence that says what to do."""
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
            trouble = "is on a full disk" if full else "cannot be written"
            raise StarshiftError(
                f"The cache folder {self.folder} {trouble} ({error.strerror or error}). Make room there, or "
                "name a folder on another disk in the environment variable STARSHIFT_CACHE."
            ) from error

    # What lies on disk ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take up shards that were finished since, by whatever process."""
        for index in sorted(self.folder.glob("*.json")):
            if index.name != "settings.json" and index.stem not in self._read:
                self._read.add(index.stem)
                self._take_up(index)

    def _take_up(self, index: Path) -> None:
        try:
            known = msgspec.json.decode(index.read_bytes(), type=Index)
            shard = self._mapped(index.with_suffix(".npy"), known)
        except (ValueError, OSError, msgspec.MsgspecError) as error:
            self._remove(index, error)
            return
        for row, (digest, facts) in enumerate(zip(known.digests, known.facts, strict=True)):
            if digest not in self._places:
                self._places[digest] = (len(self._shards), row)
                self._facts[digest] = facts
        self._shards.append(shard)

    def _mapped(self, file: Path, index: Index) -> np.ndarray:
        """The shard's rows, memory-mapped. Raises ValueError or OSError if it is not what the index says.

        Compares form and size only: reading every byte at every start would cost what the cache saves.
        """
        count = len(index.digests)
        if (index.shape, index.dtype, len(index.facts)) != (self.shape, self.dtype.str, count):
            raise ValueError("its index is about other rows")
        header = self.header(count)
        if file.stat().st_size != len(header) + count * self.row_bytes:
            raise ValueError("it has another size than its index says")
        with file.open("rb") as stream:
            if stream.read(len(header)) != header:
                raise ValueError("its header is not what its index says")
        return np.memmap(file, self.dtype, "r", offset=len(header), shape=(count, *self.shape))

    def header(self, count: int) -> bytes:
        """The head of a .npy file of `count` rows; its length does not depend on `count`."""
        stream = BytesIO()
        described = {"descr": self.dtype.str, "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(stream, described)
        return stream.getvalue()

    def _remove(self, index: Path, error: Exception) -> None:
        self.damaged.append(f"A part of the cache was damaged ({error}) and is computed again: {index}.")
        for file in (index, index.with_suffix(".npy")):
            with suppress(OSError):  # a cache that may only be read stays as it is
                file.unlink(missing_ok=True)


def _canonical(settings: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(dict(settings), order="deterministic")
