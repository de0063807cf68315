"""Pictures that were cut out of others by far more than a copy loses: a face out of a photograph of a person.

To look for every picture anywhere in every other would take minutes. So some pictures of every class are searched
for all others; where one is found, the two classes concerned are searched in full. What overlaps as two classes that
were made of the same photographs do is found; a single cut picture may be missed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

import numpy as np

from starshift.findings.descriptors import Learned, learn, nearest
from starshift.findings.registration import lay, lay_roughly

SEARCHED = 240
"""Pictures that are searched for all others, at most; the same number of every class."""

IN_FULL = 400
"""Pictures of a class that are searched once one was found in it, at most."""

LARGEST, SMALLEST = 0.85, 0.35
"""Shares of a side that a window may have."""

SHRINK = 1.25
"""How much smaller the windows of each next size are."""

STRIDE = 0.25
"""Share of a window by which the next one lies beside it."""

LONGEST_RATIO = 2.2
"""Of the two shares of a window: what was stretched to a square further than that is another shape."""

MOVED = 0.06
"""Share of a side by which windows miss the true edges, for which learned vectors make allowance."""

NEIGHBOURS = 12
"""Candidates per searched picture."""

FAINT = 2.0
"""Standard deviation of the details, in grey levels, below which they may be noise."""

FINE = 28
"""Pixels per side at which a window, which has few pixels of its own, is compared."""

ROUGHLY = 0.8
"""Correlation of small pictures from which they are compared exactly."""

SURE, SURE_EVEN = 0.95, 0.9
"""Correlations of the details, as they are and made equally strong, from which one was cut out of the other."""

LARGEST_AREA = 0.72
"""Share of the picture that a window may have; what was cut less is a near copy, and found as such."""

CLASS_PAIRS = 12
"""Pairs of classes that are searched in full, those first in which most was found."""


@dataclass(frozen=True)
class CutOuts:
    """Pairs of which the second picture was cut out of the first."""

    first: np.ndarray  # int (M,)
    second: np.ndarray  # int (M,)
    likeness: np.ndarray  # float32 (M,): correlation of the details
    windows: np.ndarray  # float32 (M, 4): left, right, top, bottom of the second in the first, as shares of its side


def cut_outs(squares: np.ndarray, small: np.ndarray, classes: np.ndarray) -> CutOuts:
    """Pictures that were cut out of others: first among some of every class, then among whole classes.

    squares: uint8 (N, side, side). small: float32, the same with fewer pixels. classes: int (N,).
    """
    learned = learn(small, by=MOVED)
    found = look(squares, small, learned, searched(classes), np.arange(len(small)))
    parts = [found]
    pairs, counts = np.unique(classes[np.stack([found.first, found.second], axis=1)], axis=0, return_counts=True)
    for one, other in pairs[np.argsort(-counts, kind="stable")[:CLASS_PAIRS]].tolist():
        inside = _spread(np.flatnonzero(classes == one), IN_FULL)
        parts.append(look(squares, small, learned, inside, np.flatnonzero(classes == other)))
    return CutOuts(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(CutOuts)))


def windows() -> np.ndarray:
    """Windows that are looked into: float32 (W, 4), left, right, top, bottom as shares of the side."""
    count = int(np.log(LARGEST / SMALLEST) / np.log(SHRINK)) + 1
    spans = [(0.0, 1.0)] + [span for i in range(count) for span in _spans(LARGEST / SHRINK**i)]
    chosen = [
        (*across, *down)
        for across, down in itertools.product(spans, spans)
        if across != down or across != (0.0, 1.0)
        if 1 / LONGEST_RATIO <= (across[1] - across[0]) / (down[1] - down[0]) <= LONGEST_RATIO
    ]
    return np.array(chosen, dtype=np.float32)


def _spans(extent: float) -> list[tuple[float, float]]:
    starts = np.linspace(0, 1 - extent, int(np.ceil((1 - extent) / (STRIDE * extent))) + 1)
    return [(float(start), float(start + extent)) for start in starts]


def searched(classes: np.ndarray) -> np.ndarray:
    """Which pictures are searched for all others: as many of every class, spread over it. int (n,)."""
    names = np.unique(classes)
    each = max(1, SEARCHED // len(names))
    return np.sort(np.concatenate([_spread(np.flatnonzero(classes == name), each) for name in names])[:SEARCHED])


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.intp)]


def look(squares: np.ndarray, small: np.ndarray, learned: Learned, inside: np.ndarray, wanted: np.ndarray) -> CutOuts:
    """Look for the pictures `wanted`, int (m,) ascending, within the pictures `inside`, int (n,)."""
    places = windows()
    mine = np.where(np.isin(inside, wanted), np.searchsorted(wanted, inside), -1)
    row, column, cosines = nearest(
        learned.vectors(small[inside], places), learned.vectors(small[wanted])[:, 0], mine, NEIGHBOURS
    )
    return _confirmed(squares, small, inside[row], wanted[column], places[cosines.argmax(axis=1)])


def _confirmed(
    squares: np.ndarray, small: np.ndarray, first: np.ndarray, second: np.ndarray, begin: np.ndarray
) -> CutOuts:
    """Those that lie on each other, and are alike there."""
    where, roughly = lay_roughly(small[first], small[second], begin)
    good = np.flatnonzero(roughly >= ROUGHLY)
    laid = lay(
        squares[first[good]].astype(np.float32), squares[second[good]].astype(np.float32), where[good], fine=FINE
    )
    extents = laid.windows[:, [1, 3]] - laid.windows[:, [0, 2]]
    small_enough = (extents.min(axis=1) >= SMALLEST * 0.9) & (extents.prod(axis=1) <= LARGEST_AREA)
    sure = (laid.details >= SURE) & (laid.even >= SURE_EVEN) & (laid.contrast >= FAINT) & small_enough
    return CutOuts(first[good[sure]], second[good[sure]], laid.details[sure], laid.windows[sure])
