"""What is to be predicted: the kinds of targets, and labels as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

Kind = Literal["binary", "multi-class", "multi-label", "regression", "share", "string"]
"""Two classes; more; any number of labels at once; a number; a number from 0 to 1; a short string."""

KINDS: tuple[Kind, ...] = ("binary", "multi-class", "multi-label", "regression", "share", "string")

SEPARATOR = "|"
"""Between the labels of a multi-label target, as records keep them; alone, it says that none applies."""


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is to be predicted."""

    name: str  # of its column; "class" where folders or file names tell it
    kind: Kind
    classes: tuple[str, ...] = ()  # sorted: classes, labels, or characters of a string; none of numbers
    how: str = ""  # how the kind was found, a clause: "2 different values", "as given"

    @classmethod
    def of_classes(cls, classes: Sequence[str], name: str = "class", how: str = "") -> Target:
        """One class of several: binary where there are two."""
        return cls(name, "binary" if len(classes) == 2 else "multi-class", tuple(classes), how)

    @property
    def is_classes(self) -> bool:
        """Whether each example has one class of several."""
        return self.kind in ("binary", "multi-class")

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.kind in ("regression", "share")

    def encode(self, labels: Sequence[str]) -> np.ndarray:
        """Labels as records keep them → an array; "" is a label that is missing.

        Classes: int64 (N,), places in `classes`, -1 where missing. Multi-label: int8 (N, labels), 0 or 1, a row of -1
        where missing. Numbers: float64 (N,), NaN where missing. Strings: object (N,), "" where missing.
        """
        if self.is_number:
            return np.array([float(label) if label else np.nan for label in labels], dtype=np.float64)
        if self.kind == "string":
            return np.array(list(labels), dtype=object)
        place = {name: index for index, name in enumerate(self.classes)}
        if self.is_classes:
            return np.array([place[label] if label else -1 for label in labels], dtype=np.int64)
        table = np.zeros((len(labels), len(self.classes)), dtype=np.int8)
        for row, label in enumerate(labels):
            if not label:
                table[row] = -1
            for name in split_labels(label):
                table[row, place[name]] = 1
        return table

    def known(self, encoded: np.ndarray) -> np.ndarray:
        """Which of `encode`'s rows have a label: bool (N,)."""
        if self.is_number:
            return ~np.isnan(encoded)
        if self.kind == "string":
            return np.array([bool(label) for label in encoded], dtype=bool)
        return np.asarray(encoded >= 0 if encoded.ndim == 1 else (encoded >= 0).all(axis=1))

    def strata(self, labels: Sequence[str]) -> np.ndarray:
        """What a split keeps in proportion: int64 (N,), from 0. Missing labels are a stratum of their own.

        Classes as they are; sets of labels by the rarest of theirs; numbers in up to ten parts of equal size; strings
        by their length.
        """
        return self.strata_of(self.encode(labels))

    def strata_of(self, encoded: np.ndarray) -> np.ndarray:
        """The same, of labels as `encode` gives them."""
        known = self.known(encoded)
        strata = np.zeros(len(encoded), dtype=np.int64)
        if not known.any():
            return strata
        strata[known] = 1 + self._ranks(encoded[known])
        return np.unique(strata, return_inverse=True)[1].astype(np.int64)

    def _ranks(self, encoded: np.ndarray) -> np.ndarray:
        if self.is_number:
            bins = int(min(10, max(1, len(encoded) // 10)))
            edges = np.unique(np.quantile(encoded, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.array([])
            return np.searchsorted(edges, encoded, side="right").astype(np.int64)
        if self.kind == "string":
            return np.array([len(label) for label in encoded], dtype=np.int64)
        if encoded.ndim == 1:
            return encoded
        rarest = np.where(encoded > 0, encoded.sum(axis=0), np.iinfo(np.int64).max).argmin(axis=1) + 1
        return np.where(encoded.any(axis=1), rarest, 0).astype(np.int64)


def join_labels(names: Iterable[str]) -> str:
    """The labels of one example as records keep them, sorted; SEPARATOR where there are none."""
    return SEPARATOR.join(sorted(names)) or SEPARATOR


def split_labels(label: str) -> list[str]:
    """The inverse of `join_labels`."""
    return [name for name in label.split(SEPARATOR) if name]
