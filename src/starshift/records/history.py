"""How a training went, epoch by epoch; stored as JSON lines."""

from __future__ import annotations

from msgspec import Struct


class Epoch(Struct, frozen=True, forbid_unknown_fields=True):
    """One pass over the training pictures."""

    epoch: int  # from 1
    seconds: float
    loss: float  # mean over the epoch's batches while the weights moved
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    metrics: dict[str, float] = {}  # on the validation pictures, by name; those that the stage asked for
