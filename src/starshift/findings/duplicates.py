"""Exact copies of pictures, within and across parts and classes."""

from __future__ import annotations

from collections import defaultdict

from starshift.records import Dataset, Finding


def exact_copies(dataset: Dataset) -> list[list[int]]:
    """Groups of two or more pictures whose files have the same bytes, as indices into `dataset.pictures`."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(dataset.pictures):
        by_digest[picture.digest].append(index)
    return [group for group in by_digest.values() if len(group) > 1]


def findings(dataset: Dataset) -> list[Finding]:
    """Findings on exact copies: those that agree, those that contradict each other, those across given parts."""
    groups = exact_copies(dataset)
    pictures = dataset.pictures
    labels = [{pictures[index].label for index in group} for group in groups]
    contradictory = [group for group, names in zip(groups, labels, strict=True) if len(names) > 1]
    agreeing = [group for group, names in zip(groups, labels, strict=True) if len(names) == 1]
    found = []
    if agreeing:
        surplus = sum(len(group) - 1 for group in agreeing)
        found.append(
            _finding(dataset, "exact copies", "note", agreeing,
                     f"{_count(surplus, 'file is an exact copy', 'files are exact copies')} of another picture of the "
                     "same class. Our own splits keep copies in one part, so that they cannot flatter.")
        )  # fmt: skip
    if contradictory:
        found.append(
            _finding(dataset, "contradictory copies", "warning", contradictory,
                     f"{_count(len(contradictory), 'picture stands', 'pictures stand')} in more than one class: the "
                     "same bytes with different labels. At most one of the labels is right; look at them and drop "
                     "the wrong ones.")
        )  # fmt: skip
    if leaks := across_parts(dataset):
        found.append(
            _finding(dataset, "leak", "warning", leaks,
                     f"{_count(len(leaks), 'picture stands', 'pictures stand')} in more than one of the given parts "
                     f"({', '.join(dataset.given_parts)}). A model that has seen a picture in training is not tested "
                     "by it.")
        )  # fmt: skip
    return found


def across_parts(dataset: Dataset) -> list[list[int]]:
    """Groups of exact copies that lie in more than one given part."""
    return [group for group in exact_copies(dataset) if len({dataset.pictures[index].part for index in group}) > 1]


def _finding(dataset: Dataset, kind: str, severity: str, groups: list[list[int]], sentence: str) -> Finding:
    paths = tuple(tuple(dataset.pictures[index].path for index in group) for group in groups)
    return Finding(kind=kind, severity=severity, sentence=sentence, groups=paths)  # type: ignore[arg-type]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
