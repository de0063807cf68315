"""Lay one picture on another: which window of the one shows what the other shows, and how alike they then are.

Pictures are squares, both sides stretched, so that a resized copy is the same square and a cut copy is a window of
it whose edges are parallel to its own: four numbers (left, right, top, bottom as shares of the side). They are
found by Gauss-Newton steps on the squared difference, with gain and offset of the grey levels free in every step
(Lucas and Kanade, IJCAI 1981; Baker and Matthews, IJCV 56 (2004) 221), for many pairs at once: a window of a square
is a product of three matrices, rows × picture × columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COARSE = 16
"""Pixels per side at which pairs are laid on each other first."""

FINE = 48
"""Pixels per side at which they are compared, unless they have fewer pixels themselves."""

COARSE_STEPS, FINE_STEPS = 5, 3
"""Gauss-Newton steps at each."""

LONGEST_STEP = 0.06
"""Share of the side by which an edge moves at most in one step."""

RIDGE = 1e-3
"""Added to the normal equations, relative to their diagonal: along a straight edge they determine nothing."""

DARKEST, BRIGHTEST = 6, 249
"""Grey levels beyond which a pixel may have been cut off by brightening or darkening: no gain is fitted on it."""

BLUR = 1 / 16
"""Standard deviation, as a share of the side, of the blur that is taken off for the comparison of details."""

AROUND = 1 / 40
"""Standard deviation, as a share of the side, of what is around a detail."""

EVEN = 3.0
"""Strength of details, in grey levels, below which they count for less: there compression leaves its own."""

KNOTS = (32, 64, 96, 128, 160, 192, 212, 230, 242)
"""Grey levels at which the curve that brings one picture to the brightness of the other may bend."""


@dataclass(frozen=True)
class Laid:
    """Pairs laid on each other."""

    windows: np.ndarray  # float32 (M, 4): left, right, top, bottom of the window in the first picture
    whole: np.ndarray  # float32 (M,): correlation of the grey levels, -1 to 1
    details: np.ndarray  # float32 (M,): the same without what is blurred
    even: np.ndarray  # float32 (M,): the same, with weak details made as strong as others
    contrast: np.ndarray  # float32 (M,): standard deviation of the details, grey levels; of the flatter picture


def resampler(low: np.ndarray, high: np.ndarray, source: int, target: int) -> np.ndarray:
    """Matrices that bring windows of a line of pixels to `target` pixels: float32 (M, target, source).

    low, high: (M,), shares of the line. Weights fall off as a triangle, wide enough to average where it shrinks;
    beyond the ends the line is taken to go on as its last pixel.
    """
    width = (high - low)[:, None, None] * (source / target)
    centre = (low[:, None] + (high - low)[:, None] * ((np.arange(target) + 0.5) / target)) * source - 0.5
    centre = np.clip(centre, 0, source - 1)[:, :, None]
    weights = np.maximum(0, 1 - np.abs(np.arange(source) - centre) / np.maximum(width, 1)).astype(np.float32)
    return weights / weights.sum(axis=2, keepdims=True)


def cut(squares: np.ndarray, windows: np.ndarray, size: int) -> np.ndarray:
    """Windows of squares: float32 (M, size, size) from float32 (M, side, side) and (M, 4)."""
    side = squares.shape[-1]
    rows = resampler(windows[:, 2], windows[:, 3], side, size)
    columns = resampler(windows[:, 0], windows[:, 1], side, size)
    return rows @ squares @ columns.transpose(0, 2, 1)


def lay_roughly(first: np.ndarray, second: np.ndarray, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find about which window of each first picture shows its second one.

    first, second: float32 (M, side, side), grey levels 0 to 255. windows: (M, 4), where to begin. Returns windows and
    the correlation there, float32 (M,).
    """
    target = shrunk(second, COARSE)
    for _ in range(COARSE_STEPS):
        windows = _step(first, target, windows)
    return windows, correlation(cut(first, windows, COARSE), target)


def lay(first: np.ndarray, second: np.ndarray, windows: np.ndarray, *, fine: int = FINE) -> Laid:
    """Lay pictures on each other exactly that lie so roughly, and compare them. fine: pixels per side for both."""
    target = shrunk(second, fine)
    for _ in range(FINE_STEPS):
        windows = _step(first, target, windows)
    return _compared(cut(first, windows, fine), target, windows)


def shrunk(squares: np.ndarray, size: int) -> np.ndarray:
    """Whole squares at another size: float32 (M, size, size)."""
    matrix = resampler(np.zeros(1), np.ones(1), squares.shape[-1], size)[0]
    return matrix @ squares @ matrix.T


