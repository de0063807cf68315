"""The specifications of a store, kept on this machine so that they can be searched: what changed is asked for, the rest
is here already.

A shelf holds 100,000 of them: in memory what the first look at all of them takes, on disk the means, which are read of
the few learnwares that it leaves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from msgspec import Struct

from starshift.errors import RunError
from starshift.learnware import specify
from starshift.learnware.specify import Specification
from starshift.recipe import digest
from starshift.records import InputContract, Learnware, SequenceContract, Space, TableContract
from starshift.records.entry import Changes, Entry

COARSE = 48
"""Dimensions of the first look."""

BLOCK = 2**16
"""Means that are held in float32 at once."""

LOOK = 2**18
"""Cells whose coarse distances are held at once."""

FORM = 1
"""The number of the files' form; another is made anew."""


class Listed(Struct, frozen=True):
    """What a shelf knows of a learnware in words."""

    id: str
    reference: str  # how its store is asked for it: NAME:VERSION
    title: str
    task: str
    licence: str  # an SPDX expression; "" where its maker gave none
    size: int  # bytes of its package
    takes: str  # "pictures", "table", "texts" or "sequences"
    cells: tuple[tuple[str, ...], ...] = ()  # classes of each mean; one () where the marginal alone is told
    counts: tuple[int, ...] = ()  # pictures behind each mean; 0 where it is told with noise
    space: str = ""  # specify.key of its space; "" where it has no specification
    synonyms: dict[str, tuple[str, ...]] = {}  # other names of its classes


class Source(Protocol):
    """A store, as far as a search needs it: learnware.store.store.Store has more."""

    place: str

    def changes(self, after: int = 0) -> Changes:
        """What was published and withdrawn after a revision, with specifications, oldest first."""
        ...

    def pull(self, reference: str) -> tuple[Entry, bytes]:
        """An entry and its package as a plain tar."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Rows(Protocol):
    """Rows of numbers, in memory or on disk."""

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Some that follow each other."""
        ...


@dataclass(frozen=True)
class OnDisk:
    """Means in a file, which are read and not mapped, so that they count as nobody's memory."""

    file: Path
    dimensions: int

    def __getitem__(self, rows: slice) -> np.ndarray:
        bytes_each = 2 * self.dimensions
        with self.file.open("rb", buffering=0) as stream:
            stream.seek(rows.start * bytes_each)
            content = stream.read((rows.stop - rows.start) * bytes_each)
        return np.frombuffer(content, np.float16).reshape(-1, self.dimensions)


