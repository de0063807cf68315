"""The shortlist of a search, run on the user's own labelled pictures: this decides, and is told with an interval."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from starshift.compose.ensemble import SMALLEST_PROBABILITY
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame
from starshift.errors import RunError, StarshiftError, StoreError
from starshift.evaluation.estimates import proportion
from starshift.evaluation.metrics import log_losses
from starshift.learnware import mapped, package, search, space
from starshift.learnware.package import Package
from starshift.learnware.search import Match, Wanted
from starshift.learnware.shelf import Copy, Listed, Shelf, Source
from starshift.progress import Progress, Silent
from starshift.recipe import digest
from starshift.records import Estimate, Target, files

RUN = 10
"""Learnwares that are run on the user's pictures, beside those that are needed to cover all classes."""

BLIND = 2
"""Of those that tell no classes in their specification, which are found by the marginal alone."""

GONE = ("missing", "withdrawn", "damaged")
"""What may be wrong with one learnware of a store; anything else is wrong with the store."""

BY_CHANCE = 0.05
"""Probability up to which pictures tell that a class stands for another."""

STRANGERS = 3
"""Of those whose classes are all far, where fewer than RUN have some that are near."""

LOSS_COUNTS, DISTANCE_COUNTS = 0.25, 1.0
"""What a nat of log loss and a unit of squared distance count beside the share of mistakes in `score`. Two dozen
pictures tell accuracies 10 points apart at best; chosen on one set of users, told in docs/search.md of others."""


@dataclass(frozen=True)
class Mine:
    """A user's labelled pictures, which stay on this machine."""

    target: Target  # classes
    labels: np.ndarray  # int (N,), places in its classes
    digests: Sequence[str]
    pixels: Callable[[Frame], Any]  # yields them, array-like of uint8 (N, size, size, 3)
    base: FrozenBase  # of the space that is searched
    progress: Progress = Silent()  # noqa: RUF009  it has no state

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, the user's own."""
        return self.target.classes

    @property
    def cache(self) -> Path:
        """Where features are kept."""
        return self.base.cache

    @cached_property
    def features(self) -> np.ndarray:
        """Of the space's base: float32 (N, features)."""
        if missing := self.base.missing(self.digests):
            self.progress.start(f"features by {self.base.base.title}", missing)
        try:
            bases = FrozenBases((self.base,))
            return bases.stored(self.digests, lambda: self.pixels(self.base.frame), self.progress.update)
        finally:
            self.progress.finish()

    @cached_property
    def wanted(self) -> Wanted:
        """As a search sees them."""
        names = [self.classes[label] for label in self.labels]
        looked = space.space_of(self.base)
        return Wanted.of(self.features, names, looked, precision=self.base.precision, classes=self.classes)

    def said(self, predictor: Predictor) -> np.ndarray:
        """What a model says of them: float32 (N, its classes)."""
        return predictor.stored(self.digests, self.pixels)


