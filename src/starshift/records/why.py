"""why.json: what the chosen model looked at in its worst mistakes, and which training pictures they are most like."""

from __future__ import annotations

from msgspec import Struct

WHY_SCHEMA = 1
"""The number of why.json's form; a change that old readers cannot read adds one."""


class Alike(Struct, frozen=True, forbid_unknown_fields=True):
    """A training picture that is like another one."""

    path: str  # as in Picture
    label: str
    likeness: float  # cosine of the angle between both: 1 the same, 0 nothing in common, below 0 opposite
    thumbnail: bytes = b""  # a JPEG; none where the picture is not at hand any more


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """What can be shown of one answer."""

    path: str  # as in Picture
    digest: str  # of the picture
    explained: str  # the class or label that was answered; the target's name where it is a number
    cells: tuple[
        tuple[float, ...], ...
    ]  # by how much the evidence falls, row by row from the upper left; () if unknown
    alike: tuple[Alike, ...]  # the most alike first


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Reasons for the worst mistakes of a run's chosen rung on the validation part."""

    schema: int
    key: str  # digest of model, pictures and training part; the same key need not be done again
    rung: str
    fit: str  # how the model's pictures are made square, as InputContract has it: what of a picture the cells cover
    unit: str  # of the cells: "log-odds", or "" for the target's own
    by: str  # what likeness was measured on, in words; "" where it was not
    lacks: tuple[str, ...]  # what is not shown and why, in sentences
    seconds: float  # that it took
    reasons: tuple[Reason, ...]