@dataclass(frozen=True)
class Shelf:
    """Specifications of one space, side by side. A learnware of which the marginal alone is told has it as its cell."""

    space: Space
    listed: Sequence[Listed]
    means: Rows  # float16 (cells, dimensions)
    counts: np.ndarray  # int32 (cells,): pictures behind each mean; 0 of a marginal with noise
    starts: np.ndarray  # int64 (learnwares,): the first cell of each; the others follow
    whole: np.ndarray  # bool (learnwares,): of which only the marginal is told

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def of(cls, specifications: Sequence[Specification], listed: Sequence[Listed]) -> Shelf:
        """Specifications of one space, at least one, in memory. listed: what `described` says of each."""
        means = np.concatenate([_means(one) for one in specifications])
        return cls.on(specifications[0].record.space, listed, means)

    @classmethod
    def on(cls, space: Space, listed: Sequence[Listed], means: Rows) -> Shelf:
        """means: of all, in their order."""
        lengths = np.fromiter((len(one.counts) for one in listed), np.int64, len(listed))
        counts = np.fromiter((count for one in listed for count in one.counts), np.int32, int(lengths.sum()))
        whole = np.fromiter((not one.cells[0] for one in listed), bool, len(listed))
        return cls(space, listed, means, counts, np.cumsum(lengths) - lengths, whole)

    def cells(self, place: int) -> slice:
        """Of one learnware."""
        start = int(self.starts[place])
        return slice(start, start + len(self.listed[place].counts))

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All means, some at a time: float32 (n, dimensions)."""
        for start in range(0, len(self.counts), BLOCK):
            rows = slice(start, min(start + BLOCK, len(self.counts)))
            yield rows, self.means[rows].astype(np.float32)

    @cached_property
    def coarse(self) -> Coarse:
        """The first look."""
        return Coarse.of(self)

    @property
    def own(self) -> np.ndarray:
        """The mean kernel of two different pictures of each cell: float32 (cells,)."""
        return self.coarse.own


@dataclass(frozen=True)
class Coarse:
    """Means in the few dimensions in which they differ most."""

    centre: np.ndarray  # float32 (dimensions,)
    basis: np.ndarray  # float32 (dimensions, COARSE)
    cells: np.ndarray  # float32 (COARSE + 1, cells): what adds up to distances, see `nearness`
    own: np.ndarray  # float32 (cells,): the mean kernel of two different pictures of each

    @classmethod
    def of(cls, shelf: Shelf) -> Coarse:
        """By principal components of the means of a part of all learnwares, at most one block."""
        count = len(shelf.counts)
        places = np.linspace(0, count - 1, min(count, 8)).astype(int) if count > BLOCK else np.array([0])
        width = min(count, BLOCK // len(places))
        some = np.concatenate(
            [shelf.means[slice(start := min(place, count - width), start + width)] for place in places.tolist()]
        ).astype(np.float32)
        centre = some.mean(axis=0)
        basis = np.ascontiguousarray(_axes(some - centre))
        cells, own = np.empty((basis.shape[1] + 1, count), np.float32), np.empty(count, np.float32)
        for rows, means in shelf.blocks():
            own[rows] = specify.own_products(means, shelf.counts[rows])
            cells[:-1, rows] = -2 * ((means - centre) @ basis).T
            cells[-1, rows] = own[rows] - 2 * means @ centre
        return cls(centre, basis, cells, own)

    def nearness(self, means: np.ndarray, own: np.ndarray, far: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """How far each learnware is from all of a user's classes, none counted further than `far`: float32
        (learnwares,). Several classes may fall on one cell here.

        means: float32 (classes, dimensions). own, far: float32 (classes,). starts: the shelf's.
        """
        mine = np.hstack([(means - self.centre) @ self.basis, np.ones((len(means), 1))]).astype(np.float32)
        shift = (own - 2 * (means @ self.centre) + 2 * float(self.centre @ self.centre)).astype(np.float32)[:, None]
        found = np.empty(len(starts), np.float32)
        for first, last, begin, stop in _runs(starts, self.cells.shape[1]):
            distances = mine @ self.cells[:, begin:stop]
            nearest = np.minimum.reduceat(distances, starts[first:last] - begin, axis=1)
            found[first:last] = np.minimum(nearest + shift, far[:, None]).sum(axis=0)
        return found


def _axes(rows: np.ndarray) -> np.ndarray:
    """Directions in which centred rows differ most: float32 (dimensions, COARSE), fewer of fewer rows."""
    if len(rows) < rows.shape[1]:
        return np.linalg.svd(rows, full_matrices=False)[2][:COARSE].T
    return np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :COARSE]


def _runs(starts: np.ndarray, cells: int) -> Iterator[tuple[int, int, int, int]]:
    """Learnwares that follow each other, whole, of a block's cells: first and last of them, and of their cells."""
    first = 0
    while first < len(starts):
        last = max(int(np.searchsorted(starts, starts[first] + LOOK, side="right")) - 1, first + 1)
        if starts[first] + LOOK >= cells:
            last = len(starts)
        yield first, last, int(starts[first]), int(starts[last]) if last < len(starts) else cells
        first = last


# ----------------------------------------------------------------------------------------------------
# What is listed


def described(entry: Entry, learnware: Learnware, specification: Specification | None) -> Listed:
    """What a shelf knows of a learnware."""
    record = specification.record if specification else None
    cells = record.cells if record else ()
    whole = (0 if record.privacy else record.count,) if record else ()
    return Listed(
        id=entry.id,
        reference=entry.reference,
        title=entry.title,
        task=entry.task,
        licence=entry.licence,
        size=entry.package_bytes,
        takes=_TAKES.get(type(learnware.input), "texts"),
        cells=tuple(cell.classes for cell in cells) or (((),) if record else ()),
        counts=tuple(cell.count for cell in cells) or whole,
        space=specify.key(record.space) if record else "",
        synonyms=learnware.synonyms,
    )


_TAKES: dict[type, str] = {InputContract: "pictures", TableContract: "table", SequenceContract: "sequences"}


def _means(one: Specification) -> np.ndarray:
    return one.means if one.record.cells else one.marginal[None]


# ----------------------------------------------------------------------------------------------------
# Kept on disk


class _State(Struct):
    """How far a copy has come."""

    form: int
    revision: int
    unread: int  # learnwares that this version cannot read
    lines: int  # bytes of LINES that count: what lies behind was cut off in the middle


LINES, STATE, MEANS, SPACE = "listed.jsonl", "state.json", "means-{}.f16", "space-{}.json"


class _Gone(Struct, frozen=True, forbid_unknown_fields=True):
    """A line that takes an earlier one back."""

    withdrawn: str  # its reference


