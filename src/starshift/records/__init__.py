"""Frozen records that cross floors and are written to JSON strictly; one noun per file."""

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
from starshift.records.predictions import Predictions
from starshift.records.reproduction import (
    REPRODUCTION_SCHEMA,
    Claim,
    Goal,
    ReproducedRung,
    Reproduction,
    SeedResult,
)
from starshift.records.run import SCHEMA, Environment, RetrainRecord, RungRecord, RunRecord, Summary, TestRecord
from starshift.records.score import ClassScore, Estimate, Score
from starshift.records.split import Split, SplitEntry, SplitFile
from starshift.records.verdict import Verdict

__all__ = [
    "LEARNWARE_SCHEMA",
    "PARTS",
    "REPRODUCTION_SCHEMA",
    "SCHEMA",
    "BaseReference",
    "Claim",
    "ClassScore",
    "Dataset",
    "Environment",
    "Epoch",
    "Estimate",
    "Evaluation",
    "Finding",
    "Goal",
    "InputContract",
    "Learnware",
    "OwnPart",
    "Picture",
    "Predictions",
    "ReproducedRung",
    "Reproduction",
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
    "TestRecord",
    "Verdict",
]
