"""Near copies: pictures that show the same photograph or drawing, resized, recompressed, cut, mirrored or brightened.

Two stages. Inner products of small vectors name a few candidates per picture (`descriptors`); each is then laid on
the other and compared pixel by pixel (`registration`). Grey pictures of SIDE pixels are all that is looked at; they
come out of the decoding that happens anyway, and are kept in the cache, as are the pairs that were found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from PIL import Image

from starshift.data.cache import RowStore, cache_root
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.errors import RunError
from starshift.execution import map_ordered
from starshift.findings.cutouts import cut_outs
from starshift.findings.descriptors import WHOLE, Candidates, candidates, cut_windows, joined, learn, mutual
from starshift.findings.registration import lay, lay_roughly, shrunk
from starshift.records import Dataset, files

FORM = 2
"""Raised by one whenever the same pictures would give other pairs than before."""

SIDE = 64
"""Pixels per side of the grey squares that are compared."""

SMALL_SIDE = 32
"""Pixels per side of those from which candidates are found."""

LARGE = 20_000
"""Pictures beyond which only whole pictures and their mirror images are compared, and no windows: the work grows with
the square of their number."""

FLAT = 2.0
"""Standard deviation of grey levels below which there is nothing to know a picture by."""

AT_ONCE = 256
"""Pairs that are laid on each other at once; bounds the memory."""

ROUGHLY = 0.75
"""Correlation of small pictures below which they are not laid on each other exactly."""

SMALLEST_WINDOW = 0.7
"""Share of a side: what is cut further than that is no near copy."""

COMPARED_AT = (12, 24, 48)
"""Pixels per side at which pictures are compared, by how many they have."""

SURE = (0.99, 0.976, 0.97)
"""Correlation of the details from which two pictures are copies, whatever else is like them, for each of COMPARED_AT:
the fewer pixels, the more is alike by chance."""

SURE_EVEN = 0.94
"""The same of details made equally strong."""

LEAST_SEARCHED = 64
"""Pixels of the shorter side from which pictures are searched for what was cut out of them: a window has fewer."""

LIKELY, LIKELY_IF_SMALL, LIKELY_EVEN, CLOSER = 0.9, 0.95, 0.7, 0.2
"""Correlations from which they are if what is missing from 1 is at most CLOSER times what others miss. Small: compared
at fewer pixels than the most."""

FAINT = 1.0
"""Standard deviation of the details, in grey levels, below which they may be noise."""


class Pair(NamedTuple):
    """Two pictures of which one is a changed copy of the other."""

    first: int  # index into `Dataset.pictures`, below `second`
    second: int
    likeness: float  # correlation of what they show once they lie on each other, 0 to 1
    mirrored: bool


def near_copies(pictures: Pictures, frame: Frame, cache: Path | None = None) -> tuple[Pair, ...]:
    """Pairs of near copies, the most alike first; exact copies are none of them.

    frame: at which the pictures were read, so that nothing is decoded again. cache: folder, by default
    `cache_root()`. Each of several exact copies stands for all: a pair names the first of them. Raises DataError if
    files changed since they were read, StarshiftError if the cache cannot be written.
    """
    first = {picture.digest: index for index, picture in reversed(list(enumerate(pictures.dataset.pictures)))}
    digests = sorted(first)  # the order of which nothing depends on the files' names
    store = _store(cache or cache_root(), frame)
    file = store.folder.parent / "pairs" / f"{_key(frame, pictures.dataset)}.json"
    found = _remembered(file)
    if found is None:
        rows = [first[digest] for digest in digests]
        found = _found(pictures.dataset, rows, _squares(pictures, frame, store, digests))
        with store.explaining():
            file.parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(msgspec.json.encode(found), file)
    return tuple(_pair(one, first) for one in found)


def _pair(found: _Found, first: Mapping[str, int]) -> Pair:
    one, other = sorted(first[digest] for digest in found.digests)
    return Pair(one, other, found.likeness, found.mirrored)


# ---- grey squares and what is remembered ----------------------------------------------------------


class _Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair as it is kept, whatever the files are called by then."""

    digests: tuple[str, str]
    likeness: float
    mirrored: bool


def _store(cache: Path, frame: Frame) -> RowStore:
    return RowStore(cache, "near", {"frame": frame.key, "form": FORM}, (SIDE, SIDE), np.uint8)


def _key(frame: Frame, dataset: Dataset) -> str:
    """What decides which pairs are found; classes do too, since some pictures of each are searched for cut ones."""
    rows = sorted({f"{picture.digest} {picture.label}" for picture in dataset.pictures})
    return hashlib.sha256("\n".join([str(FORM), frame.key, *rows]).encode("utf-8", "replace")).hexdigest()[:32]


