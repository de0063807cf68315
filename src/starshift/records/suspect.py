"""suspects.json: the pictures whose labels look wrong, most suspicious first."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate

SUSPECTS_SCHEMA = 1
"""The number of suspects.json's form; a change that old readers cannot read adds one."""


class Suspect(Struct, frozen=True, forbid_unknown_fields=True):
    """One picture, its label, and what models that never saw it say instead."""

    path: str  # as in Picture
    digest: str  # SHA-256 of the file
    part: Literal["train", "validation"]
    given: str  # its label
    likely: tuple[str, ...]  # other classes, the most probable first; the first of them is suggested
    given_probability: float  # out of fold
    likely_probabilities: tuple[float, ...]  # out of fold, as `likely`
    looks_wrong: bool  # whether confident learning counts it among the wrong labels; the others are only ranked

    @property
    def suggested(self) -> str:
        """The label that models which never saw it would give."""
        return self.likely[0]


class Suspects(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a look at the labels came to."""

    schema: int
    key: str  # digest of features, pictures, labels, settled labels and seed; the same key need not be done again
    judged: int  # pictures of the training and validation parts that a model which never saw them was asked about
    unjudged: int  # the others of these parts: alone in their class, or copies of all of it
    settled: int  # labels that a person kept or gave; they are not suspected again
    looks_wrong: int  # labels that look wrong, settled ones left out
    wrong: Estimate  # the share of the judged labels that is estimated to be wrong
    by: str  # what the probabilities come from, in words
    ranked: tuple[Suspect, ...]  # the most suspicious first: all that look wrong, and the first tenth of the judged