@dataclass(frozen=True)
class Candidate:
    """A learnware that was run on the user's pictures."""

    listed: Listed
    match: Match
    package: Package
    answers: np.ndarray  # float32 (N, classes): of the user's classes; one that it does not know has its even share
    right: np.ndarray  # bool (N,): of which of the user's pictures; those of classes that it does not know are not
    accuracy: Estimate  # the share of these
    loss: float  # nats per picture

    @property
    def score(self) -> float:
        """By which candidates are ordered; the lowest is the best."""
        return 1 - self.accuracy.value + LOSS_COUNTS * self.loss + DISTANCE_COUNTS * self.match.distance

    def strangers(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Which of the user's classes are outside what this learnware has seen."""
        return tuple(name for name, theirs in zip(classes, self.match.classes, strict=True) if not theirs)


def run(
    shelf: Shelf, source: Source, mine: Mine, *, among: np.ndarray | None = None
) -> tuple[list[Candidate], list[str]]:
    """The learnwares that a search finds, best first, and sentences about those that could not be run.

    Packages come from the store, or from the cache where they were fetched before; they are checked, and run nothing.
    among: bool, of which of the shelf. Raises StoreError where the store does not answer.
    """
    matches = shortlist(search.nearest(shelf, mine.wanted, among=among), mine.wanted)
    if sum(not match.is_blind for match in matches) < RUN:
        strangers = search.strangers(shelf, mine.wanted, among=among, most=STRANGERS)
        matches = list({match.place: match for match in (*strangers, *matches)}.values())
    found, refused = [], []
    mine.progress.start("running learnwares on your pictures", len(matches))
    for done, match in enumerate(matches, start=1):
        listed = shelf.listed[match.place]
        try:
            found.append(_candidate(listed, match, source, mine))
        except StarshiftError as error:  # a stranger's learnware is no reason to stop; a store that is silent is
            if isinstance(error, StoreError) and error.kind not in GONE:
                raise
            refused.append(f"{listed.reference} was not run: {' '.join(error.problems)}")
        mine.progress.update(done, len(matches))
    mine.progress.finish()
    able = [one for one in found if one.match.covers > 1]  # of strangers, pictures may have told nothing
    return sorted(able, key=lambda one: one.score), refused


def found_in(
    copy: Copy, mine: Mine, passing: Callable[[Listed], bool] = lambda one: True
) -> tuple[list[Candidate], list[str], int]:
    """`run` on what is known of a store, and how many were searched. passing: whether a learnware is wanted."""
    on = copy.shelf(space.space_of(mine.base))
    if on is None:
        return [], [], 0
    among = copy.living(on) & np.array([one.takes == "pictures" and passing(one) for one in on.listed], bool)
    if not among.any():
        return [], [], 0
    return *run(on, copy.source, mine, among=among), int(among.sum())


def shortlist(matches: Sequence[Match], wanted: Wanted) -> list[Match]:
    """The nearest, those that together cover the user's classes best, and a few that only pictures can tell about."""
    by_classes = [match for match in matches if match.covers > 1]
    blind = [match for match in matches if match.is_blind][:BLIND]
    chosen = [*by_classes[:RUN], *search.cover(by_classes, wanted.far), *blind]
    return list({match.place: match for match in chosen}.values())


def _candidate(listed: Listed, match: Match, source: Source, mine: Mine) -> Candidate:
    content = _fetched(listed, source, mine.cache)
    if why := mapped.problem(content.learnware):
        raise RunError(f"{why}.")
    said = mine.said(Predictor(content.learnware, content.tensors, mine.cache))
    together = {name for cell in listed.cells if len(cell) > 1 for name in cell}
    asked = set(content.learnware.classes) if match.is_blind else together - set(match.classes)
    match = by_pictures(said, mine, match, content.learnware.classes, asked)
    answers = restricted(said, [content.learnware.classes.index(name) if name else -1 for name in match.classes])
    known = np.array([bool(name) for name in match.classes])
    right = (answers.argmax(axis=1) == mine.labels) & known[mine.labels]
    return Candidate(
        listed,
        match,
        content,
        answers,
        right,
        proportion(int(right.sum()), len(right)),
        float(log_losses(mine.labels, answers).mean()),
    )


def _fetched(listed: Listed, source: Source, cache: Path) -> Package:
    """The package that is listed, kept by its id: folds and repeats ask for it again and again."""
    kept = cache / "packages" / f"{digest(listed.id)}.tar"  # a store may call an id what is no file's name
    if kept.is_file():
        with suppress(RunError):
            return _as_listed(package.load(kept.read_bytes()), listed)
    content = source.pull(listed.reference)[1]
    found = _as_listed(package.load(content), listed)
    kept.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(content, kept)
    return found


def _as_listed(found: Package, listed: Listed) -> Package:
    """Raises RunError for another learnware than the store lists, or classes that it does not have."""
    if found.id != listed.id:
        raise RunError("the store gave another learnware than it lists.")
    if strangers := {name for cell in listed.cells for name in cell} - set(found.learnware.classes):
        raise RunError(f"the store lists classes that it does not have: {', '.join(sorted(strangers)[:3])}.")
    return found


def by_pictures(said: np.ndarray, mine: Mine, match: Match, classes: Sequence[str], asked: Collection[str]) -> Match:
    """What a learnware's classes stand for, by what it says of the user's pictures: where nothing else tells it.

    A class of the learnware's stands for that of the user's of whose pictures it is named more surely than of others.
    One that could be so by chance, with so many classes to choose from, stands for none (Mann and Whitney's test).
    asked: which of the learnware's classes; only those of the user's that have none yet get one.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.stats import mannwhitneyu

    names, found = [name for name in classes if name in asked], list(match.classes)
    unnamed = [place for place, name in enumerate(found) if not name]
    if not names or not unnamed:
        return match
    logarithms = np.log(np.maximum(said[:, [classes.index(name) for name in names]], SMALLEST_PROBABILITY))
    own = [mine.labels == place for place in unnamed]
    surer = np.stack([logarithms[one].mean(axis=0) - logarithms[~one].mean(axis=0) for one in own])
    for row, column in zip(*linear_sum_assignment(-surer), strict=True):
        column_said = logarithms[:, column]
        chance = mannwhitneyu(column_said[own[row]], column_said[~own[row]], alternative="greater").pvalue
        if chance * len(names) < BY_CHANCE:
            found[unnamed[row]] = names[column]
    return replace(match, classes=tuple(found))


def restricted(said: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Probabilities of the user's classes alone: float32 (N, len(places)), rows sum to 1.

    said: float32 (N, classes of the learnware). places: of the user's classes among them; -1 of those that it does not
    know, which have their even share of each picture.
    """
    count = len(places)
    known = [row for row, place in enumerate(places) if place >= 0]
    found = np.full((len(said), count), 1 / count)
    if known:
        taken = np.maximum(said[:, [places[row] for row in known]].astype(np.float64), 1e-12)
        found[:, known] = taken / taken.sum(axis=1, keepdims=True) * (len(known) / count)
    return found.astype(np.float32)
