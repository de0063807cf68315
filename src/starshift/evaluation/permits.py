"""Which part of a split may be looked at for what. Everything that is fitted, scaled, chosen or judged asks here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from starshift.records import PARTS, Split

PERMITS: dict[str, tuple[str, ...]] = {
    "weights": ("train",),
    "means and scales": ("train",),
    "choices": ("train",),  # strength of a head, base, depth: by inner folds
    "stopping": ("train",),  # a tenth of it is held out to decide by
    "temperature": ("validation",),
    "threshold": ("validation",),
    "comparison of rungs": ("validation",),
    "folds": ("train", "validation"),  # each fold has parts of its own, to which this table applies again
    "suspected labels": ("train", "validation"),
    "forecast": ("train", "validation"),
    "last training": ("train", "validation"),  # --retrain-on-all, when nothing is left to choose
    "final figure": ("test",),
}
"""What may see which parts."""


class LeakInFitting(RuntimeError):
    """Something was about to be fitted on pictures that it must not see: a bug, and never the user's mistake."""


def rows_for(purpose: str, split: Split) -> np.ndarray:
    """The pictures that a purpose may see: int (n,), indices into the data set, sorted."""
    return np.array(sorted(index for part in PERMITS[purpose] for index in getattr(split, part)), dtype=np.int64)


def permit(purpose: str, rows: Iterable[int], split: Split) -> None:
    """Raise LeakInFitting where `rows` holds pictures that the purpose must not see."""
    chosen = set(map(int, rows))
    forbidden = {part: chosen & set(getattr(split, part)) for part in PARTS if part not in PERMITS[purpose]}
    if found := {part: len(pictures) for part, pictures in forbidden.items() if pictures}:
        said = " and ".join(f"{count:,} of the {part} part" for part, count in found.items())
        raise LeakInFitting(f"{purpose} may see {' and '.join(PERMITS[purpose])} only, and {said} came")


def refuse_overlap(split: Split) -> None:
    """Raise LeakInFitting where a picture lies in two parts."""
    for i, first in enumerate(PARTS):
        for second in PARTS[i + 1 :]:
            if shared := set(getattr(split, first)) & set(getattr(split, second)):
                raise LeakInFitting(f"{len(shared):,} examples lie in the {first} and in the {second} part")
