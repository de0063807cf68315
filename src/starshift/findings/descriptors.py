"""Which pictures may show the same thing: few numbers per picture, compared with those of windows of every other.

Every picture is one vector, and so is each of its windows that a cut copy might show, as it is and mirrored. What
tells pictures apart and does not change much when a window moves by a little is learned from the pictures
themselves: linear discriminant analysis with every picture as a class of its own (Fisher 1936; scale and mean of
each vector are taken out first). All windows are then compared with all pictures by inner products.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

import numpy as np

from starshift.execution import map_ordered
from starshift.findings.registration import resampler

SIZE = 16
"""Pixels per side from which a vector is made."""

NUMBERS = 64
"""Numbers per vector, at most."""

CUT = 0.12
"""Share of a side that the windows have lost: a little less than a cut copy may have, so that none lies far off."""

LEARNED_FROM = 1500
"""Pictures from which it is learned what tells pictures apart, at most."""

NOISE, UNCERTAINTY = 0.004, 3.0
"""Variance of a pixel, where that of the picture is 1, that other compression or rounding may bring; and what is added
to it over the number of pictures, so that few do not pass chance for what tells them apart."""

MOVED = 0.045
"""Share of a side by which windows may miss the true edges, for which learned vectors make allowance."""

FEWEST, MOST, IN_ALL = 4, 12, 24_000
"""Candidates per picture, and about how many there may be in all before it is the fewest."""

ALIKE = 0.5
"""Cosine from which two vectors make a candidate."""

UNDECIDED = 0.15
"""Difference of cosines below which a pair is tried mirrored and not."""

FEW = 200
"""Pictures below which the cosine decides nothing, since too few were there to learn from: the closest are compared."""

WINDOWS, COLUMNS = 512, 1024
"""Windows and pictures that are compared at once: their products stay in a core's cache."""


@dataclass(frozen=True)
class Candidates:
    """Pairs that may be copies: a window of the first picture is like the second one."""

    first: np.ndarray  # int (M,)
    second: np.ndarray  # int (M,)
    mirrored: np.ndarray  # bool (M,): of the mirrored first picture
    windows: np.ndarray  # float32 (M, 4): left, right, top, bottom as shares of the side
    alike: np.ndarray  # float32 (M,): cosine, -1 to 1


WHOLE = np.array([[0, 1, 0, 1]], dtype=np.float32)
"""The window that is the whole picture."""


def cut_windows() -> np.ndarray:
    """Windows of which one lies close to what a cut copy shows, the whole first: float32 (9, 4)."""
    spans = ((0, 1), (0, 1 - CUT), (CUT, 1))
    return np.array([[*across, *down] for across, down in itertools.product(spans, spans)], dtype=np.float32)


@dataclass(frozen=True)
class Learned:
    """What tells the pictures of a set apart."""

    mean: np.ndarray  # float32 (SIZE²,)
    basis: np.ndarray  # float32 (SIZE², d)

    def vectors(self, squares: np.ndarray, windows: np.ndarray = WHOLE) -> np.ndarray:
        """Every window, float32 (W, 4), of every picture, float32 (N, side, side), as a vector of length 1.

        Returns float32 (N, W, d).
        """
        found = np.empty((len(squares), len(windows), self.basis.shape[1]), dtype=np.float32)
        for across in np.unique(windows[:, :2], axis=0):
            same = np.flatnonzero((windows[:, :2] == across).all(axis=1))
            found[:, same] = (standardized(squares, across, windows[same, 2:]) - self.mean) @ self.basis
        return found / np.maximum(np.linalg.norm(found, axis=2, keepdims=True), 1e-6)


