"""A pretrained base cut in two: below the cut it stays as it is, above it is opened for training.

Source: seeds 002 and 003 (feature extraction, then fine-tuning of the top block: VGG16's block5_conv1 to block5_pool).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from starshift.catalogue import Base
from starshift.errors import RunError
from starshift.models import depths, pretrained
from starshift.models.heads import as_outputs, heads_on
from starshift.records import Target

DENSE_UNITS, DENSE_DROPOUT = 256, 0.5
"""Of the seeds' head (002, "Fast feature extraction without data augmentation")."""


def build(
    base: Base,
    weights: Path | None,
    *,
    size: int,
    cut: str,
    heads: Sequence[Target],
    head: str = "linear",
    from_pixels: bool = False,
    frozen: bool = False,
) -> keras.Model:
    """A base with a head on it, of which only what lies behind the cut can be trained; see `with_head`.

    weights: as for pretrained.build. size: side of the pictures in px. Raises UsageError for one that is too small.
    """
    network = pretrained.build(base, weights, size=size)
    return with_head(network, cut=cut, heads=heads, head=head, from_pixels=from_pixels, frozen=frozen)


def with_head(
    network: keras.Model,
    *,
    cut: str,
    heads: Sequence[Target],
    head: str = "linear",
    from_pixels: bool = False,
    frozen: bool = False,
) -> keras.Model:
    """Open a base behind a cut, and put a head on it. The base's layers are shared, not copied.

    network: of pretrained.build. cut: one of the base's cut_points.
    heads: what it predicts; all of them share the base, and of "dense256" the units too.
    head: "linear" (a logistic head on compressed pooled features, as `features` has it) or "dense256" (the seeds':
        the last map flattened, 256 ReLU units, dropout, then the outputs).
    from_pixels: the input is pixels 0-255 (N, size, size, 3), else the activation behind the cut (N, h, w, c), or
        (N, tokens, c) of a transformer.
    frozen: the head alone can be trained.
    Batch-norm layers are never trained and always use the statistics of their pretraining.
    Outputs: float32, one for each of `heads`, as models.heads.head has them.
    """
    _open(network, cut, frozen)
    inputs = network.input if from_pixels else network.get_layer(cut).output
    outputs = (
        linear_head([network.output], heads) if head == "linear" else dense_head(depths.unpooled(network).output, heads)
    )
    return keras.Model(inputs, as_outputs(outputs), name=f"{network.name}_{'whole' if from_pixels else 'opened'}")


def trunk(network: keras.Model, cut: str) -> keras.Model:
    """The part of a base below the cut: pixels 0-255 (N, size, size, 3) → float32, what is behind the cut."""
    return keras.Model(network.input, network.get_layer(cut).output, name=f"{network.name}_trunk")


def behind(network: keras.Model, cut: str) -> keras.Model:
    """The rest of a base: what is behind the cut → float32 (N, features). Its layers are shared, not copied."""
    return keras.Model(network.get_layer(cut).output, network.output, name=f"{network.name}_behind")


def _open(network: keras.Model, cut: str, frozen: bool) -> None:
    rest = {id(layer) for layer in behind(network, cut).layers}
    for layer in network.layers:
        opened = not frozen and id(layer) in rest
        for leaf in leaves(layer):
            # On the layers themselves: training=False alone still let their scales and shifts be trained.
            leaf.trainable = opened and not isinstance(leaf, layers.BatchNormalization)


def linear_head(features: Sequence[Any], heads: Sequence[Target], *, stem: str = "head") -> list[Any]:
    """A linear head for each target on compressed pooled features (N, f) of one or more bases: see heads_on."""
    joined = layers.Concatenate(name="side_by_side")(features) if len(features) > 1 else features[0]
    # models.classical.compress, without log1p, which ONNX does not have.
    compressed = ops.sign(joined) * ops.log(1 + ops.abs(joined))
    return heads_on(compressed, heads, stem=stem)


def dense_head(last_map: Any, heads: Sequence[Target]) -> list[Any]:
    """The seeds' head. last_map: (N, h, w, c), what a base has before it is pooled. Outputs: see heads_on."""
    x = layers.Flatten(name="flatten")(last_map)
    x = layers.Dense(DENSE_UNITS, activation="relu", name="dense")(x)
    return heads_on(layers.Dropout(DENSE_DROPOUT, name="dropout")(x), heads)


# --- weights by name ---


def opened(model: keras.Model) -> dict[str, keras.Variable]:
    """What of a model can be trained, by names that every model of a base has: "block5_conv1/kernel"."""
    return {
        f"{leaf.name}/{name}": variable
        for layer in model.layers
        for leaf in leaves(layer)
        for name, variable in zip(_names(leaf.trainable_weights), leaf.trainable_weights, strict=True)
    }


def _names(variables: list[keras.Variable]) -> list[str]:
    """The names of a layer's variables.

    Numbers instead where Keras counted one through the session ("variable_24"), and where the layer is made of
    others, so that several have one name: a transformer's block has many a "kernel".
    """
    names = [variable.name for variable in variables]
    return [
        f"weight_{number}" if re.fullmatch(r"variable(_\d+)?", name) or names.count(name) > 1 else name
        for number, name in enumerate(names)
    ]


def start(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Set some of what is opened, by name, before it is trained: a head that was fitted on frozen features."""
    own = opened(model)
    for name, array in tensors.items():
        own[name].assign(array)


def write_opened(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Set everything in `opened`. Raises RunError with every name, shape and dtype that differs, and sets nothing."""
    own = opened(model)
    problems = [f"it lacks {name!r}" for name in own if name not in tensors]
    problems += [f"it has {name!r}, which is not opened" for name in tensors if name not in own]
    for name in own.keys() & tensors.keys():
        needed, came = (tuple(own[name].shape), np.dtype(np.float32)), (tensors[name].shape, tensors[name].dtype)
        if needed != came:
            problems.append(f"{name!r} is {came[1]} {came[0]} instead of {needed[1]} {needed[0]}")
    if problems:
        raise RunError(f"The tensors do not fit {model.name}: {'; '.join(sorted(problems))}.")
    for name, variable in own.items():
        variable.assign(tensors[name])


def leaves(layer: Any) -> Iterator[Any]:
    """A layer, or those that it is made of: ConvNeXt has small sequences among its layers."""
    inner = getattr(layer, "layers", None)
    if inner is None:
        yield layer
    else:
        for one in inner:
            yield from leaves(one)
