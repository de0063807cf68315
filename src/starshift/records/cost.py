"""What a model costs whoever runs it."""

from __future__ import annotations

from msgspec import Struct


class CostRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that one answer of a model takes, its frozen bases among it."""

    parameters: int  # as the model is run: batch normalization is folded into the layer before it
    multiply_adds: int  # for one picture
    bytes: int  # of the parameters in float32
    milliseconds: float  # one decoded picture by itself, the median of several, on this machine
