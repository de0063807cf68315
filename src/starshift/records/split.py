"""Which examples train, which validate, and which are sealed for the end."""

from __future__ import annotations

from msgspec import Struct


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """Indices into `Dataset.examples`, sorted. An empty `test` means that there is no sealed test part."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    how: str  # a sentence: "stratified 6:2:2, seed 0, exact copies kept together"


class SplitEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of splits.json."""

    path: str
    digest: str  # of the example
    label: str
    part: str  # "train", "validation", "test"
    group: int = 0  # examples of one number, from 1, were kept in one part; 0: it is alone


class SplitFile(Struct, frozen=True, forbid_unknown_fields=True):
    """splits.json: every example with its digest and its part."""

    how: str
    examples: tuple[SplitEntry, ...]