def _step(first: np.ndarray, target: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """One Gauss-Newton step for every pair: new windows."""
    size = target.shape[-1]
    seen = cut(first, windows, size)
    down, right = np.gradient(seen, axis=(1, 2))
    along = ((np.arange(size, dtype=np.float32) + 0.5) / size)[None, :]
    # Where a pixel lies moves with both edges: with the near one in full, with the far one not at all.
    right, down = right * size / _extent(windows, 0), down * size / _extent(windows, 2)
    slopes = [right * (1 - along), right * along, down * (1 - along.T), down * along.T]
    columns = np.stack([seen - seen.mean(axis=(1, 2), keepdims=True), np.ones_like(seen), *slopes], axis=1)
    columns = columns.reshape(len(seen), 6, size * size)
    weights = _unclipped(seen, target).reshape(len(seen), 1, size * size)
    weighted = columns * weights
    normal = weighted @ columns.transpose(0, 2, 1)
    diagonal = np.einsum("mii->mi", normal)
    diagonal += RIDGE * diagonal + 1e-3
    found = np.linalg.solve(normal, weighted @ target.reshape(len(seen), size * size, 1))[:, :, 0]
    gain = found[:, :1]
    moves = np.where(gain > 0.05, found[:, 2:] / np.maximum(gain, 0.05), 0)
    return np.clip(windows + np.clip(moves, -LONGEST_STEP, LONGEST_STEP), -0.02, 1.02).astype(np.float32)


def _extent(windows: np.ndarray, edge: int) -> np.ndarray:
    return np.maximum(windows[:, edge + 1] - windows[:, edge], 0.1)[:, None, None]


def _unclipped(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """1 where neither picture may have been cut off, else a little: a drawing may have nothing but black and white."""
    inside = (one > DARKEST) & (one < BRIGHTEST) & (other > DARKEST) & (other < BRIGHTEST)
    return np.where(inside, 1, 0.05).astype(np.float32)


def _compared(seen: np.ndarray, target: np.ndarray, windows: np.ndarray) -> Laid:
    """How alike pictures are that lie on each other, once one has the brightness of the other.

    Brightening cuts off, and what is cut off does not come back: it is tried both ways.
    """
    there, back = _as_bright_as(seen, target), _as_bright_as(target, seen)
    forward, backward = correlation(there, target), correlation(back, seen)
    better = (forward >= backward)[:, None, None]
    one, other = np.where(better, there, back), np.where(better, target, seen)
    one, other = details_of(one), details_of(other)
    contrast = np.minimum(details_of(seen).std(axis=(1, 2)), details_of(target).std(axis=(1, 2)))
    whole, even = np.maximum(forward, backward), correlation(_evened(one), _evened(other))
    return Laid(windows, whole, correlation(one, other), even, contrast)


def details_of(squares: np.ndarray) -> np.ndarray:
    """Squares without what is left of them under a Gaussian blur that does not look beyond the edges."""
    return squares - _blurred(squares)


def _evened(details: np.ndarray) -> np.ndarray:
    """Details over their own strength around: an outline on white counts no more than what it encloses."""
    around = max(AROUND, 0.75 / details.shape[-1])
    return details / np.sqrt(_blurred(details**2, around) + EVEN**2)


def _blurred(squares: np.ndarray, spread: float = BLUR) -> np.ndarray:
    place = (np.arange(squares.shape[-1], dtype=np.float32) + 0.5) / squares.shape[-1]
    matrix = np.exp(-0.5 * ((place[:, None] - place) / spread) ** 2)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix @ squares @ matrix.T


def _as_bright_as(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`one` through the curve, straight between KNOTS, that brings it closest to `other`."""
    pixels = one.shape[1] * one.shape[2]
    plain = one.reshape(len(one), 1, pixels)
    bends = [np.maximum(plain - knot, 0) for knot in KNOTS]
    columns = np.concatenate([np.ones_like(plain), plain, *bends], axis=1) / 255
    normal = columns @ columns.transpose(0, 2, 1)
    normal[:, np.arange(len(KNOTS) + 2), np.arange(len(KNOTS) + 2)] += 1e-5 * pixels
    found = np.linalg.solve(normal, columns @ other.reshape(len(one), pixels, 1))
    return np.clip(found.transpose(0, 2, 1) @ columns, 0, 255).reshape(one.shape)


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's correlation of pairs of squares: float32 (M,); 0 where one of them is flat."""
    one = one - one.mean(axis=(1, 2), keepdims=True)
    other = other - other.mean(axis=(1, 2), keepdims=True)
    scale = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    shared = (one * other).sum(axis=(1, 2))
    return np.where(scale > 1e-3, shared / np.maximum(scale, 1e-3), 0)
