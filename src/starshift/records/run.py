"""run.json: everything about a run that is not in the other files of its folder."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.calibration import Calibration
from starshift.records.cost import CostRecord
from starshift.records.dataset import Family
from starshift.records.distilled import DistilledRecord
from starshift.records.ensemble import EnsembleRecord
from starshift.records.finding import Finding
from starshift.records.overlay import OverlayRecord
from starshift.records.resampled import RecipeVerdict, Resampled
from starshift.records.score import AnyScore, Estimate
from starshift.records.slices import Slices
from starshift.records.target import Target
from starshift.records.verdict import Verdict

SCHEMA = 2
"""The number of run.json's form; a change that old readers cannot read adds one."""


class Summary(Struct, frozen=True, forbid_unknown_fields=True):
    """What was understood of the source, in the counts that a reader asks for."""

    source: str
    layout: str
    classes: dict[str, int]  # examples by class; none where a number or a string is predicted
    parts: dict[str, int]  # examples by part of the split
    formats: dict[str, int]  # pictures by format
    smallest: tuple[int, int]  # width, height in pixels of the smallest picture by area; 0, 0 without pictures
    median: tuple[int, int]  # median width and median height
    largest: tuple[int, int]
    set_aside: dict[str, int]  # files by kind
    skipped: dict[str, int]  # files by kind
    remarks: tuple[str, ...]
    family: Family = "pictures"
    examples: int = 0
    targets: tuple[Target, ...] = ()
    facts: dict[str, str] = {}  # of other families than pictures: what a reader asks for, in words


class HeadRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """How a model of several targets does on one of those behind the first."""

    target: str  # its name; Summary.targets has the rest
    score: AnyScore
    verdict: Verdict | None = None  # against the same rung as that of the first target, on this one


class RungRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """One rung of the ladder: finished with its score, or skipped with its reason."""

    name: str
    status: Literal["finished", "skipped"]
    key: str  # digest of recipe, data, split and seed; the same key need not be done again
    reason: str = ""  # why it was skipped
    description: str = ""  # what this rung is, in one sentence
    predicted_seconds: float | None = None
    seconds: float | None = None
    score: AnyScore | None = None  # of the leading target, on the validation part
    verdict: Verdict | None = None  # against the best finished rung before; of a variant, against its own rung
    diagnosis: str = ""  # from the curves: "overfits from epoch 9 on", …
    details: dict[str, str] = {}  # what was chosen or measured: base, precision, strength of the head, …
    nondeterministic: str = ""  # what the same seed does not fix, in a sentence
    builder: str = ""  # of its recipe
    resampled: Resampled | None = None  # the recipe over folds of all pictures outside the test part
    recipe_verdict: RecipeVerdict | None = None  # against the best repeated rung before; of a variant, its own rung
    without_copies: Estimate | None = None  # accuracy without pictures of which a copy is in training; None: no such
    heads: tuple[HeadRecord, ...] = ()  # of the targets behind the first, whose own are `score` and `verdict`
    ensemble: EnsembleRecord | None = None  # its members, where it has some
    cost: CostRecord | None = None  # of pictures; None for the baseline and in older records
    distilled: DistilledRecord | None = None  # beside its teacher, where it had one


class TestRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The one opening of the sealed test part."""

    rung: str
    opened: str  # ISO 8601, UTC
    split: str  # digest of the test part's pictures
    score: AnyScore
    retrained: bool = False  # whether of the rung's model that was trained again, on validation pictures too
    temperature: float = 1.0  # that the model's probabilities were scaled by
    without_copies: Estimate | None = None  # as in RungRecord
    heads: tuple[HeadRecord, ...] = ()  # as in RungRecord, without verdicts


class RetrainRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The chosen rung, trained again on training and validation pictures together."""

    rung: str
    key: str  # digest of recipe, data and seed; the same key need not be done again
    pictures: int  # that it was trained on
    epochs: tuple[int, ...]  # of each stage, as validation had found them; none where nothing is trained by steps
    seconds: float


class Environment(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a run happened, as far as it bears on repeating it."""

    starshift: str
    python: str
    platform: str
    processor: str
    cores: int
    memory_gib: float
    versions: dict[str, str]  # of the libraries that compute


class RunRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole run."""

    schema: int
    name: str
    command: str  # that makes this run again
    seed: int
    budget_seconds: float
    started: str  # ISO 8601, UTC
    finished: str  # "" while it is under way or after it was stopped
    seconds: float  # of the latest climb, everything included
    data: Summary
    split: str  # how the parts were made, a sentence
    findings: tuple[Finding, ...]
    rungs: tuple[RungRecord, ...]  # in the order climbed
    chosen: str  # best rung by validation; "" while none is finished
    test: TestRecord | None  # of today's split
    environment: Environment
    openings: tuple[TestRecord, ...] = ()  # every opening of any test part in this folder, `test` among them
    retrained: RetrainRecord | None = None  # what model/ holds instead of the chosen rung's own model
    protocol: str = ""  # how the recipes were repeated over folds, or why they were not, a sentence
    overlay: OverlayRecord | None = None  # a person's decisions on labels, applied
    notes: tuple[str, ...] = ()  # what was skipped, replaced or estimated, in sentences

    @property
    def test_uses(self) -> int:
        """How many models today's test part has been used for."""
        return sum(opening.split == self.test.split for opening in self.openings) if self.test else 0

    slices: tuple[Slices, ...] = ()  # figures of the chosen rung by the values of another column
    calibration: Calibration | None = None  # of the chosen rung; None for the baseline and in older records
