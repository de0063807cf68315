"""Specialists of an ensemble: models for groups of classes that the generalist confuses, asked where it hesitates.

Source: Hinton, Vinyals and Dean 2015 (arXiv:1503.02531), section 5: groups by clustering the covariance of the
generalist's predictions. Theirs have a dustbin class for all others; here the generalist itself says how likely the
group is, and a specialist only divides that among its classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from starshift.compose import ensemble
from starshift.evaluation.metrics import log_losses
from starshift.evaluation.permits import rows_for
from starshift.ladder.materials import About, Materials, Model
from starshift.records import Target

SHARES = tuple(step / 10 for step in range(11))
"""What specialists may count beside the generalist within a group; 0 is none at all."""

LARGEST = 0.5
"""Of all classes: a group of more is no specialty."""


@dataclass(frozen=True)
class Found:
    """Specialists that were fitted, and what they count."""

    models: tuple[Model, ...]  # whose targets have the classes of a group
    share: float  # one of SHARES; 0 where they do not help
    why: str  # on what it was chosen, in words


def groups_of(answers: np.ndarray, count: int) -> list[np.ndarray]:
    """Classes that are often in question together: sorted places of classes, two or more in each group.

    answers: float (N, classes), of pictures that the generalist did not see. count: groups that all classes are
    clustered into, by average linkage of one minus the correlation of their probabilities; groups of one class, and of
    more than half of all, are none.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    classes = answers.shape[1]
    if classes <= 2:
        return []
    centred = answers - answers.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0)) + 1e-12
    distance = 1 - (centred.T @ centred) / np.outer(scale, scale)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(np.maximum((distance + distance.T) / 2, 0), checks=False), method="average")
    numbers = fcluster(tree, min(count, classes), criterion="maxclust")
    found = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    return [group for group in found if 2 <= len(group) <= LARGEST * classes]


def about(materials: Materials, group: np.ndarray) -> Materials:
    """The task of telling a group's classes apart: their training pictures alone."""
    names = [materials.target.classes[place] for place in group]
    inside = set(names)
    target = Target.of_classes(names)
    dataset = materials.dataset
    examples = tuple(one if one.label in inside else structs.replace(one, label="") for one in dataset.examples)
    narrowed = structs.replace(dataset, targets=(target,), examples=examples, further={})
    train = rows_for("weights", materials.split)
    chosen = train[np.isin(materials.targets[train], group)]
    split = structs.replace(materials.split, train=tuple(chosen.tolist()), validation=(), test=())
    return replace(materials, content=About(materials.content, narrowed), split=split)


def share_of(
    answers: np.ndarray, said: Sequence[tuple[np.ndarray, np.ndarray]], targets: np.ndarray
) -> tuple[float, str]:
    """What specialists count: of SHARES the one with the lowest log loss; and that in words.

    answers: the generalist's, float (N, classes). said: of each specialist its group, and its answers on the same N
    pictures, float (N, classes of the group), NaN for pictures that it could not be asked about: those keep the
    generalist's answer. targets: int (N,).
    """
    tried = {share: float(log_losses(targets, _specialized(answers, said, share)).mean()) for share in SHARES}
    best = min(tried, key=lambda share: tried[share])
    return best, f"log loss {tried[0.0]:.4f} without them, {tried[best]:.4f} with a share of {best:g}"


def _specialized(answers: np.ndarray, said: Sequence[tuple[np.ndarray, np.ndarray]], share: float) -> np.ndarray:
    found = answers.copy()
    for group, own in said:
        known = ~np.isnan(own).any(axis=1)
        found[known] = ensemble.specialized(found[known], group, own[known], share)
    return found
