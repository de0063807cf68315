"""What an inspection of the data found: sentences with counts, and the files that they are about."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that a person should know about the data before believing a figure."""

    kind: str  # "exact copies", "contradictory copies", "leak", "imbalance", "few pictures", …
    severity: Literal["note", "warning"]
    sentence: str  # with its counts; names what to do where something can be done
    groups: tuple[tuple[str, ...], ...] = ()  # paths that belong together (copies of one picture, …)
