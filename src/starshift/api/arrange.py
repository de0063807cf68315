"""Which examples lie in which part: what the user knows of them, and what was found, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starshift.api.options import Request
from starshift.data import known
from starshift.data.content import Content
from starshift.data.split import make_split
from starshift.records import Dataset, Finding, Split
from starshift.report import words


@dataclass(frozen=True)
class Arranged:
    """A split, and what it and all folds have to respect."""

    split: Split
    groups: Sequence[Sequence[int]]  # examples that must not be torn apart, as indices
    order: Sequence[float]  # when each example is from; empty where that is of no matter
    sentences: tuple[str, ...]  # what was found, to be said
    findings: tuple[Finding, ...]


def arrange(request: Request, content: Content, copies: Sequence[Sequence[int]]) -> Arranged:
    """Split the examples as the request wants it. copies: found among them, as lists of indices that stay together.

    Raises UsageError or DataError where examples cannot be grouped or ordered as asked.
    """
    sentences, found = [], []
    groups, together = list(copies), ""
    order: list[float] = []
    if request.group_by:
        own, sentence = known.groups(request.group_by, content, request.columns)
        groups += own
        together = f"{'copies and ' if copies else ''}groups by {request.group_by}"
        sentences.append(sentence)
        found = _torn_apart(content.dataset, own, str(request.group_by))
    if request.order_by:
        order, sentence = known.order(request.order_by, content, request.columns)
        sentences.append(sentence)
    split = make_split(content.dataset, groups=groups, together=together, order=order, seed=request.seed)
    return Arranged(split, groups, order, tuple(sentences), tuple(found))


def _torn_apart(dataset: Dataset, groups: Sequence[Sequence[int]], by: str) -> list[Finding]:
    """Groups of which the source's own folders have examples in more than one part."""
    torn = [group for group in groups if len({dataset.examples[index].part for index in group}) > 1]
    if not torn:
        return []
    paths = tuple(tuple(dataset.examples[index].path for index in group) for group in torn)
    return [
        Finding(
            "torn groups",
            "warning",
            f"{words.counted(len(torn), 'group')} by {by} {'has' if len(torn) == 1 else 'have'} {dataset.noun}s "
            f"in more than one of the given parts ({', '.join(dataset.given_parts)}), which are kept as they are: a "
            "model is then tested by what it has met in training, and its figures flatter. Put all class folders side "
            "by side, and Starshift splits them itself.",
            paths,
        )
    ]
