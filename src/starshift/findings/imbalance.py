"""Classes of very different sizes, and classes too small for what is asked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from starshift.records import PARTS, Dataset, Finding

UNEVEN = 3
"""Largest class over smallest from which accuracy alone misleads: the majority class then has a head start."""

FEW = 10
"""Pictures in a class below which a share of it (one in five for the test) is two pictures or fewer."""

FEW_IN_PART = 5
"""Pictures of a class in a given part by which it is examined, below which its figures say next to nothing."""


def is_uneven(counts: Mapping[str, int]) -> bool:
    """Whether balanced accuracy leads, and not accuracy. counts: pictures by class."""
    return bool(counts) and max(counts.values()) >= UNEVEN * min(counts.values())


def findings(dataset: Dataset) -> list[Finding]:
    """What the sizes of the classes mean for the figures."""
    if not dataset.target.is_classes:
        return []
    counts = Counter(dataset.labels())
    del counts[""]  # where a label is missing
    found = []
    if is_uneven(counts):
        found.append(Finding("imbalance", "note", _uneven(counts, dataset.noun)))
    if few := sorted(name for name, count in counts.items() if count < FEW):
        found.append(
            Finding(
                f"few {dataset.noun}s",
                "warning",
                f"{len(few)} of {len(counts)} classes have fewer than {FEW} {dataset.noun}s: {_shown(few)}. Their own "
                f"figures rest on one or two validation {dataset.noun}s each and say next to nothing.",
            )
        )
    return found + _few_in_parts(dataset)


def _uneven(counts: Counter[str], noun: str) -> str:
    (largest, most), (smallest, least) = counts.most_common()[0], counts.most_common()[-1]
    return (
        f"The classes are uneven: {largest!r} has {most:,} {noun}s, {smallest!r} has {least:,}. "
        "Look at balanced accuracy and the figures per class, not at accuracy alone: balanced accuracy leads in the "
        "report and chooses the model."
        + (
            " Where small classes matter as much as large ones, let them count as much, with variants such as "
            "features:balance=yes."
            if noun == "picture"
            else ""
        )
    )


def _few_in_parts(dataset: Dataset) -> list[Finding]:
    """Classes that a given validation or test part examines by a handful of pictures."""
    found = []
    for part in PARTS[1:]:
        counts = Counter(example.label for example in dataset.examples if example.part == part)
        if few := sorted(name for name, count in counts.items() if count < FEW_IN_PART):
            found.append(
                Finding(
                    f"few {dataset.noun}s",
                    "note",
                    f"The {part} part has fewer than {FEW_IN_PART} {dataset.noun}s of {len(few)} of {len(counts)} "
                    f"classes: {_shown(few)}. One {dataset.noun} moves their own figures by 20 points or more.",
                )
            )
    return found


def _shown(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
