"""Finding learnwares by pictures: what their specifications say is compared with what the user's pictures say.

Nothing of the user's leaves this machine: specifications are a few KB each, come here, and stand on a `Shelf`. Each of
the user's classes looks for the cell that is nearest to it, by the squared maximum mean discrepancy of both, and a
learnware is as near as its classes are together: one of them for each of the user's (an assignment). Names are evidence
beside it, and are not needed. Of 100,000 specifications, the distances are first taken in few dimensions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from starshift.learnware import specify
from starshift.learnware.shelf import Shelf
from starshift.learnware.specify import Specification
from starshift.records import Space

SHORTLIST = 100
"""Learnwares that the first look leaves for the exact distances."""

FAR = 0.7
"""A class of the user's is unlike what a learnware knows where its nearest cell is further than this share of the
distance to the nearest of the user's own other classes."""

NAMED = 0.1
"""By how much a name that agrees makes a cell nearer. Different classes of caltech-101 are 0.2 to 0.8 apart."""

# ----------------------------------------------------------------------------------------------------
# Who searches


@dataclass(frozen=True)
class Wanted:
    """A user's pictures as a search sees them."""

    specification: Specification  # with min_cell=1: it stays here
    classes: tuple[str, ...]
    means: np.ndarray  # float32 (classes, dimensions)
    own: np.ndarray  # float32 (classes,): the mean kernel of two different pictures of each
    far: np.ndarray  # float32 (classes,): squared distance from which on a cell is another class

    @classmethod
    def of(
        cls, features: np.ndarray, labels: Sequence[str], space: Space, *, precision: str, classes: Sequence[str] = ()
    ) -> Wanted:
        """features: of the space's base, float32 (N, features). labels: a class each, at least two; classes: all of
        them in the order that is wanted, sorted if none are given.
        """
        return cls.told(specify.specify(features, labels, space, precision=precision, min_cell=1), classes)

    @classmethod
    def told(cls, specification: Specification, classes: Sequence[str] = ()) -> Wanted:
        """specification: of each class by itself, made with min_cell=1. classes: as in `of`."""
        names = [cell.classes[0] for cell in specification.record.cells]
        order = [names.index(name) for name in classes or names]
        means, counts = specification.means.astype(np.float32)[order], specification.counts[order]
        squared = np.einsum("nd,nd->n", means, means)
        several = np.maximum(counts, 2)
        spread = (1 - squared) * several / (several - 1)  # 1 less the mean kernel, by those classes that have a pair
        typical = float(np.average(spread[counts > 1], weights=counts[counts > 1] - 1)) if (counts > 1).any() else 0.5
        own = np.where(counts > 1, 1 - (spread * (counts - 1) + 2 * typical) / (counts + 1), 1 - typical)
        between = own[:, None] + own[None] - 2 * (means @ means.T) + np.diag(np.full(len(means), np.inf))
        far = np.maximum(FAR * between.min(axis=1), 0.05)
        return cls(specification, tuple(classes or names), means, own.astype(np.float32), far.astype(np.float32))


@dataclass(frozen=True)
class Match:
    """A learnware beside the user's classes."""

    place: int  # on the shelf
    distance: float  # mean over the user's classes, none counted further than it is far; unbiased, may be below 0
    by_class: tuple[float, ...]  # of each of the user's classes to what stands for it; inf where nothing does
    classes: tuple[str, ...]  # the learnware's class for each of the user's; "" where it has none
    is_blind: bool = False  # whether only pictures can match classes: the specification tells none, or none is near

    @property
    def covers(self) -> int:
        """Of the user's classes."""
        return sum(bool(name) for name in self.classes)


def nearest(
    shelf: Shelf,
    wanted: Wanted,
    *,
    among: np.ndarray | None = None,
    most: int = SHORTLIST,
) -> list[Match]:
    """The learnwares whose classes are nearest to the user's, nearest first.

    among: bool (learnwares,), of which; all if None.
    Learnwares of which the marginal alone is told are compared by it, and stand behind the others.
    """
    found = shelf.coarse.nearness(wanted.means, wanted.own, wanted.far, shelf.starts)
    allowed = ~shelf.whole if among is None else among & ~shelf.whole
    found[~allowed] = np.inf
    count = min(most, int(allowed.sum()))
    shortlist = np.argpartition(found, count - 1)[:count] if count else np.empty(0, np.int64)
    names = _keys(wanted.classes)
    matches = [_match(shelf, int(place), wanted, names) for place in shortlist]
    matches.sort(key=lambda match: match.distance)
    return matches + _by_marginal(shelf, wanted, among, most)


