"""Frozen records that cross floors and are written to JSON strictly; one noun per file."""

from starshift.records.calibration import Calibration, ConfidenceBin, Reliability, Temperature, Threshold
from starshift.records.dataset import PARTS, Dataset, Picture, SetAside
from starshift.records.finding import Finding
from starshift.records.history import Epoch
from starshift.records.learnware import (
    LEARNWARE_SCHEMA,
    BaseReference,
    Evaluation,
    InputContract,
    Learnware,
    OwnPart,
)
from starshift.records.map import MAP_SCHEMA, NamedHeap, PictureMap, Place
from starshift.records.overlay import OverlayRecord
from starshift.records.predictions import Predictions
from starshift.records.reproduction import (
    REPRODUCTION_SCHEMA,
    Claim,
    Goal,
    ReproducedRung,
    Reproduction,
    SeedResult,
)
from starshift.records.resampled import FoldResult, RecipeVerdict, Resampled
from starshift.records.run import SCHEMA, Environment, RetrainRecord, RungRecord, RunRecord, Summary, TestRecord
from starshift.records.score import ClassScore, Estimate, Score
from starshift.records.split import Split, SplitEntry, SplitFile
from starshift.records.suspect import SUSPECTS_SCHEMA, Suspect, Suspects
from starshift.records.verdict import Verdict

__all__ = [
    "LEARNWARE_SCHEMA",
    "MAP_SCHEMA",
    "PARTS",
    "REPRODUCTION_SCHEMA",
    "SCHEMA",
    "SUSPECTS_SCHEMA",
    "BaseReference",
    "Calibration",
    "Claim",
    "ClassScore",
    "ConfidenceBin",
    "Dataset",
    "Environment",
    "Epoch",
    "Estimate",
    "Evaluation",
    "Finding",
    "FoldResult",
    "Goal",
    "InputContract",
    "Learnware",
    "NamedHeap",
    "OverlayRecord",
    "OwnPart",
    "Picture",
    "PictureMap",
    "Place",
    "Predictions",
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
    "SetAside",
    "Split",
    "SplitEntry",
    "SplitFile",
    "Summary",
    "Suspect",
    "Suspects",
    "Temperature",
    "TestRecord",
    "Threshold",
    "Verdict",
]
