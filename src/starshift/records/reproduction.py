"""table.json of a reproduction: the seeds' ladder as they measured it, beside what it came to here, seed by seed."""

from __future__ import annotations

from msgspec import Struct

from starshift.records.run import Environment
from starshift.records.score import Estimate

REPRODUCTION_SCHEMA = 1
"""The number of table.json's form; a change that old readers cannot read adds one."""


class Claim(Struct, frozen=True, forbid_unknown_fields=True):
    """What the seeds say of a rung; None where they say nothing."""

    training: float | None = None  # accuracy, a share
    validation: float | None = None
    test: float | None = None
    minutes: float | None = None  # on their GPU


class Goal(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be reached here."""

    validation: float | None = None  # mean accuracy over the seeds, at least
    minutes: float | None = None  # at most
    lower_log_loss_than: str = ""  # a rung; means over the seeds are compared


class SeedResult(Struct, frozen=True, forbid_unknown_fields=True):
    """One rung with one root seed."""

    seed: int
    run: str  # its folder, beside table.json
    training: float  # accuracy: of the last epoch, or on the training pictures where there are no epochs
    validation: Estimate  # accuracy
    log_loss: float  # on the validation part
    test: Estimate | None  # accuracy; of the model that this seed's run chose, else None
    seconds: float


class ReproducedRung(Struct, frozen=True, forbid_unknown_fields=True):
    """One rung: the seeds' figures, the goal, and ours."""

    rung: str
    claim: Claim
    goal: Goal
    results: tuple[SeedResult, ...]
    skipped: str = ""  # why, where no seed has finished it


class Reproduction(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole table."""

    schema: int
    experiment: str  # "dogs-vs-cats"
    command: str
    data: str  # the folder as the user named it
    parts: dict[str, int]  # pictures by part
    bases: tuple[str, ...]  # titles of the pretrained bases that were used
    seeds: tuple[int, ...]  # asked for
    rungs: tuple[ReproducedRung, ...]
    environment: Environment
    notes: tuple[str, ...] = ()  # what is not the seeds', in sentences
