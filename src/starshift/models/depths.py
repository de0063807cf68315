"""A pretrained base seen at other depths than its top (pooled at several cut points, or its last map unpooled), or
looking at pictures in another size than they come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from starshift.errors import UsageError
from starshift.recipe import TOP

TIE = 2.0**-10
"""By which a resized pixel is off one half before it is rounded: halves are common there (of 96 px brought to 64, one
pixel in 30), and the last bit of a runtime's own arithmetic would otherwise say which way they go. OpenCV, which cuts
off bits on its way, takes them down, and is one grey level lower in a tenth of the pixels all the same."""


def pooled_at(network: keras.Model, cuts: Sequence[str]) -> keras.Model:
    """A base's activations at some cut points, averaged over the picture (a transformer's over its tokens).

    network: of models.pretrained.build. cuts: layers of it, or "top"; what lies behind the last is left out.
    Input: pixels 0-255 (N, size, size, 3). Output: float32 (N, channels of all cuts, in their order).
    """
    pooled = [
        network.output if cut == TOP else _average(network.get_layer(cut).output, name=f"pooled_{cut}") for cut in cuts
    ]
    joined = layers.Concatenate(name="depths")(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(network.input, joined, name=f"{network.name}_depths")


def _average(activation: Any, *, name: str) -> Any:
    """activation: (N, h, w, channels), or (N, tokens, channels)."""
    pool = layers.GlobalAveragePooling2D if len(activation.shape) == 4 else layers.GlobalAveragePooling1D
    return pool(name=name, dtype="float32")(activation)


def looking(network: keras.Model, pixels: Any) -> Any:
    """What a base says of pictures that may be larger than it takes. pixels: (N, size, size, 3)."""
    side = network.input.shape[1]
    if side == pixels.shape[1]:
        return network(pixels)
    network.name = f"{network.name}_at_{side}_px"  # it stands beside another of the same name
    shrunk = layers.Resizing(side, side, interpolation="bilinear", name=f"{network.name}_pixels")(pixels)
    tie = TIE if pixels.shape[1] == 2 * side else -TIE  # OpenCV, in compose.frozen.Shrunk, halves by its own way
    return network(ops.floor(shrunk + 0.5 + tie))  # to whole numbers, as decoded pictures are


def unpooled(network: keras.Model) -> keras.Model:
    """A base up to what it has before it is pooled: pixels 0-255 (N, size, size, 3) → float32 (N, h, w, c).

    Raises UsageError for a transformer, which has none.
    """
    pools = [layer for layer in network.layers if isinstance(layer, layers.GlobalAveragePooling2D)]
    if not pools:
        raise UsageError(f"{network.name} makes no map of a picture that could be flattened; take head=linear.")
    return keras.Model(network.input, pools[-1].input, name=f"{network.name}_map")
