"""What a model answers for examples, as arrays in memory and as CSV on disk: one form per kind of target."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from starshift.errors import RunError
from starshift.records import files
from starshift.records.target import Target, join_labels


class Answers(ABC):
    """What every kind has in common."""

    leads: ClassVar[str]  # the metric of `figures`
    is_right_or_wrong: ClassVar[bool]  # whether figures are 1 or 0 and nothing between
    paths: tuple[str, ...]  # of N examples, in the same order for all models that are compared
    targets: np.ndarray  # (N, …), what is true

    @property
    @abstractmethod
    def known(self) -> np.ndarray:
        """Which examples have a label to compare with: bool (N,)."""

    @property
    @abstractmethod
    def figures(self) -> np.ndarray:
        """What each example adds to the leading figure, which is their mean: float64 (N,).

        1 or 0 for right or wrong; the share of its labels that are right; the absolute error in the target's unit.
        """

    @abstractmethod
    def _header(self) -> tuple[str, ...]:
        """The columns behind "file" and "label"; the classes where each has one."""

    @abstractmethod
    def _cells(self, row: int) -> list[str]:
        """One example's label and cells."""

    @classmethod
    @abstractmethod
    def _parse(cls, header: tuple[str, ...], rows: list[list[str]]) -> Self:
        """The answers that `_header` and `_cells` told. Raises ValueError or LookupError where these are others."""

    def same_task(self, other: Answers) -> bool:
        """Whether both are about the same examples, labels and classes, in the same order."""
        return (
            type(self) is type(other)
            and (self._header(), self.paths) == (other._header(), other.paths)
            and np.array_equal(self.targets, other.targets, equal_nan=self.targets.dtype.kind == "f")
        )

    def chosen(self, rows: np.ndarray) -> Self:
        """Some of the examples. rows: int (n,), their places."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, paths=tuple(self.paths[row] for row in rows), **arrays)  # type: ignore[type-var]

    def named(self, paths: Sequence[str]) -> Self:
        """The same under other names."""
        return replace(self, paths=tuple(paths))  # type: ignore[type-var]

    def write(self, file: Path) -> None:
        """Write CSV: file, label, then what the model says, numbers exact to the float32."""
        stream = StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(["file", "label", *self._header()])
        for row, path in enumerate(self.paths):
            writer.writerow([path, *self._cells(row)])
        files.write_bytes(stream.getvalue().encode(), file)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read what `write` wrote. Raises RunError where it is missing or damaged."""
        try:
            text = file.read_bytes().decode()
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise _damaged(file, error) from error
        try:
            header, *rows = list(csv.reader(StringIO(text, newline="")))
            if header[:2] != ["file", "label"]:
                raise ValueError(f"the first columns are {', '.join(header[:2])}")
            return cls._parse(tuple(header[2:]), rows)
        except (ValueError, LookupError, csv.Error) as error:
            raise _damaged(file, error) from error