def strangers(shelf: Shelf, wanted: Wanted, *, among: np.ndarray | None = None, most: int) -> list[Match]:
    """The nearest of those of whose classes at most one is near a class of the user's.

    A learnware of photographs and drawings knows the user's drawings, though the mean of both is far from them: only
    pictures can tell.
    """
    boundless = replace(wanted, far=np.full(len(wanted.far), np.inf, np.float32))
    found = [match for match in nearest(shelf, boundless, among=among) if not match.is_blind]
    near = [sum(one < far for one, far in zip(match.by_class, wanted.far, strict=True)) for match in found]
    far, nothing = float(np.mean(wanted.far)), ("",) * len(wanted.far)
    return [
        replace(match, distance=far, classes=nothing, is_blind=True)
        for match, count in zip(found, near, strict=True)
        if count < 2
    ][:most]


def _match(shelf: Shelf, place: int, wanted: Wanted, names: Sequence[str]) -> Match:
    """The assignment of the user's classes to the learnware's that is nearest by the exact distances."""
    from scipy.optimize import linear_sum_assignment

    rows = shelf.cells(place)
    means, own = np.asarray(shelf.means[rows], np.float32), shelf.own[rows]
    distances = wanted.own[:, None] + own[None] - 2 * (wanted.means @ means.T)
    slots = [(cell, name) for cell, classes in enumerate(shelf.listed[place].cells) for name in classes]
    synonyms = shelf.listed[place].synonyms
    exact = distances[:, [cell for cell, _ in slots]]
    called = [set(_keys((theirs, *synonyms.get(theirs, ())))) for _, theirs in slots]
    agrees = np.array([[name in theirs for theirs in called] for name in names])
    costs = np.minimum(exact - NAMED * agrees, wanted.far[:, None])
    mine, theirs = linear_sum_assignment(costs)
    classes, by_class = [""] * len(names), [float("inf")] * len(names)
    for row, column in zip(mine, theirs, strict=True):
        if costs[row, column] < wanted.far[row]:
            classes[row], by_class[row] = slots[column][1], float(exact[row, column])
    counted = [min(one, far) for one, far in zip(by_class, wanted.far, strict=True)]
    return Match(place, float(np.mean(counted)), tuple(by_class), tuple(classes))


def _by_marginal(shelf: Shelf, wanted: Wanted, among: np.ndarray | None, most: int) -> list[Match]:
    """Those of which only the marginal is told, by its distance to that of the user's pictures."""
    places = np.flatnonzero(shelf.whole if among is None else shelf.whole & among)
    if not len(places):
        return []
    marginals = np.concatenate([shelf.means[shelf.cells(place)] for place in places.tolist()])
    distances = to_marginals(wanted, marginals, shelf.counts[shelf.starts[places]])
    order = np.argsort(distances)[:most]
    nothing = ("",) * len(wanted.classes)
    return [
        Match(int(places[one]), float(distances[one]), (float("inf"),) * len(nothing), nothing, True) for one in order
    ]


def to_marginals(wanted: Wanted, marginals: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Squared distances of the user's pictures as a whole to others': float32 (B,)."""
    record = wanted.specification.record
    mine = wanted.specification.marginal.astype(np.float32)[None]
    return np.asarray(specify.squared_distances(mine, [record.count], marginals, np.maximum(counts, 1))[0])


def _keys(names: Sequence[str]) -> list[str]:
    """Names as they are compared: without case, accents' forms, and what stands between words."""
    return ["".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold())) for name in names]


# ----------------------------------------------------------------------------------------------------
# Several together


def cover(matches: Sequence[Match], far: np.ndarray, *, most: int = 4, worth: float = 0.1) -> list[Match]:
    """Learnwares that together stand nearest to the user's classes: greedily, each class by the nearest of them.

    worth: share of the distance that is left which another must take away.
    """
    chosen: list[Match] = []
    best = far.astype(np.float64)
    while len(chosen) < most:
        gains = [float((best - np.minimum(best, match.by_class)).sum()) for match in matches]
        place = int(np.argmax(gains)) if gains else -1
        if place < 0 or gains[place] <= worth * float(np.maximum(best, 0.02).sum()):
            break
        chosen.append(matches[place])
        best = np.minimum(best, matches[place].by_class)
    return chosen
