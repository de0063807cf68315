"""Figures by the values of another column, as `--slice-by` asks for them."""

from __future__ import annotations

from collections import Counter

from starshift.api.options import Request
from starshift.data import known
from starshift.evaluation.slices import slices
from starshift.findings.imbalance import is_uneven
from starshift.ladder.materials import Materials
from starshift.records import Answers, Slices
from starshift.records.slices import SlicedPart


def values_of(request: Request, materials: Materials) -> dict[str, str]:
    """The value of every example, by its name; none where nothing is sliced.

    Raises UsageError or DataError where the column is not there or is empty: at once, not after an hour of climbing.
    """
    if request.slice_by is None:
        return {}
    found = known.values(request.slice_by, materials.content, request.columns)
    return dict(zip((example.path for example in materials.dataset.examples), found, strict=True))


def sliced(
    request: Request, materials: Materials, values: dict[str, str], rung: str, parts: dict[SlicedPart, Answers | None]
) -> tuple[Slices, ...]:
    """The figures of a rung on each part that there are answers for."""
    if request.slice_by is None:
        return ()
    dataset = materials.dataset
    return tuple(
        slices(
            answers,
            values,
            by=str(request.slice_by),
            rung=rung,
            part=part,
            balanced=dataset.target.is_classes and is_uneven(Counter(filter(None, dataset.labels()))),
            seed=materials.seed,
            noun=dataset.noun,
        )
        for part, answers in parts.items()
        if answers is not None and answers.known.any()
    )
