"""Classes of very different sizes, and classes too small for what is asked of them."""

from __future__ import annotations

from collections import Counter

from starshift.records import Dataset, Finding

UNEVEN = 3
"""Largest class over smallest from which accuracy alone misleads: the majority class then has a head start."""

FEW = 10
"""Pictures in a class below which a share of it (one in five for the test) is two pictures or fewer."""


def findings(dataset: Dataset) -> list[Finding]:
    """What the sizes of the classes mean for the figures."""
    counts = Counter(picture.label for picture in dataset.pictures)
    (largest, most), (smallest, least) = counts.most_common()[0], counts.most_common()[-1]
    found = []
    if most >= UNEVEN * least:
        found.append(
            Finding(
                kind="imbalance",
                severity="note",
                sentence=f"The classes are uneven: {largest!r} has {most:,} pictures, {smallest!r} has {least:,}. "
                "Look at balanced accuracy and the figures per class, not at accuracy alone.",
            )
        )
    few = sorted(name for name, count in counts.items() if count < FEW)
    if few:
        shown = ", ".join(repr(name) for name in few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        found.append(
            Finding(
                kind="few pictures",
                severity="warning",
                sentence=f"{len(few)} of {len(counts)} classes have fewer than {FEW} pictures: {shown}. Their own "
                "figures rest on one or two validation pictures each and say next to nothing.",
            )
        )
    return found