class Copy:
    """What a store tells to search by, in a folder of the cache."""

    def __init__(self, source: Source, cache: Path) -> None:
        self.source = source
        self.folder = cache / "shelves" / digest("shelf", FORM, source.place)[:32]
        self.unread = 0  # learnwares that this version of Starshift cannot read

    def update(self) -> None:
        """Ask for what changed since the last time. Raises StoreError where the store cannot be reached."""
        state, more = self._state(), True
        self.unread = state.unread
        self.folder.mkdir(parents=True, exist_ok=True)
        while more:
            changes = self.source.changes(state.revision)
            more = changes.more and changes.revision > state.revision
            if changes.changed:
                self._append(changes, state)
            state.revision = changes.revision
            self._write(STATE, msgspec.json.encode(state))
            self.unread = state.unread

    def listed(self) -> list[Listed]:
        """All that are not withdrawn, the latest last; also those without a specification."""
        found: dict[str, Listed] = {}
        for one in self._lines():
            if isinstance(one, Listed):
                found[one.reference] = one
            else:
                found.pop(one.withdrawn, None)
        return list(found.values())

    def shelf(self, space: Space) -> Shelf | None:
        """Everything of a space; None where nothing is."""
        key = specify.key(space)
        lines = [one for one in self._lines() if isinstance(one, Listed) and one.space == key]
        if not lines:
            return None
        return Shelf.on(space, lines, OnDisk(self.folder / MEANS.format(key[:32]), space.dimensions))

    def living(self, shelf: Shelf) -> np.ndarray:
        """Which of a shelf are not withdrawn: bool (learnwares,). Of those with one id, which are the same model under
        several names, the last counts.
        """
        living = {one.reference for one in self.listed()}
        last = {one.id: place for place, one in enumerate(shelf.listed) if one.reference in living}
        return np.array([last.get(one.id) == place for place, one in enumerate(shelf.listed)], bool)

    def _state(self) -> _State:
        try:
            state = msgspec.json.decode((self.folder / STATE).read_bytes(), type=_State)
        except (OSError, msgspec.DecodeError):
            return self._emptied()
        if state.form != FORM or not self._holds(state):
            return self._emptied()
        return state

    def _holds(self, state: _State) -> bool:
        """Whether the means are those of the lines; both are cut to what counts."""
        file = self.folder / LINES
        if not file.is_file() or file.stat().st_size < state.lines:
            return state.lines == 0
        os.truncate(file, state.lines)
        wanted: dict[str, int] = {}
        for one in self._lines():
            if isinstance(one, Listed) and one.space:
                wanted[one.space] = wanted.get(one.space, 0) + len(one.counts)
        for key, rows in wanted.items():
            means = self.folder / MEANS.format(key[:32])
            try:
                space = msgspec.json.decode((self.folder / SPACE.format(key[:32])).read_bytes(), type=Space)
                size = 2 * rows * space.dimensions
                if means.stat().st_size < size:
                    return False
                os.truncate(means, size)
            except (OSError, msgspec.DecodeError):
                return False
        return True

    def _emptied(self) -> _State:
        for file in self.folder.glob("*"):
            file.unlink(missing_ok=True)
        return _State(FORM, 0, 0, 0)

    def _lines(self) -> Iterator[Listed | _Gone]:
        file = self.folder / LINES
        if not file.is_file():
            return
        decoder = msgspec.json.Decoder(type=Listed)
        with file.open("rb") as stream:
            for line in stream:
                if line.startswith(b'{"withdrawn"'):
                    yield msgspec.json.decode(line, type=_Gone)
                else:
                    yield decoder.decode(line)

    def _append(self, changes: Changes, state: _State) -> None:
        lines: list[bytes] = []
        means: dict[str, list[np.ndarray]] = {}
        for one in changes.changed:
            if one.entry.withdrawn or not one.learnware:
                lines.append(msgspec.json.encode(_Gone(one.entry.reference)))
                continue
            try:  # what a newer version wrote is no reason to find nothing
                learnware = msgspec.json.decode(one.learnware, type=Learnware)
                specification = specify.read(one.specification) if one.specification else None
            except (msgspec.DecodeError, RunError):
                state.unread += 1
                continue
            listed = described(one.entry, learnware, specification)
            lines.append(msgspec.json.encode(listed))
            if specification:
                means.setdefault(listed.space, []).append(_means(specification))
                space = self.folder / SPACE.format(listed.space[:32])
                if not space.is_file():
                    self._write(space.name, msgspec.json.encode(specification.record.space))
        for key, arrays in means.items():
            with (self.folder / MEANS.format(key[:32])).open("ab") as stream:
                stream.write(np.concatenate(arrays).astype(np.float16).tobytes())
        if lines:
            with (self.folder / LINES).open("ab") as stream:
                state.lines += stream.write(b"\n".join(lines) + b"\n")

    def _write(self, name: str, content: bytes) -> None:
        draft = self.folder / f".{name}.{os.getpid()}"
        draft.write_bytes(content)
        draft.replace(self.folder / name)


def unseen(listed: Sequence[Listed], key: str) -> Mapping[str, int]:
    """How many learnwares of pictures a search in one space cannot see, by why. key: the space's, specify.key."""
    pictures = [one for one in listed if one.takes == "pictures"]
    return {
        "specified in another space": sum(bool(one.space) and one.space != key for one in pictures),
        "without a specification": sum(not one.space for one in pictures),
    }
