"""Pictures on a plane, like ones together: t-SNE of their features, and the heaps that form there.

t-SNE as van der Maaten and Hinton 2008 (JMLR 9, 2579) have it, every pair compared, begun from the two main components
(Kobak and Berens 2019, Nature Communications 10, 5416), which keeps what is far apart far apart and makes it the same
each time. Principal components alone would be quicker, and lay classes over each other; no library that is a
dependency has it but scikit-learn, whose import costs as much as laying out 500 pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from starshift.apportion import group_ids

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 1000
"""Pictures that are laid out: the work grows with the square."""

PERPLEXITY = 30.0
"""About how many neighbours each picture holds on to."""

STEPS, EARLY = 350, 100
"""Steps in all, and those at the beginning in which neighbours pull EXAGGERATION times as hard. More steps hold no more
neighbours; fewer leave small sets unfinished."""

EXAGGERATION = 12.0

FEW = 4
"""Pictures below which there are no neighbourhoods: they stand in a row."""

_ROWS = 128  # of all pairs at once

COMPONENTS = 50
"""Main components that are compared; the rest is noise that all have."""

CELLS = 64
"""Cells per side of the grid on which the density is seen."""

BLUR = 1.0
"""Standard deviation of the blur of that grid, in cells: smaller finds more heaps."""

LEAST_SHARE = 0.01
"""Of the pictures, below which a heap has no name."""


@dataclass(frozen=True)
class Heap:
    """Pictures that lie together."""

    members: np.ndarray  # int, rows
    target: int  # the class that most of them have
    share: float  # of them, that have it
    row: int  # of the member where they lie most densely


def lay_out(features: np.ndarray) -> np.ndarray:
    """Where pictures lie, alike ones together: float32 (N, 2), each column from 0 to 1.

    features: float32 (N, F), N at least 2; pictures of equal features lie together.
    """
    from threadpoolctl import threadpool_limits

    rows = main_components(features, COMPONENTS)
    few = len(rows) < FEW
    with threadpool_limits(1, user_api="blas"):  # many small products would wait for each other's threads
        places = np.stack([np.arange(len(rows)), np.zeros(len(rows))], axis=1) if few else _tsne(rows)
    low, high = places.min(axis=0), places.max(axis=0)
    return ((places - low) / np.maximum(high - low, 1e-9)).astype(np.float32)


def main_components(features: np.ndarray, count: int) -> np.ndarray:
    """The first principal components of the square roots of activations: float32 (N, at most `count`).

    By three random projections and an orthogonal basis (Halko, Martinsson and Tropp 2011), the same each time.
    """
    rows = np.copysign(np.sqrt(np.abs(features)), features).astype(np.float32)
    rows -= rows.mean(axis=0)
    width = min(count + 10, *rows.shape)
    basis = rows @ np.random.default_rng(0).standard_normal((rows.shape[1], width), dtype=np.float32)
    for _ in range(3):
        basis = np.linalg.qr(basis)[0]
        basis = rows @ (rows.T @ basis)
    basis = np.linalg.qr(basis)[0]
    left, scales, _ = np.linalg.svd(basis.T @ rows, full_matrices=False)
    return ((basis @ left) * scales)[:, :count].astype(np.float32)


def _tsne(rows: np.ndarray) -> np.ndarray:
    pulls = _pulls(rows)
    places = (rows[:, :2] / (rows[:, 0].std() + 1e-12) * 1e-4).astype(np.float32)
    speed, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(len(rows) / EXAGGERATION, 50.0)  # Belkina et al. 2019
    for step in range(STEPS):
        slope = _slope(places, pulls, EXAGGERATION if step < EARLY else 1.0)
        gains = np.where((slope > 0) != (speed > 0), gains + 0.2, np.maximum(gains * 0.8, 0.01))
        speed = (0.5 if step < EARLY else 0.8) * speed - rate * gains * slope
        places = (places + speed).astype(np.float32)
        places -= places.mean(axis=0)
    return places


def _slope(places: np.ndarray, pulls: csr_matrix, exaggeration: float) -> np.ndarray:
    """Of the divergence between how near pictures are and how near they lie (equation 5 of the paper): (N, 2).

    Nearness, 1 / (1 + squared distance), is computed for a few rows at once, so that it stays in the core's cache.
    """
    squares = np.square(places).sum(axis=1, keepdims=True)
    ones = np.ones_like(squares)
    left, right = np.hstack([-2 * places, squares + 1, ones]), np.hstack([places, ones, squares]).T.copy()
    held = np.hstack([places, ones])
    pull, push, total = np.empty_like(held), np.empty_like(held), 0.0
    for start in range(0, len(places), _ROWS):
        block = slice(start, start + _ROWS)
        near = np.reciprocal(left[block] @ right)
        np.fill_diagonal(near[:, start:], 0)
        total += float(near.sum())
        hold = pulls[block]
        rows = np.repeat(np.arange(hold.shape[0]), np.diff(hold.indptr))
        hold.data = hold.data * near[rows, hold.indices]
        pull[block] = hold @ held
        np.multiply(near, near, out=near)
        push[block] = near @ held
    # Of both, the last column is the sum of the weights: what a picture's own place is multiplied by.
    drawn, driven = (sums[:, 2:] * places - sums[:, :2] for sums in (pull, push))
    return 4 * (exaggeration * drawn - driven / total)


def _pulls(rows: np.ndarray) -> csr_matrix:
    """How strongly neighbours pull each other: symmetric, sums to 1, at most 3 × PERPLEXITY of each picture's own."""
    from scipy.sparse import csr_matrix

    squares = np.square(rows).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)
    np.fill_diagonal(distances, np.inf)
    count = min(int(3 * PERPLEXITY), len(rows) - 1)
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    shares = _shares(np.take_along_axis(distances, nearest, axis=1), min(PERPLEXITY, count / 3))
    ends = np.arange(0, nearest.size + 1, count)
    one_way = csr_matrix((shares.ravel(), nearest.ravel(), ends), shape=(len(rows), len(rows)))
    both = (one_way + one_way.T).tocsr()
    return (both / both.sum()).astype(np.float32)


