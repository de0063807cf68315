"""What is no pictures, read: by its family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from starshift.data.content import Content
from starshift.data.kinds import Wanted
from starshift.data.sequences import read_sequences
from starshift.data.tables import read_table
from starshift.data.texts import read_texts
from starshift.errors import UsageError
from starshift.records import Family

Reader = Callable[[Path, Sequence[Wanted], int], Content]
"""Source, targets as named (none: found), and the fewest examples of a class → what was read. Raises DataError."""

READERS: dict[Family, Reader] = {"table": read_table, "texts": read_texts, "sequences": read_sequences}
"""The reader of each family but pictures."""


def read_content(family: Family, source: Path, targets: Sequence[Wanted], min_per_class: int) -> Content:
    """Read a table, texts or sequences. Raises DataError with all that is wrong with them."""
    reader = READERS.get(family)
    if reader is None:
        raise UsageError(f"{source} looks like {family}, which this version cannot learn from yet.")
    return reader(source, targets, min_per_class)
