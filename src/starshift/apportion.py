"""Deal pictures into parts: stratified by class, or in time, groups kept together. Splits and folds are made of it.

It lies on the ground floor because data (splits) and evaluation (inner folds) share it and do not know each
other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np


def group_ids(count: int, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Number the groups: int (count,), where equal numbers stay together and every other picture is alone.

    groups: lists of indices below `count`; lists that share a picture become one group. The number of a group
    is the smallest index in it.
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for group in groups:
        for first, second in itertools.pairwise(group):
            one, other = sorted((root(first), root(second)))
            parent[other] = one
    return np.array([root(i) for i in range(count)], dtype=np.int64)


def within(groups: Sequence[Sequence[int]], rows: Sequence[int] | np.ndarray) -> list[list[int]]:
    """Groups as places in `rows`; what lies outside is left out."""
    place = {int(row): index for index, row in enumerate(rows)}
    return [[place[row] for row in group if row in place] for group in groups]


def moments(order: Sequence[float] | np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """When each picture counts as taken: float (N,). Pictures of a group count with the latest of them.

    A copy of a picture must not be split off from it; with the latest, the whole group is left to the later part, and
    nothing that training sees is from the future.
    """
    ids = group_ids(len(order), groups)
    latest = np.full(len(order), -np.inf)
    np.maximum.at(latest, ids, np.asarray(order, dtype=np.float64))
    return latest[ids]


def blocks(moments: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """The block of each picture, 0 for the earliest: int (N,). shares: how large each block is meant to be.

    Pictures of one moment stay in one block, the later one where the border would fall among them.
    """
    order = np.argsort(moments, kind="stable")
    bounds = (np.cumsum(shares)[:-1] / sum(shares) * len(moments)).round().astype(np.int64)
    starts = moments[order[np.minimum(bounds, len(moments) - 1)]]
    return np.searchsorted(starts, moments, side="right").astype(np.int64)


def deal(targets: np.ndarray, ids: np.ndarray, ratios: Sequence[float], *, seed: int, needed: int = 0) -> np.ndarray:
    """Give every picture a part, so that each class is divided as `ratios` say: int (N,), from 0.

    targets: int (N,), classes. ids: int (N,), equal numbers stay together, whatever their classes. ratios:
    one number above 0 per part. needed: how many parts, from the first on, no class may be missing from: a
    class of 1 or 2 is in the first of them, one of 3 in the first two, and so on, as far as groups allow (the
    first always).

    Without groups, each class misses its exact share of a part by less than one picture (by more only where
    `needed` wants it), and so does the whole: what a class's rounding gave too much, the next class takes
    back. Groups of several are dealt first, and the single pictures then fill what is missing.
    """
    assert len(targets) == len(ids) and all(ratio > 0 for ratio in ratios)
    classes = np.unique(targets, return_inverse=True)[1]
    table = _Table(classes, np.asarray(ratios) / sum(ratios), needed, np.random.default_rng(seed))
    table.deal_groups(ids)
    table.deal_singles()
    return table.parts


class _Table:
    """A deal under way: `parts`, int (N,), -1 until dealt, and `dealt`, int (classes, parts), the counts."""

    def __init__(self, classes: np.ndarray, shares: np.ndarray, needed: int, rng: np.random.Generator) -> None:
        totals = np.bincount(classes)
        self.classes, self.rng = classes, rng
        self.wanted = totals[:, np.newaxis] * shares
        self.required = np.arange(len(shares)) < np.minimum(needed, np.maximum(1, totals - 1))[:, np.newaxis]
        self.parts = np.full(len(classes), -1, dtype=np.int64)
        self.dealt = np.zeros(self.wanted.shape, dtype=np.int64)

    def deal_groups(self, ids: np.ndarray) -> None:
        """Deal the groups of several pictures, the largest first."""
        _, unit, sizes = np.unique(ids, return_inverse=True, return_counts=True)
        singles = np.bincount(self.classes[sizes[unit] == 1], minlength=len(self.dealt))
        groups = self.rng.permutation(np.flatnonzero(sizes > 1))
        for group in groups[np.argsort(-sizes[groups], kind="stable")]:
            members = np.flatnonzero(unit == group)
            counts = np.bincount(self.classes[members], minlength=len(self.dealt))
            part = self._part_for(counts, singles)
            self.parts[members] = part
            self.dealt[:, part] += counts

    def _part_for(self, counts: np.ndarray, singles: np.ndarray) -> int:
        """The part for a group with `counts` pictures of each class: where it is required, or fits best."""
        lacking = self.required & (self.dealt == 0)
        scarce = (counts > 0) & (singles < lacking.sum(axis=1))  # single pictures cannot fill all that lack
        urgent = np.flatnonzero(lacking[scarce].any(axis=0))
        if len(urgent):
            return int(urgent[0])
        # How much the sum of (dealt - wanted)² / wanted grows: small groups spread over all parts in
        # proportion, and a large one does not swamp a small part.
        column = counts[:, np.newaxis]
        return int((column * (column + 2 * (self.dealt - self.wanted)) / self.wanted).sum(axis=0).argmin())

    def deal_singles(self) -> None:
        """Deal the pictures that are alone, class by class, filling what the groups left."""
        owed = np.zeros(self.wanted.shape[1])  # by the classes so far, to each part: wanted minus dealt
        for label in range(len(self.dealt)):
            rows = self.rng.permutation(np.flatnonzero((self.classes == label) & (self.parts < 0)))
            seats = self._seats(label, len(rows), owed)
            self.parts[rows] = np.repeat(np.arange(len(seats)), seats)
            self.dealt[label] += seats
            owed += self.wanted[label] - self.dealt[label]

    def _seats(self, label: int, count: int, owed: np.ndarray) -> np.ndarray:
        """How many of `count` single pictures each part gets: largest remainder, plus what is `owed`."""
        wanted, dealt = self.wanted[label], self.dealt[label]
        kept = np.zeros_like(dealt)
        kept[np.flatnonzero(self.required[label] & (dealt == 0))[:count]] = 1
        floor = np.floor(wanted + 1e-9).astype(np.int64)  # 0.6 * 5 is not quite 3
        seats: np.ndarray = np.maximum(floor - dealt, kept)
        while seats.sum() > count:  # groups, or required pictures, took what others had coming
            seats[np.where(seats > kept, dealt + seats - wanted, -np.inf).argmax()] -= 1
        while seats.sum() < count:
            below = dealt + seats < wanted - 1e-9
            seats[np.where(below, wanted + owed - dealt - seats, -np.inf).argmax()] += 1
        return seats
