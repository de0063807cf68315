"""Probabilities for pictures, as arrays in memory and as CSV on disk."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Predictions:
    """Probabilities of every class for every picture.

    paths: N paths. targets: int (N,), indices into `classes`, or -1 where the label is not known.
    probabilities: float32 (N, classes), rows sum to 1.
    """

    classes: tuple[str, ...]
    paths: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each picture: int (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class: float32 (N,)."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether the predicted class is the true one: bool (N,)."""
        return self.predicted == self.targets

    def write(self, file: Path) -> None:
        """Write CSV: file, label, then a column of probabilities per class (exact to the float32)."""
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "label", *self.classes])
            for path, target, row in zip(self.paths, self.targets, self.probabilities, strict=True):
                label = self.classes[target] if target >= 0 else ""
                writer.writerow([path, label, *(f"{value:.9g}" for value in row)])

    @classmethod
    def read(cls, file: Path) -> Predictions:
        """Read what `write` wrote."""
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        classes = tuple(rows[0][2:])
        index = {name: i for i, name in enumerate(classes)} | {"": -1}
        return cls(
            classes,
            tuple(row[0] for row in rows[1:]),
            np.array([index[row[1]] for row in rows[1:]], dtype=np.int64),
            np.array([row[2:] for row in rows[1:]], dtype=np.float32).reshape(len(rows) - 1, len(classes)),
        )
