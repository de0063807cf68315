"""Probabilities for pictures, as arrays in memory and as CSV on disk."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from starshift.errors import RunError
from starshift.records import files


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
        stream = StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(["file", "label", *self.classes])
        for path, target, row in zip(self.paths, self.targets, self.probabilities, strict=True):
            label = self.classes[target] if target >= 0 else ""
            writer.writerow([path, label, *(f"{value:.9g}" for value in row)])
        files.write_bytes(stream.getvalue().encode(), file)

    @classmethod
    def read(cls, file: Path) -> Predictions:
        """Read what `write` wrote. Raises RunError where it is missing or damaged."""
        try:
            text = file.read_bytes().decode()
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise _damaged(file, error) from error
        try:
            return cls._parse(list(csv.reader(StringIO(text, newline=""))))
        except (ValueError, LookupError, csv.Error) as error:
            raise _damaged(file, error) from error

    @classmethod
    def _parse(cls, rows: list[list[str]]) -> Predictions:
        """Raises ValueError or LookupError where the rows are not as `write` makes them."""
        header, *lines = rows
        if header[:2] != ["file", "label"]:
            raise ValueError(f"the first columns are {', '.join(header[:2])}")
        classes = tuple(header[2:])
        index = {name: i for i, name in enumerate(classes)} | {"": -1}
        return cls(
            classes,
            tuple(row[0] for row in lines),
            np.array([index[row[1]] for row in lines], dtype=np.int64),
            np.array([row[2:] for row in lines], dtype=np.float32).reshape(len(lines), len(classes)),
        )


def _damaged(file: Path, error: Exception) -> RunError:
    return RunError(
        f"{file} does not hold predictions as Starshift writes them ({error}). It was damaged or edited; delete it "
        "and give the command that made the run again."
    )
