"""A pretrained base seen at other depths than its top: pooled at several cut points, or its last map unpooled."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from starshift.recipe import TOP


def pooled_at(network: keras.Model, cuts: Sequence[str]) -> keras.Model:
    """A base's activations at some cut points, averaged over the picture, side by side.

    network: of models.pretrained.build. cuts: layers of it, or "top"; what lies behind the last is left out.
    Input: pixels 0-255 (N, size, size, 3). Output: float32 (N, channels of all cuts, in their order).
    """
    pooled = [
        network.output
        if cut == TOP
        else layers.GlobalAveragePooling2D(name=f"pooled_{cut}", dtype="float32")(network.get_layer(cut).output)
        for cut in cuts
    ]
    joined = layers.Concatenate(name="depths")(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(network.input, joined, name=f"{network.name}_depths")


def unpooled(network: keras.Model) -> keras.Model:
    """A base up to what it has before it is pooled: pixels 0-255 (N, size, size, 3) → float32 (N, h, w, c)."""
    pools = [layer for layer in network.layers if isinstance(layer, layers.GlobalAveragePooling2D)]
    return keras.Model(network.input, pools[-1].input, name=f"{network.name}_map")