def _remembered(file: Path) -> list[_Found] | None:
    if not file.is_file():
        return None
    try:
        return files.read(file, list[_Found])
    except RunError:  # damaged: found again, and written again
        return None


def _squares(pictures: Pictures, frame: Frame, store: RowStore, digests: Sequence[str]) -> np.ndarray:
    """Every picture in grey levels: uint8 (N, SIDE, SIDE)."""
    missing = set(store.missing(digests))
    if missing:
        pixels = pictures.pixels(frame)
        rows = [row for row, digest in enumerate(pictures.dataset.digests) if digest in missing]
        with store.writer(len(missing)) as writer:
            for row, square in zip(rows, map_ordered(lambda row: _grey(pixels[row]), rows), strict=True):
                writer.add(pictures.dataset.digests[row], square)
    return np.asarray(store.rows(digests))


def _grey(picture: np.ndarray) -> np.ndarray:
    """uint8 (SIDE, SIDE) from uint8 (size, size, 3)."""
    grey = Image.fromarray(picture).convert("L")
    return np.asarray(grey if grey.size == (SIDE, SIDE) else grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


# ---- finding --------------------------------------------------------------------------------------


def _found(dataset: Dataset, rows: Sequence[int], squares: np.ndarray) -> list[_Found]:
    """The pairs among some of the pictures, `rows`, whose grey squares are `squares`."""
    chosen = [dataset.pictures[row] for row in rows]
    sides = np.array([min(picture.width, picture.height) for picture in chosen])
    classes = dataset.encoded()[np.array(rows)]
    return [
        _Found((chosen[pair.first].digest, chosen[pair.second].digest), round(pair.likeness, 4), pair.mirrored)
        for pair in pairs_of(squares, sides, classes)
    ]


def pairs_of(squares: np.ndarray, sides: np.ndarray, classes: np.ndarray) -> list[Pair]:
    """Near copies among grey pictures, the most alike first.

    squares: uint8 (N, SIDE, SIDE). sides: int (N,), pixels of the shorter side of each picture as it came. classes:
    int (N,).
    """
    from threadpoolctl import threadpool_limits

    # The work is divided over the cores by ourselves; threads of BLAS below it would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        return _pairs_of(squares, sides, classes)


def _pairs_of(squares: np.ndarray, sides: np.ndarray, classes: np.ndarray) -> list[Pair]:
    speaking = np.flatnonzero(squares.reshape(len(squares), -1).std(axis=1) >= FLAT)
    if len(speaking) < 2:
        return []
    squares = squares[speaking]
    small = np.concatenate([shrunk(block.astype(np.float32), SMALL_SIDE) for block in _blocks(squares)])
    near = _laid(squares, small, sides[speaking], _candidates(small))
    near = near.chosen(_are_copies(near, len(squares)))
    pairs = _as_pairs(speaking, near.first, near.second, near.details, near.mirrored)
    whole = np.flatnonzero(sides[speaking] >= LEAST_SEARCHED)
    if 2 <= len(whole) <= LARGE:
        cut = cut_outs(squares[whole], small[whole], classes[speaking[whole]])
        straight = np.zeros(len(cut.first), dtype=bool)
        more = _as_pairs(speaking[whole], cut.first, cut.second, cut.likeness, straight)
        pairs = more | pairs
    return sorted(pairs.values(), key=lambda pair: (-pair.likeness, pair.first, pair.second))


def _as_pairs(
    speaking: np.ndarray, first: np.ndarray, second: np.ndarray, likeness: np.ndarray, mirrored: np.ndarray
) -> dict[tuple[int, int], Pair]:
    """Pairs by their places among all pictures."""
    places = np.sort(np.stack([speaking[first], speaking[second]], axis=1), axis=1).tolist()
    return {
        (one, other): Pair(one, other, float(alike), bool(turned))
        for (one, other), alike, turned in zip(places, likeness, mirrored, strict=True)
    }


def _blocks(squares: np.ndarray) -> list[np.ndarray]:
    return [squares[start : start + AT_ONCE] for start in range(0, len(squares), AT_ONCE)]


def _candidates(small: np.ndarray) -> Candidates:
    """Those that are alike as they are, and those that are once one is cut: neither crowds out the other."""
    learned = learn(small)
    whole = candidates(small, learned, WHOLE)
    return mutual(whole if len(small) > LARGE else joined(whole, candidates(small, learned, cut_windows())))


@dataclass(frozen=True)
class _Near:
    """Candidates that lie well on each other."""

    first: np.ndarray  # int (M,)
    second: np.ndarray  # int (M,)
    mirrored: np.ndarray  # bool (M,)
    details: np.ndarray  # float32 (M,), correlation
    even: np.ndarray  # float32 (M,), correlation of weak and strong details alike
    contrast: np.ndarray  # float32 (M,), of the details, in grey levels
    pixels: np.ndarray  # int (M,), per side, at which they were compared

    def chosen(self, rows: np.ndarray) -> _Near:
        return _Near(*(getattr(self, field.name)[rows] for field in fields(self)))


def _laid(squares: np.ndarray, small: np.ndarray, sides: np.ndarray, found: Candidates) -> _Near:
    """Every pair as it lies best, of those that lie well on each other."""
    windows, alike = _roughly(small, found)
    extent = np.minimum(windows[:, 1] - windows[:, 0], windows[:, 3] - windows[:, 2])
    good = np.flatnonzero((alike >= ROUGHLY) & (extent >= SMALLEST_WINDOW))
    order = good[np.argsort(-alike[good], kind="stable")]
    pairs = np.sort(np.stack([found.first, found.second], axis=1), axis=1)[order]
    # Each was tried from both sides, as it is and mirrored, whole and cut.
    rows = order[np.unique(pairs, axis=0, return_index=True)[1]]
    pixels = np.minimum(sides[found.first[rows]], sides[found.second[rows]])
    size = np.array(COMPARED_AT)[np.searchsorted(COMPARED_AT[1:], pixels, side="right")]

    def some(chosen: np.ndarray) -> _Near:
        return _exactly(squares, found, rows[chosen], windows[rows[chosen]], int(size[chosen[0]]))

    parts = [np.flatnonzero(size == one) for one in COMPARED_AT]
    return _together(
        list(map_ordered(some, [part[i : i + AT_ONCE] for part in parts for i in range(0, len(part), AT_ONCE)]))
    )


def _roughly(small: np.ndarray, found: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """All candidates laid on each other roughly: windows, float32 (M, 4), and correlations, float32 (M,)."""

    def some(start: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(start, start + AT_ONCE)
        first = _turned(small[found.first[rows]], found.mirrored[rows])
        return lay_roughly(first, small[found.second[rows]], found.windows[rows])

    none = np.empty((0, 4), np.float32), np.empty(0, np.float32)
    parts = [none, *map_ordered(some, range(0, len(found.first), AT_ONCE))]
    return np.concatenate([windows for windows, _ in parts]), np.concatenate([alike for _, alike in parts])


def _exactly(squares: np.ndarray, found: Candidates, rows: np.ndarray, windows: np.ndarray, pixels: int) -> _Near:
    """Some candidates compared at so many pixels per side."""
    places = (found.first[rows], found.second[rows], found.mirrored[rows])
    first = _turned(squares[places[0]].astype(np.float32), places[2])
    laid = lay(first, squares[places[1]].astype(np.float32), windows, fine=pixels)
    return _Near(*places, laid.details, laid.even, laid.contrast, np.full(len(rows), pixels))


def _together(parts: Sequence[_Near]) -> _Near:
    none = _Near(*(np.empty(0, kind) for kind in (np.intp, np.intp, bool, np.float32, np.float32, np.float32, np.intp)))
    return _Near(*(np.concatenate([getattr(part, field.name) for part in (none, *parts)]) for field in fields(_Near)))


def _turned(pictures: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """A copy in which some are mirrored."""
    pictures = pictures.copy()
    pictures[mirrored] = pictures[mirrored][:, :, ::-1]
    return pictures


def _are_copies(near: _Near, count: int) -> np.ndarray:
    """Which pairs are copies: bool (M,).

    Digits of one kind are more alike than photographs of one cat. So what is not nearly equal must also be much closer
    than what else is like either of the two, as in the ratio test of Lowe (IJCV 60 (2004) 91), here against the third
    of the others, since up to two more may be copies as well.
    """
    gap = 1 - near.details
    others = np.maximum(_third(near.first, near, count), _third(near.second, near, count))
    likely = np.where(near.pixels < COMPARED_AT[-1], LIKELY_IF_SMALL, LIKELY)
    sure = near.details >= np.array(SURE)[np.searchsorted(COMPARED_AT, near.pixels)]
    sure &= near.even >= SURE_EVEN
    clear = (near.details >= likely) & (near.even >= LIKELY_EVEN) & (gap <= CLOSER * (1 - others))
    return (sure | clear) & (near.contrast >= FAINT)


def _third(side: np.ndarray, near: _Near, count: int) -> np.ndarray:
    """The third highest correlation of the pictures in `side` with pictures outside the pair: float32 (M,)."""
    pictures = np.concatenate([near.first, near.second])
    values = np.concatenate([near.details, near.details])
    order = np.lexsort((-values, pictures))
    pictures, values = pictures[order], values[order]
    rank = np.arange(len(pictures)) - np.searchsorted(pictures, pictures)
    best = np.zeros((count, 4), dtype=np.float32)
    best[pictures[rank < 4], rank[rank < 4]] = values[rank < 4]
    return np.where(near.details >= best[side, 2], best[side, 3], best[side, 2])
