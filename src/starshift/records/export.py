"""export.json: what an exported model is, of which learnware, and how it was held against the original."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from starshift.records.score import Estimate

EXPORT_SCHEMA = 1
"""The number of an export's form; a change that old readers cannot read adds one."""

ExportFormat = Literal["keras", "onnx", "openvino", "litert"]
ExportPrecision = Literal["float32", "float16", "8-bit"]


class Agreement(Struct, frozen=True, forbid_unknown_fields=True):
    """How far two ways of answering lie apart on the same examples."""

    n: int  # examples
    same: float  # share of them with the same answer: class, or every label; numbers are not counted
    largest: float  # difference of a probability; of a number, in standard deviations of the numbers
    path: str  # of the example where it is largest
    about: str  # the class, label or number in question there
    differing: tuple[str, ...]  # paths of the first examples with another answer


class ExportRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """One exported model, as its folder holds it."""

    schema: int
    format: ExportFormat
    precision: ExportPrecision
    model: str  # name of the learnware
    learnware: str  # its id
    made_by: str  # "starshift 0.1.0"
    runtime: str  # "onnxruntime 1.32.0": by which it was checked
    file_bytes: int  # of all files of the model itself
    graph: Agreement  # with the Keras model in float32 on the same uint8 pixels
    files: Agreement  # from file to label, with `starshift predict` in float32
    here: Agreement | None  # the same, as `starshift predict` answers on this machine; None where that is float32
    metric: str  # "accuracy", "mean absolute error", …
    figure: Estimate  # on these pictures
    original: float  # the same figure of the Keras model in float32
    milliseconds: float  # median for a picture, one at a time, pixels to answer
    machine: str  # on which
