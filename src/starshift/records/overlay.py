"""What labels.overlay.csv changed in a run, and what that bought."""

from __future__ import annotations

from msgspec import Struct

from starshift.records.verdict import Verdict


class OverlayRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of decisions on labels, applied. The pictures and their folders were not touched."""

    file: str  # as the user named it
    digest: str  # SHA-256 of the file
    relabelled: int  # pictures that go under another label than their source gives them
    dropped: int  # pictures left out
    kept: int  # pictures whose label was looked at and stays
    sentence: str  # all of it in words
    key: str = ""  # digest of what the effect depends on; the same key need not be done again
    effect: Verdict | None = None  # `features` with the overlay against without, by corrected labels
    effect_sentence: str = ""  # the effect in words, or why it was not measured
