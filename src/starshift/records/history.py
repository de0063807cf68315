"""How a training went, epoch by epoch; stored as JSON lines."""

from __future__ import annotations

from msgspec import Struct


class Epoch(Struct, frozen=True, forbid_unknown_fields=True):
    """One pass over the training pictures."""

    epoch: int  # from 1
    seconds: float
    loss: float  # mean over the epoch's batches while the weights moved
    accuracy: float  # of the leading target; what it is where that is no class, `metric` says
    validation_loss: float
    validation_accuracy: float
    metrics: dict[str, float] = {}  # on the validation part, by name: what the stage asked for, and other targets'
    metric: str = "accuracy"  # "label accuracy"; "mean absolute error", in the target's unit
