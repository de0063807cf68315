"""Time-ordered folds: what is fitted never saw what comes after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starshift.apportion import blocks, moments
from starshift.errors import DataError


def forward_folds(
    targets: np.ndarray, order: Sequence[float] | np.ndarray, *, folds: int, groups: Sequence[Sequence[int]] = ()
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of indices to fit and to test: each fold is tested by what was fitted on everything before it.

    targets: int (N,), classes. order: (N,), numbers that grow with time. The pictures are cut into folds + 1 blocks of
    equal size in time. A fold before which a class has not been seen yet is left out, since no model would know that
    class. Raises DataError where none remains.
    """
    parts = blocks(moments(order, groups), (1,) * (folds + 1))
    classes = len(np.unique(targets))
    pairs = [(np.flatnonzero(parts < fold), np.flatnonzero(parts == fold)) for fold in range(1, folds + 1)]
    usable = [pair for pair in pairs if len(pair[1]) and len(np.unique(targets[pair[0]])) == classes]
    if not usable:
        raise DataError(
            f"{len(targets):,} examples cannot be cut into {folds} folds in time: before each of them a class has not "
            "been seen yet. Add earlier examples, or leave the order out."
        )
    return usable
