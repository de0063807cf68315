"""map.json: where pictures lie when like ones lie together."""

from __future__ import annotations

from msgspec import Struct

MAP_SCHEMA = 1
"""The number of map.json's form; a change that old readers cannot read adds one."""


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """One picture on the map."""

    path: str  # as in Picture
    label: str
    x: float  # 0 to 1, from the left
    y: float  # 0 to 1, from the top
    thumbnail: bytes = b""  # a JPEG, of the few pictures that are shown


class NamedHeap(Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures that lie together, by the class that most of them have."""

    label: str
    share: float  # of them, that have it
    pictures: int
    x: float  # where they lie most densely
    y: float


class PictureMap(Struct, frozen=True, forbid_unknown_fields=True):
    """The map of a run's pictures, without those of the sealed test part."""

    schema: int
    key: str  # digest of features, pictures and labels; the same key need not be done again
    by: str  # what likeness was measured on, in words
    pictures: int  # of which those on the map were drawn
    places: tuple[Place, ...]
    heaps: tuple[NamedHeap, ...]  # the largest first