def _shares(distances: np.ndarray, perplexity: float) -> np.ndarray:
    """Normal weights of each row's neighbours, of that width at which they count as `perplexity` of them. By halving.

    distances: squared, float32 (N, k). Returns float64 (N, k), rows sum to 1.
    """
    distances = distances - distances.min(axis=1, keepdims=True)
    distances = distances / np.maximum(distances.mean(axis=1, keepdims=True), 1e-12)
    low, high = np.full(len(distances), -20.0), np.full(len(distances), 20.0)  # logarithms of the precision
    for _ in range(40):
        middle = (low + high) / 2
        weights = np.exp(-np.exp(middle)[:, None] * distances)
        shares = weights / weights.sum(axis=1, keepdims=True)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return shares


def heaps(places: np.ndarray, targets: np.ndarray) -> list[Heap]:
    """The heaps that places form, the largest first; neighbouring ones in which the same class leads are one.

    Every cell of a blurred grid belongs to the peak that it leads up to. places: float (N, 2) from 0 to 1.
    targets: int (N,), classes.
    """
    from scipy.ndimage import gaussian_filter

    cells = np.minimum((places * CELLS).astype(int), CELLS - 1)
    density = np.zeros((CELLS, CELLS))
    np.add.at(density, (cells[:, 0], cells[:, 1]), 1)
    density = gaussian_filter(density, BLUR, mode="constant")
    peaks = _peaks(density)
    of = peaks[cells[:, 0] * CELLS + cells[:, 1]]
    leading = {peak: int(np.bincount(targets[of == peak]).argmax()) for peak in np.unique(of)}
    whole = _joined(peaks.reshape(CELLS, CELLS), leading)[of]
    heights = density[cells[:, 0], cells[:, 1]]
    found = [_heap(np.flatnonzero(whole == one), targets, heights) for one in np.unique(whole)]
    least = max(3, LEAST_SHARE * len(places))
    return sorted((heap for heap in found if len(heap.members) >= least), key=lambda heap: -len(heap.members))


def _heap(members: np.ndarray, targets: np.ndarray, heights: np.ndarray) -> Heap:
    counts = np.bincount(targets[members])
    own = members[targets[members] == counts.argmax()]
    return Heap(members, int(counts.argmax()), float(counts.max() / len(members)), int(own[heights[own].argmax()]))


def _peaks(density: np.ndarray) -> np.ndarray:
    """For each cell the number of the cell that it leads up to, always to the densest neighbour: int (cells,)."""
    padded = np.pad(density, 1, constant_values=-1)
    shifts = [(down, right) for down in (0, 1, 2) for right in (0, 1, 2)]
    around = np.stack([padded[down : down + CELLS, right : right + CELLS] for down, right in shifts])
    best = around.argmax(axis=0)
    rows, columns = np.mgrid[:CELLS, :CELLS]
    steps = np.array(shifts) - 1
    upward = ((rows + steps[best, 0]) * CELLS + columns + steps[best, 1]).ravel()
    while (upward != (further := upward[upward])).any():
        upward = further
    return upward


def _joined(peaks: np.ndarray, leading: dict[int, int]) -> np.ndarray:
    """Which heap each peak belongs to, where neighbours of the same leading class are one: int (cells,), by peak."""
    pairs = {
        (int(one), int(other))
        for first, second in ((peaks[1:], peaks[:-1]), (peaks[:, 1:], peaks[:, :-1]))
        for one, other in zip(first.ravel(), second.ravel(), strict=True)
        if one != other and leading.get(int(one), -1) == leading.get(int(other), -2)
    }
    return group_ids(CELLS * CELLS, sorted(pairs))
