"""Copies of pictures, exact and near, within and across parts and classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from starshift.apportion import group_ids
from starshift.findings.near import Pair
from starshift.records import Dataset, Finding

NEAR = "near copies"
"""What the kinds of all findings on near copies begin with."""

NEAR_ACROSS_PARTS = f"{NEAR} across parts"


def exact_copies(dataset: Dataset) -> list[list[int]]:
    """Groups of two or more pictures whose files have the same bytes, as indices into `dataset.examples`."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(dataset.examples):
        by_digest[picture.digest].append(index)
    return [group for group in by_digest.values() if len(group) > 1]


def groups(dataset: Dataset, near: Sequence[Pair]) -> list[list[int]]:
    """Groups of two or more pictures that are copies of each other, exact or near; each picture in one at most."""
    pairs = [[pair.first, pair.second] for pair in near]
    together: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(group_ids(len(dataset.examples), [*exact_copies(dataset), *pairs]).tolist()):
        together[group].append(index)
    return [group for group in together.values() if len(group) > 1]


def seen_in(dataset: Dataset, near: Sequence[Pair], trained: Collection[int]) -> frozenset[int]:
    """Pictures outside `trained` of which a copy, exact or near, is in it. All are indices into `dataset.examples`."""
    digests = dataset.digests
    known = {digests[index] for index in trained}
    sides = [(digests[pair.first], digests[pair.second]) for pair in near]
    seen = known | {other for pair in sides for one, other in (pair, pair[::-1]) if one in known}
    inside = set(trained)
    return frozenset(index for index, digest in enumerate(digests) if digest in seen and index not in inside)


def findings(dataset: Dataset, near: Sequence[Pair] = ()) -> list[Finding]:
    """Findings on copies: those that agree, those that contradict each other, those across given parts."""
    return [*_exact_findings(dataset), *_near_findings(dataset, near)]


def across_parts(dataset: Dataset) -> list[list[int]]:
    """Groups of exact copies that lie in more than one given part."""
    return [group for group in exact_copies(dataset) if len({dataset.examples[index].part for index in group}) > 1]


def _exact_findings(dataset: Dataset) -> list[Finding]:
    groups = exact_copies(dataset)
    examples, noun = dataset.examples, dataset.noun
    labels = [{examples[index].label for index in group} for group in groups]
    contradictory = [group for group, names in zip(groups, labels, strict=True) if len(names) > 1]
    agreeing = [group for group, names in zip(groups, labels, strict=True) if len(names) == 1]
    found = []
    if agreeing:
        surplus = sum(len(group) - 1 for group in agreeing)
        found.append(
            _finding(dataset, "exact copies", "note", agreeing,
                     f"{_count(surplus, f'{noun} is an exact copy', f'{noun}s are exact copies')} of another one"
                     f"{' of the same class' if dataset.target.is_classes else ''}. Our own splits keep copies in one "
                     "part, so that they cannot flatter.")
        )  # fmt: skip
    if contradictory:
        found.append(
            _finding(dataset, "contradictory copies", "warning", contradictory,
                     f"{_count(len(contradictory), f'{noun} stands', f'{noun}s stand')} "
                     f"{_in_several(dataset)}: the same content with different labels. At most one of the labels is "
                     "right; look at them and drop the wrong ones.")
        )  # fmt: skip
    if leaks := across_parts(dataset):
        found.append(
            _finding(dataset, "leak", "warning", leaks,
                     f"{_count(len(leaks), f'{noun} stands', f'{noun}s stand')} in more than one of the given parts "
                     f"({', '.join(dataset.given_parts)}). A model that has seen a {noun} in training is not tested "
                     "by it.")
        )  # fmt: skip
    return found


def _in_several(dataset: Dataset) -> str:
    return "in more than one class" if dataset.target.is_classes else "there more than once"


def _near_findings(dataset: Dataset, near: Sequence[Pair]) -> list[Finding]:
    """Pairs by what they mean: one class, two classes, two given parts; the most alike first, as they come."""
    pictures, classes = dataset.examples, dataset.target.is_classes
    pairs = [[pair.first, pair.second] for pair in near]
    agreeing = [pair for pair in pairs if len({(pictures[index].label, pictures[index].part) for index in pair}) == 1]
    contradictory = [pair for pair in pairs if len({pictures[index].label for index in pair}) > 1]
    across = [pair for pair in pairs if len({pictures[index].part for index in pair}) > 1]
    found = []
    if agreeing:
        found.append(
            _finding(dataset, NEAR, "note", agreeing,
                     f"{_pairs(agreeing, 'of one class' if classes else 'with one label')} the same picture: "
                     "resized, compressed anew, cut, mirrored, brighter or darker. Our own splits keep near copies in "
                     "one part, so that they cannot flatter.")
        )  # fmt: skip
    if contradictory:
        found.append(
            _finding(dataset, f"{NEAR} in two classes", "warning", contradictory,
                     f"{_pairs(contradictory, 'of different classes')} the same picture "
                     f"({_classes(dataset, contradictory)}). At most one of the labels is right, unless a picture can "
                     "be of both classes."
                     if classes
                     else f"{_pairs(contradictory, 'with different labels')} the same picture. At most one of the "
                     "labels is right.")
        )  # fmt: skip
    if across:
        found.append(
            _finding(dataset, NEAR_ACROSS_PARTS, "warning", across,
                     f"{_pairs(across, 'in different given parts')} the same picture "
                     f"({', '.join(dataset.given_parts)}). A model that has seen a picture in training is hardly "
                     "tested by its copy; accuracy is given with and without them.")
        )  # fmt: skip
    return found


MOST_CLASS_PAIRS = 3
"""Pairs of classes that a sentence names."""


def _classes(dataset: Dataset, pairs: Sequence[Sequence[int]]) -> str:
    """The pairs of classes that share most: "40 of 'Faces' and 'Faces_easy', 1 of 'cat' and 'dog'"."""
    labels = [tuple(sorted(repr(dataset.examples[index].label) for index in pair)) for pair in pairs]
    names, counts = np.unique(labels, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = [f"{counts[i]:,} of {names[i][0]} and {names[i][1]}" for i in order[:MOST_CLASS_PAIRS]]
    more = [f"{len(order) - len(shown)} more pairs of classes"] if len(order) > len(shown) else []
    return ", ".join([*shown, *more])


def _pairs(pairs: Sequence[Sequence[int]], where: str) -> str:
    return _count(len(pairs), f"pair of pictures {where} shows", f"pairs of pictures {where} show")


def _finding(dataset: Dataset, kind: str, severity: str, groups: list[list[int]], sentence: str) -> Finding:
    paths = tuple(tuple(dataset.examples[index].path for index in group) for group in groups)
    return Finding(kind=kind, severity=severity, sentence=sentence, groups=paths)  # type: ignore[arg-type]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
