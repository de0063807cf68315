"""A distilled student beside those who taught it, on pictures that none of them saw."""

from __future__ import annotations

from msgspec import Struct

from starshift.records.cost import CostRecord
from starshift.records.score import Estimate
from starshift.records.verdict import Verdict


class DistilledRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What of its teacher a student kept."""

    part: str  # of the pictures: "validation"
    teacher: str  # in words
    models: int  # that the teacher is made of
    accuracy: Estimate  # of the teacher
    log_loss: Estimate  # of the teacher, nats per picture
    balanced_accuracy: Estimate  # of the teacher
    agreement: Estimate  # share of all pictures, labelled or not, for which both name the same class
    verdict: Verdict  # the student against the teacher
    cost: CostRecord | None = None  # of the teacher
