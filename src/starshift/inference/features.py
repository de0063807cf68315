"""Frozen network → stored matrix: every feature vector is computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from starshift.inference.network import Network

KEPT_AT_ONCE = 64
"""Pictures between two writes: so many are computed again after a stop."""


def fill(
    network: Callable[[], Network],
    pixels: Callable[[], Any],
    digests: Sequence[str],
    store: Any,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Compute and store the features of pictures that a store lacks.

    network, pixels: called only if something is missing, since opening either costs time;
        pixels yields an array-like of uint8 (N, size, size, 3) in the order of `digests`.
    digests: of the N pictures.
    store: a data.cache.RowStore for rows of the network's output shape; into float16, what exceeds its range is
        stored as its largest value.
    """
    missing = set(store.missing(digests))
    if missing:
        positions = _first_positions(digests, missing)
        _fill(network(), pixels(), digests, positions, store, progress)


def _first_positions(digests: Sequence[str], missing: set[str]) -> np.ndarray:
    """Where each missing digest stands first; copies of one picture are computed once."""
    first: dict[str, int] = {}
    for position, digest in enumerate(digests):
        if digest in missing:
            first.setdefault(digest, position)
    return np.array(sorted(first.values()))


def _fill(
    network: Network,
    pixels: Any,
    digests: Sequence[str],
    positions: np.ndarray,
    store: Any,
    progress: Callable[[int, int], None] | None,
) -> None:
    with store.writer(len(positions)) as writer:
        for start in range(0, len(positions), KEPT_AT_ONCE):
            some = positions[start : start + KEPT_AT_ONCE]
            for position, row in zip(some, _in_range(network.run(pixels[some]), store.dtype), strict=True):
                writer.add(digests[position], row)
            if progress:
                progress(min(start + KEPT_AT_ONCE, len(positions)), len(positions))


def _in_range(rows: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if rows.dtype == dtype:
        return rows
    largest = np.finfo(dtype).max
    return np.clip(rows, -largest, largest).astype(dtype)
