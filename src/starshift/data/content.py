"""What every family of data has in common: a record of what was read, and the content behind it."""

from __future__ import annotations

from typing import Protocol

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
