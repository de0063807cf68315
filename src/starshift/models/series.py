"""Blocks over steps in a row, of sequences or of embedded words: (N, steps, features) → (N, features).

Sources: convolutions over time, as Wang et al. 2017 (arXiv:1611.06455) have them for series and Kim 2014
(arXiv:1408.5882) for sentences; LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014, arXiv:1406.1078); states
of all steps are pooled and not the last one taken, which learns more from few examples (Maini et al. 2020,
arXiv:2005.00159).

What is padding changes nothing: it is set to 0 before each convolution, recurrent layers pass over it, pooling leaves
it out. Norms are over the features of one step, so that no other step and no other example takes part.

Without Keras, `models.recurrence` computes the same with NumPy: OpenVINO's front end has no rule for the loop of
Keras's recurrent layers, and so small a convolution gains nothing by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import KerasTensor, layers, ops

CELLS = ("gru", "lstm")
"""The recurrent layers that there are."""

POOLED_FROM = 16
"""Steps from which a convolution's output is halved in length."""


def convolution(
    x: KerasTensor,
    mask: KerasTensor | None = None,
    *,
    filters: Sequence[int] = (64, 128),
    kernel: int = 5,
    dropout: float = 0.0,
    name: str = "convolution",
) -> KerasTensor:
    """One-dimensional convolutions, each with a norm and a ReLU, halved in length between; then `pooled`.

    x: float (N, steps, features). mask: float32 (N, steps, 1), 1 where a step is there, 0 where it is padding; None:
    all are there. filters: of each convolution, in turn. kernel: its width in steps. dropout: share of the pooled
    features that training drops. Returns float32 (N, 2 · the last number of filters).
    """
    for number, width in enumerate(filters, start=1):
        if number > 1 and (x.shape[1] is None or x.shape[1] >= POOLED_FROM):
            x = layers.MaxPooling1D(2, padding="same", name=f"{name}_pool{number}")(x)  # of what is at least 0
            mask = None if mask is None else layers.MaxPooling1D(2, padding="same", dtype="float32")(mask)
        x = layers.Conv1D(width, kernel, padding="same", name=f"{name}_conv{number}")(_without_padding(x, mask))
        x = layers.LayerNormalization(name=f"{name}_norm{number}")(x)
        x = _without_padding(layers.ReLU(name=f"{name}_relu{number}")(x), mask)
    return _dropped(pooled(x, mask), dropout, name)


def recurrent(
    x: KerasTensor,
    mask: KerasTensor | None = None,
    *,
    cell: str = "gru",
    units: int = 64,
    bidirectional: bool = True,
    dropout: float = 0.0,
    name: str = "recurrent",
) -> KerasTensor:
    """A recurrent layer's states, `pooled`.

    x, mask, dropout: as in `convolution`; padding stands behind. cell: a name in CELLS. units: of each direction.
    bidirectional: whether a second one reads backwards. Returns float32 (N, 2 · directions · units).
    """
    x = states(x, mask, cell=cell, units=units, bidirectional=bidirectional, name=name)
    return _dropped(pooled(x, mask), dropout, name)


def states(
    x: KerasTensor,
    mask: KerasTensor | None = None,
    *,
    cell: str,
    units: int,
    bidirectional: bool = True,
    name: str,
    unroll: bool = False,
) -> KerasTensor:
    """The states of a recurrent layer at each step: (N, steps, features) → (N, steps, directions · units).

    Both directions' are side by side. What stands at padding is not to be used. `recurrence.states` is the same without
    Keras, from the layer's weights. unroll: step after step in place of a loop, which OpenVINO can take; for few steps.
    """
    kind = {"gru": layers.GRU, "lstm": layers.LSTM}[cell]
    # float32 under any policy: what is rounded at every step of a long sequence adds up.
    layer = kind(units, return_sequences=True, unroll=unroll, dtype="float32", name=f"{name}_{cell}")
    if bidirectional:
        layer = layers.Bidirectional(layer, dtype="float32", name=f"{name}_both")
    return layer(x) if mask is None else layer(x, mask=ops.squeeze(mask, -1) > 0.5)


def pooled(x: KerasTensor, mask: KerasTensor | None = None) -> KerasTensor:
    """Mean and maximum over the steps that are there: (N, steps, features) of -1 or more → float32 (N, 2 · features).

    In float32 whatever the policy: bfloat16 cannot count beyond 256. Where no step is there: 0 and -1.
    """
    x = ops.cast(x, "float32")
    if mask is None:
        return ops.concatenate([ops.mean(x, axis=1), ops.max(x, axis=1)], axis=-1)
    there = ops.cast(mask, "float32")
    x = x * there
    mean = ops.sum(x, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)
    return ops.concatenate([mean, ops.max(x + (there - 1.0), axis=1)], axis=-1)


def _without_padding(x: KerasTensor, mask: KerasTensor | None) -> KerasTensor:
    return x if mask is None else x * ops.cast(mask, x.dtype)


def _dropped(x: KerasTensor, share: float, name: str) -> KerasTensor:
    return layers.Dropout(share, name=f"{name}_dropout")(x) if share else x
