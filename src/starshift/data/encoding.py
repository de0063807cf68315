"""Rows as numbers: what models of tables are given, by means, scales and categories of the training rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from msgspec import structs

from starshift.data.columns import DATE_PARTS, dates_of, is_missing, numbers_of, truths_of, words_of
from starshift.data.kinds import natural
from starshift.data.sources import some
from starshift.errors import RunError
from starshift.records import Column

FEWEST, MOST_LEVELS = 2, 100
"""Training rows that a category needs for a level of its own, and the most levels of a column, the commonest; the rest
share the level of those that training never saw, which so is not all guesswork."""

_WIDTHS = {"number": 1, "boolean": 1, "date": len(DATE_PARTS), "category": 0}
"""Of each kind of column, the features that are numbers."""


class Columns(Protocol):
    """What has cells by column."""

    def column(self, name: str) -> Sequence[str]:
        """The cells of a column, in the rows' order."""


@dataclass(frozen=True)
class Encoding:
    """Rows → features, as a pure function of what was seen in training.

    columns: with the categories that have a level. means, scales: float64 (numbers,), of numbers and parts of dates;
    of a column that is yes or no, the share of yes, and 1. indicated: bool (columns,), whether a value was missing in
    training.
    """

    columns: tuple[Column, ...]
    means: np.ndarray
    scales: np.ndarray
    indicated: np.ndarray

    @classmethod
    def fitted(cls, columns: Sequence[Column], rows: Columns, train: Sequence[int] | np.ndarray) -> Encoding:
        """By the training rows, given as indices."""
        kept, means, scales, indicated = [], [], [], []
        for column in columns:
            cells = rows.column(column.name)
            own = [cells[row] for row in train]
            kept.append(structs.replace(column, categories=_levels(own)) if column.kind == "category" else column)
            values = _values(column, own)
            mean, scale = _mean_and_scale(values)
            means.append(mean)
            scales.append(np.ones_like(scale) if column.kind == "boolean" else scale)
            indicated.append(bool(np.isnan(values).any()) if values.size else any(map(is_missing, own)))
        return cls(tuple(kept), np.concatenate(means), np.concatenate(scales), np.array(indicated, dtype=bool))

    @classmethod
    def read(cls, columns: tuple[Column, ...], tensors: Mapping[str, np.ndarray]) -> Encoding:
        """From a saved model. Raises RunError where its tensors do not fit its columns."""
        names = ("means", "scales", "indicated")
        found = [tensors.get(f"encoding/{name}") for name in names]
        numbers = sum(_WIDTHS[column.kind] for column in columns)
        wanted = [(numbers,), (numbers,), (len(columns),)]
        if [None if array is None else array.shape for array in found] != wanted:
            raise RunError("The tensors of the model do not hold the means and scales of its columns.")
        means, scales, indicated = found
        assert means is not None and scales is not None and indicated is not None
        return cls(columns, means, scales, indicated.astype(bool))

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """What `read` takes."""
        return {
            "encoding/means": self.means,
            "encoding/scales": self.scales,
            "encoding/indicated": self.indicated.astype(np.uint8),
        }

    def features(self, rows: Columns, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """What networks and linear models are given: float64 (N, features).

        Numbers and parts of dates standardized, a missing one 0; yes and no 1 and 0, a missing one the share of yes; a
        feature per category and one for all others; behind each column with gaps in training, 1 where it is missing.
        """
        parts, start = [], 0
        for column, indicated in zip(self.columns, self.indicated, strict=True):
            cells = _some(rows, column, indices)
            numbers = slice(start, start := start + _WIDTHS[column.kind])
            values = _values(column, cells)
            missing = np.isnan(values[:, :1]) if values.size else np.array([[is_missing(cell)] for cell in cells])
            if column.kind == "category":
                parts.append(_one_hot(column, cells))
            elif column.kind == "boolean":
                parts.append(np.where(np.isnan(values), self.means[numbers], values))
            else:
                parts.append(np.nan_to_num((values - self.means[numbers]) / self.scales[numbers], nan=0.0))
            if indicated:
                parts.append(missing.reshape(len(cells), 1).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def raw(self, rows: Columns, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """What boosted trees are given: float64 (N, columns and parts of dates), NaN where it is missing.

        Categories as their places, those without a level as the place behind the last.
        """
        parts = []
        for column in self.columns:
            cells = _some(rows, column, indices)
            values = _codes(column, cells) if column.kind == "category" else _values(column, cells)
            parts.append(values)
        return np.concatenate(parts, axis=1)

    @property
    def categorical(self) -> list[int]:
        """Which columns of `raw` are places of categories."""
        widths = [max(1, _WIDTHS[column.kind]) for column in self.columns]
        starts = np.cumsum([0, *widths[:-1]])
        return [int(start) for start, column in zip(starts, self.columns, strict=True) if column.kind == "category"]


@dataclass
class Surprises:
    """What training never saw, counted over the rows that come: new gaps, cells that cannot be read, new categories."""

    encoding: Encoding
    gaps: Counter[str] = field(default_factory=Counter)
    strange: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, rows: Columns) -> None:
        """Look at some rows."""
        for column, indicated in zip(self.encoding.columns, self.encoding.indicated, strict=True):
            cells = rows.column(column.name)
            self.gaps[column.name] += 0 if indicated else sum(map(is_missing, cells))
            self.strange.setdefault(column.name, Counter()).update(_strange(column, cells))

    @property
    def sentences(self) -> list[str]:
        """What was seen, and what became of it."""
        return [said for column in self.encoding.columns for said in self._of(column)]

    def _of(self, column: Column) -> list[str]:
        said = []
        if gaps := self.gaps[column.name]:
            said.append(
                f"{_times(gaps, column)} is missing, which it never was in training: answered as if it were average."
            )
        if strange := self.strange.get(column.name):
            what = _STRANGE.get(column.kind, f"is no {column.kind}, and taken for missing")
            said.append(f"{_times(sum(strange.values()), column)} {what} ({some(map(repr, strange), 5)}).")
        return said


_STRANGE = {
    "category": "is of a category that training had not, or too rarely, and taken for any other",
    "boolean": "is neither yes nor no, and taken for missing",
}


def _times(count: int, column: Column) -> str:
    return f"In {count:,} row{'' if count == 1 else 's'} {column.name!r}"


def _strange(column: Column, cells: Sequence[str]) -> Counter[str]:
    """Cells that say something that is not understood."""
    present = [cell for cell in cells if not is_missing(cell)]
    if column.kind == "category":
        return Counter(cell for cell in words_of(present) if cell not in column.categories)
    unread = np.isnan(_values(column, present))[:, 0]
    return Counter(cell for cell, wrong in zip(present, unread, strict=True) if wrong)


def _some(rows: Columns, column: Column, indices: Sequence[int] | np.ndarray) -> list[str]:
    cells = rows.column(column.name)
    return [cells[index] for index in indices]


def _values(column: Column, cells: Sequence[str]) -> np.ndarray:
    """Cells as numbers: float64 (N, width), NaN where they are missing; of categories, nothing."""
    if column.kind == "number":
        return numbers_of(cells)[:, None]
    if column.kind == "boolean":
        return truths_of(cells)[:, None]
    return dates_of(cells) if column.kind == "date" else np.empty((len(cells), 0))


def _mean_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each column, over what is not missing; 0 and 1 where nothing varies or is there."""
    means, scales = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for place, column in enumerate(values.T):
        if len(present := column[~np.isnan(column)]):
            means[place], scale = present.mean(), present.std()
            scales[place] = scale if scale > 1e-12 * max(1.0, abs(means[place])) else 1.0
    return means, scales


def _levels(cells: Sequence[str]) -> tuple[str, ...]:
    """The categories that are told apart, in a natural order."""
    counts = Counter(cell for cell in words_of(cells) if cell)
    ordered = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_LEVELS]
    return tuple(sorted((name for name in ordered if counts[name] >= FEWEST), key=natural))


def _codes(column: Column, cells: Sequence[str]) -> np.ndarray:
    """Places of categories: float64 (N, 1), those without a level behind the last, NaN where they are missing."""
    place = {name: float(index) for index, name in enumerate(column.categories)} | {"": np.nan}
    return np.array([[place.get(cell, len(column.categories))] for cell in words_of(cells)]).reshape(len(cells), 1)


def _one_hot(column: Column, cells: Sequence[str]) -> np.ndarray:
    codes = _codes(column, cells)
    return (codes == np.arange(len(column.categories) + 1)).astype(np.float64)