def standardized(squares: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Windows of every picture with mean 0 and variance 1: float32 (N, W, SIZE²).

    across: (2,), left and right of all windows. down: (W, 2), top and bottom of each.
    """
    side = squares.shape[-1]
    columns = resampler(across[:1], across[1:], side, SIZE)[0]
    rows = resampler(down[:, 0], down[:, 1], side, SIZE)
    narrow = (squares.reshape(-1, side) @ columns.T).reshape(len(squares), 1, side, SIZE)
    small = (rows @ narrow).reshape(len(squares), len(down), -1)
    small -= small.mean(axis=2, keepdims=True)
    return small / np.maximum(small.std(axis=2, keepdims=True), 1)  # a flat picture stays flat


def learn(squares: np.ndarray, *, by: float = MOVED) -> Learned:
    """Find the directions in which pictures differ most, held against how far one moves when its window does.

    squares: float32 (N, side, side). by: share of a side by which a window may miss the true edges.
    """
    from scipy.linalg import eigh

    chosen = squares[np.linspace(0, len(squares) - 1, min(len(squares), LEARNED_FROM)).astype(np.intp)]
    moved = np.stack([standardized(chosen, window[:2], window[None, 2:])[:, 0] for window in _moved(by)])
    middle = moved.mean(axis=0)
    mean = middle.mean(axis=0)
    within = sum((one - middle).T @ (one - middle) for one in moved) / (len(moved) * len(chosen))
    between = (middle - mean).T @ (middle - mean) / len(chosen)
    within += (NOISE + UNCERTAINTY / len(chosen)) * np.eye(len(within), dtype=np.float32)
    last = len(within) - 1
    ratios, basis = eigh(between, within, subset_by_index=(last - NUMBERS + 1, last))
    # Variance 1 between the pictures in every direction; then those that moving disturbs count for less.
    basis = basis / np.sqrt(ratios.clip(1e-9)) * np.sqrt(ratios.clip(0) / (1 + ratios.clip(0)))
    return Learned(mean, basis.astype(np.float32))


def _moved(by: float) -> np.ndarray:
    """Windows whose edges lie apart by as much as those that are compared may miss the true ones: float (8, 4)."""
    signs = np.array([signs for signs in itertools.product((-1, 1), repeat=4) if np.prod(signs) == 1])
    return np.array([by, 1 - by, by, 1 - by]) + by * signs


def candidates(squares: np.ndarray, learned: Learned, windows: np.ndarray) -> Candidates:
    """For every picture the few whose vectors are most like those of its windows, as it is or mirrored.

    squares: float32 (N, side, side). windows: float32 (W, 4). Takes N² × 2 W × d multiplications.
    """
    whole = learned.vectors(squares)[:, 0]
    seen = np.concatenate([learned.vectors(squares, windows), learned.vectors(squares[:, :, ::-1], windows)], axis=1)
    few = max(FEWEST, min(MOST, IN_ALL // len(whole)))
    first, second, cosines = nearest(seen, whole, np.arange(len(whole)), few)
    straight, turned = cosines[:, : len(windows)], cosines[:, len(windows) :]
    ways = []
    for mirrored, one, other in ((False, straight, turned), (True, turned, straight)):
        # A thing that is nearly symmetrical must be tried both ways.
        chosen = one.max(axis=1) >= other.max(axis=1) - UNDECIDED
        which = one[chosen].argmax(axis=1)
        flags = np.full(len(which), mirrored)
        ways.append(Candidates(first[chosen], second[chosen], flags, windows[which], one[chosen].max(axis=1)))
    return joined(*ways)


def joined(one: Candidates, other: Candidates) -> Candidates:
    """Both lists, one after the other."""
    return Candidates(*(np.concatenate([getattr(one, f.name), getattr(other, f.name)]) for f in fields(Candidates)))


def mutual(found: Candidates) -> Candidates:
    """The same, and every pair that was only found one way the other way round too, from the whole picture.

    What was cut out can only be laid on what it was cut from, and which of two that is shows when they are laid.
    """
    count = 1 + max(found.first.max(initial=0), found.second.max(initial=0))
    there, back = found.first * count + found.second, found.second * count + found.first
    alone = np.flatnonzero(~np.isin(back, there))
    alone = alone[np.unique(2 * there[alone] + found.mirrored[alone], return_index=True)[1]]
    windows = np.repeat(WHOLE, len(alone), axis=0)
    swapped = Candidates(found.second[alone], found.first[alone], found.mirrored[alone], windows, found.alike[alone])
    return joined(found, swapped)


def nearest(
    seen: np.ndarray, whole: np.ndarray, own: np.ndarray, few: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every picture with its windows the few pictures that one of these is most like.

    seen: float32 (n, W, d), windows. whole: float32 (m, d). own: int (n,), which of `whole` is the picture itself, or
    -1. Returns rows of `seen` and rows of `whole`, int (M,), and the cosines with all windows, float32 (M, W).
    """
    few = min(few, len(whole))
    step = max(1, WINDOWS // seen.shape[1])
    least = ALIKE if len(whole) >= FEW else -0.99

    def of(start: int) -> tuple[np.ndarray, ...]:
        block = seen[start : start + step]
        best = _best(block, whole)
        mine = np.flatnonzero(own[start : start + step] >= 0)
        best[mine, own[start : start + step][mine]] = -1
        near = np.argpartition(best, -few, axis=1)[:, -few:]
        row, place = np.nonzero(np.take_along_axis(best, near, axis=1) >= least)
        column = near[row, place]
        # Which window it was is asked for these pairs alone: to keep it for all would cost more than to look again.
        return start + row, column, np.einsum("mwd,md->mw", block[row], whole[column])

    parts = list(map_ordered(of, range(0, len(seen), step)))
    first, second, cosines = (np.concatenate(part) for part in zip(*parts, strict=True))
    return first, second, cosines


def _best(block: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The highest cosine that a window of each picture has with each whole one: float32 (n, m)."""
    flat = block.reshape(-1, block.shape[2])
    best = np.empty((len(block), len(whole)), dtype=np.float32)
    for left in range(0, len(whole), COLUMNS):
        products = flat @ whole[left : left + COLUMNS].T
        best[:, left : left + COLUMNS] = products.reshape(*block.shape[:2], -1).max(axis=1)
    return best
