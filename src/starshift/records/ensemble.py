"""What the members of an ensemble are to each other, on pictures that none of them saw."""

from __future__ import annotations

from msgspec import Struct


class MemberRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """One member by itself, and what it adds."""

    title: str  # "MobileNetV2, frozen, at 224 and 288 px"
    weight: float  # its share of the answer; shares sum to 1
    models: int  # that it is an average of: one, or one for each inner fold
    accuracy: float  # of its answers by themselves
    loss: float  # log loss in nats, by itself
    loss_without: float | None  # of the ensemble without it; None where nothing would be left


class Variance(Struct, frozen=True, forbid_unknown_fields=True):
    """How much the probability of a class varies from one model to the next that is alike but for its luck."""

    what: str  # which models, in words
    single: float  # variance of one model's probability, a mean over pictures and classes
    models: int  # single models that were looked at
    size: int  # members of each ensemble beside them, which share none
    together: float  # variance of such an ensemble's probability


class EnsembleRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """An ensemble looked at from inside."""

    part: str  # of the pictures: "validation"
    pictures: int
    accuracy: float
    loss: float  # log loss in nats
    members: tuple[MemberRecord, ...]  # in their order
    disagreement: tuple[tuple[float, ...], ...]  # share of pictures that two members name differently
    variance: Variance | None = None  # None where it was not measured
    no_variance: str = ""  # why not