@dataclass(frozen=True)
class Predictions(Answers):
    """Probabilities of every class for every example.

    classes: names. targets: int (N,), indices into `classes`, or -1 where the label is not known.
    probabilities: float32 (N, classes), rows sum to 1.
    """

    leads: ClassVar[str] = "accuracy"
    is_right_or_wrong: ClassVar[bool] = True
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each example: int (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class: float32 (N,)."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether the predicted class is the true one: bool (N,)."""
        return self.predicted == self.targets

    @property
    def known(self) -> np.ndarray:
        """Which examples have a class."""
        return self.targets >= 0

    @property
    def figures(self) -> np.ndarray:
        """1 where the class is right."""
        return self.right.astype(np.float64)

    def _header(self) -> tuple[str, ...]:
        return self.classes

    def _cells(self, row: int) -> list[str]:
        target = self.targets[row]
        label = self.classes[target] if target >= 0 else ""
        return [label, *(f"{value:.9g}" for value in self.probabilities[row])]

    @classmethod
    def _parse(cls, classes: tuple[str, ...], rows: list[list[str]]) -> Self:
        index = {name: i for i, name in enumerate(classes)} | {"": -1}
        return cls(
            classes=classes,
            paths=tuple(row[0] for row in rows),
            targets=np.array([index[row[1]] for row in rows], dtype=np.int64),
            probabilities=_table(rows, len(classes)),
        )


@dataclass(frozen=True)
class NumberPredictions(Answers):
    """A number for every example, in the target's own unit.

    targets: float64 (N,), NaN where it is not known. values: float64 (N,).
    """

    leads: ClassVar[str] = "mean absolute error"
    is_right_or_wrong: ClassVar[bool] = False
    paths: tuple[str, ...]
    targets: np.ndarray
    values: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Which examples have a number."""
        return ~np.isnan(self.targets)

    @property
    def figures(self) -> np.ndarray:
        """The absolute error."""
        return np.abs(self.values - self.targets)

    def _header(self) -> tuple[str, ...]:
        return ("predicted",)

    def _cells(self, row: int) -> list[str]:
        target = self.targets[row]
        return ["" if np.isnan(target) else repr(float(target)), repr(float(self.values[row]))]

    @classmethod
    def _parse(cls, header: tuple[str, ...], rows: list[list[str]]) -> Self:
        _expect(header, ("predicted",))
        targets = np.array([float(row[1]) if row[1] else np.nan for row in rows], dtype=np.float64)
        values = np.array([float(row[2]) for row in rows], dtype=np.float64)
        return cls(tuple(row[0] for row in rows), targets, values)


@dataclass(frozen=True)
class LabelsPredictions(Answers):
    """A probability of every label for every example; any number of them may apply.

    classes: the labels. targets: int8 (N, labels), 0 or 1; rows of -1 where they are not known. probabilities: float32
    (N, labels), each from 0 to 1.
    """

    leads: ClassVar[str] = "label accuracy"
    is_right_or_wrong: ClassVar[bool] = False  # a set of labels may be right in part
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Which labels are likelier than not: bool (N, labels)."""
        return self.probabilities > 0.5

    @property
    def known(self) -> np.ndarray:
        """Which examples have labels."""
        return np.asarray((self.targets >= 0).all(axis=1))

    @property
    def figures(self) -> np.ndarray:
        """The share of its labels that are right."""
        return (self.predicted == self.targets).mean(axis=1)

    def _header(self) -> tuple[str, ...]:
        return self.classes

    def _cells(self, row: int) -> list[str]:
        given = self.targets[row]
        names = [name for name, there in zip(self.classes, given, strict=True) if there == 1]
        label = "" if (given < 0).any() else join_labels(names)
        return [label, *(f"{value:.9g}" for value in self.probabilities[row])]

    @classmethod
    def _parse(cls, classes: tuple[str, ...], rows: list[list[str]]) -> Self:
        targets = Target("", "multi-label", classes).encode([row[1] for row in rows])
        return cls(classes, tuple(row[0] for row in rows), targets, _table(rows, len(classes)))


@dataclass(frozen=True)
class StringPredictions(Answers):
    """A short string for every example.

    targets: object (N,), "" where it is not known. values: object (N,). confidence: float32 (N,), the probability of
    the string that was read.
    """

    leads: ClassVar[str] = "accuracy"
    is_right_or_wrong: ClassVar[bool] = True  # a string is, as a whole
    paths: tuple[str, ...]
    targets: np.ndarray
    values: np.ndarray
    confidence: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Which examples have a string."""
        return np.array([bool(target) for target in self.targets], dtype=bool)

    @property
    def figures(self) -> np.ndarray:
        """1 where every character is right."""
        return (self.values == self.targets).astype(np.float64)

    def _header(self) -> tuple[str, ...]:
        return "predicted", "confidence"

    def _cells(self, row: int) -> list[str]:
        return [self.targets[row], self.values[row], f"{self.confidence[row]:.9g}"]

    @classmethod
    def _parse(cls, header: tuple[str, ...], rows: list[list[str]]) -> Self:
        _expect(header, ("predicted", "confidence"))
        targets, values = (np.array([row[i] for row in rows], dtype=object) for i in (1, 2))
        return cls(tuple(row[0] for row in rows), targets, values, _table([row[1:] for row in rows], 1)[:, 0])


def answers_for(target: Target, paths: Sequence[str], targets: np.ndarray, outputs: np.ndarray) -> Answers:
    """What a model put out, in the form of the target's kind.

    targets: as Target.encode has them. outputs: float (N, classes) or (N, labels), probabilities; float (N,), numbers
    in the target's unit; for strings an object array (N, 2) of string and confidence.
    """
    names = tuple(paths)
    if target.is_classes:
        return Predictions(target.classes, names, targets, outputs)
    if target.is_number:
        return NumberPredictions(names, targets, np.asarray(outputs, dtype=np.float64).reshape(len(names)))
    if target.kind == "multi-label":
        return LabelsPredictions(target.classes, names, targets, outputs)
    return StringPredictions(names, targets, outputs[:, 0], outputs[:, 1].astype(np.float32))


def read_answers(file: Path, target: Target) -> Answers:
    """Read what `write` wrote for a target of that kind. Raises RunError where it is missing or damaged."""
    forms: dict[str, type[Answers]] = {
        "regression": NumberPredictions,
        "share": NumberPredictions,
        "multi-label": LabelsPredictions,
        "string": StringPredictions,
    }
    return forms.get(target.kind, Predictions).read(file)


def _expect(header: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    if header != wanted:
        raise ValueError(f"the columns behind the label are {', '.join(header)}")


def _table(rows: Sequence[Sequence[str]], columns: int) -> np.ndarray:
    """The cells behind the label: float32 (N, columns)."""
    return np.array([row[2:] for row in rows], dtype=np.float32).reshape(len(rows), columns)


def _damaged(file: Path, error: Exception) -> RunError:
    return RunError(
        f"{file} does not hold predictions as Starshift writes them ({error}). It was damaged or edited; delete it "
        "and give the command that made the run again."
    )
