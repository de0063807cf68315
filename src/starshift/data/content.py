"""What every family of data has in common: a record of what was read, and the content behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from starshift.data.sources import composed
from starshift.errors import DataError
from starshift.recipe import near
from starshift.records import Dataset


class Content(Protocol):
    """Pictures, a table, texts or sequences, as they were read; each has its own way to the values."""

    @property
    def dataset(self) -> Dataset:
        """The record of what was read."""


class Rows(Content, Protocol):
    """What comes with columns of its own: tables, and texts and sequences from a file."""

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the examples' order, "" where there is none. Raises DataError with the columns that
        there are, where it is none of them.
        """


def cells_of(cells: Mapping[str, Sequence[str]], name: str, lack: str) -> list[str]:
    """The cells of a column. lack: the beginning of the DataError where there is none of that name."""
    if composed(name) not in cells:
        raise DataError(f"{lack}.{near(name, list(cells))}")
    return list(cells[composed(name)])
