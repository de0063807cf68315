"""Frozen records that cross floors and are written to JSON strictly; one noun per file."""

from starshift.records.calibration import Calibration, ConfidenceBin, Reliability, Temperature, Threshold
from starshift.records.cost import CostRecord
from starshift.records.dataset import NOUNS, PARTS, Dataset, Example, Family, Picture, SetAside
from starshift.records.distilled import DistilledRecord
from starshift.records.ensemble import EnsembleRecord, MemberRecord, Variance
from starshift.records.explanation import Explanation
from starshift.records.finding import Finding
from starshift.records.history import Epoch
from starshift.records.learnware import (
    LEARNWARE_SCHEMA,
    AnyContract,
    BaseReference,
    Column,
    Evaluation,
    InputContract,
    Learnware,
    OwnPart,
    Provenance,
    SequenceContract,
    TableContract,
    TextContract,
)
from starshift.records.map import MAP_SCHEMA, NamedHeap, PictureMap, Place
from starshift.records.overlay import OverlayRecord
from starshift.records.predictions import (
    Answers,
    LabelsPredictions,
    NumberPredictions,
    Predictions,
    StringPredictions,
    answers_for,
    read_answers,
)
from starshift.records.reproduction import (
    REPRODUCTION_SCHEMA,
    Claim,
    Goal,
    ReproducedRung,
    Reproduction,
    SeedResult,
)
from starshift.records.resampled import FoldResult, RecipeVerdict, Resampled
from starshift.records.run import (
    SCHEMA,
    Environment,
    HeadRecord,
    RetrainRecord,
    RungRecord,
    RunRecord,
    Summary,
    TestRecord,
)
from starshift.records.score import (
    AnyScore,
    ClassScore,
    Estimate,
    LabelsScore,
    Leading,
    NumberScore,
    Score,
    StringScore,
    of_classes,
)
from starshift.records.slices import Slice, Slices
from starshift.records.specification import SPECIFICATION_SCHEMA, Cell, Privacy, Space, SpecificationRecord
from starshift.records.split import Split, SplitEntry, SplitFile
from starshift.records.suspect import SUSPECTS_SCHEMA, Suspect, Suspects
from starshift.records.target import KINDS, Kind, Target
from starshift.records.verdict import Verdict
from starshift.records.why import WHY_SCHEMA, Alike, Reason, Why

__all__ = [
    "KINDS",
    "LEARNWARE_SCHEMA",
    "MAP_SCHEMA",
    "NOUNS",
    "PARTS",
    "REPRODUCTION_SCHEMA",
    "SCHEMA",
    "SPECIFICATION_SCHEMA",
    "SUSPECTS_SCHEMA",
    "WHY_SCHEMA",
    "Alike",
    "Answers",
    "AnyContract",
    "AnyScore",
    "BaseReference",
    "Calibration",
    "Cell",
    "Claim",
    "ClassScore",
    "Column",
    "ConfidenceBin",
    "CostRecord",
    "Dataset",
    "DistilledRecord",
    "EnsembleRecord",
    "Environment",
    "Epoch",
    "Estimate",
    "Evaluation",
    "Example",
    "Explanation",
    "Family",
    "Finding",
    "FoldResult",
    "Goal",
    "HeadRecord",
    "InputContract",
    "Kind",
    "LabelsPredictions",
    "LabelsScore",
    "Leading",
    "Learnware",
    "MemberRecord",
    "NamedHeap",
    "NumberPredictions",
    "NumberScore",
    "OverlayRecord",
    "OwnPart",
    "Picture",
    "PictureMap",
    "Place",
    "Predictions",
    "Privacy",
    "Provenance",
    "Reason",
    "RecipeVerdict",
    "Reliability",
    "ReproducedRung",
    "Reproduction",
    "Resampled",
    "RetrainRecord",
    "RunRecord",
    "RungRecord",
    "Score",
    "SeedResult",
    "SequenceContract",
    "SetAside",
    "Slice",
    "Slices",
    "Space",
    "SpecificationRecord",
    "Split",
    "SplitEntry",
    "SplitFile",
    "StringPredictions",
    "StringScore",
    "Summary",
    "Suspect",
    "Suspects",
    "TableContract",
    "Target",
    "Temperature",
    "TestRecord",
    "TextContract",
    "Threshold",
    "Variance",
    "Verdict",
    "Why",
    "answers_for",
    "of_classes",
    "read_answers",
]
