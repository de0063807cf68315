"""Bases that a user pretrained: the network that was trained from scratch, up to its head."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from starshift.catalogue import Base
from starshift.errors import RunError
from starshift.models.modern import modern, smallest_side
from starshift.recipe import check_builder
from starshift.records import Target

BUILDER = "modern"
"""The only network that takes pictures of every size and pools them, as a base must."""


ANYTHING = (Target.of_classes(("no", "yes")),)
"""Heads that are taken off again."""

DEFAULT_BLOCKS = tuple(inspect.signature(modern).parameters["blocks"].default)
"""Blocks of each stage where the arguments name none."""


def build(base: Base, weights: Path | None, *, size: int) -> keras.Model:
    """As models.pretrained.build, for a base with a builder of ours.

    weights: base.safetensors, by layer and weight ("stem_1_conv/kernel"). Raises RunError for a builder or arguments
    that are not known, and for a file that does not fit.
    """
    problems = check_builder(base.builder, base.arguments)
    if base.builder != BUILDER and not problems:
        problems = [f"A base of one's own is a {BUILDER!r} network; this one is {base.builder!r}."]
    if problems:
        raise RunError([f"The base {base.title!r} cannot be used:", *problems])
    whole = modern((size, size, 3), ANYTHING, **base.arguments)
    features = keras.layers.Activation("linear", dtype="float32", name="features")(whole.get_layer("head").input)
    model = keras.Model(whole.input, features, name="own")
    if weights is not None:
        _assign(model, _read(weights), weights)
    return model


def without_head(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of a trained network's tensors, those that its base has."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("head/")}


def cut_points(arguments: Mapping[str, Any], size: int) -> tuple[str, ...]:
    """Where the network of these arguments can be cut: the last such layer of the stem and of every stage but the last.

    A layer can be cut at where everything behind it sees nothing of what lies before it but through it.
    """
    network = modern((size, size, 3), ANYTHING, **arguments)
    parts: dict[str, list[keras.Layer]] = {}
    for layer in network.layers:
        if (part := layer.name.partition("_")[0]).startswith(("stem", "stage")):
            parts.setdefault(part, []).append(layer)
    ends = [next(layer.name for layer in reversed(inside) if _divides(network, layer)) for inside in parts.values()]
    return tuple(ends[:-1])


def _divides(network: keras.Model, layer: keras.Layer) -> bool:
    try:
        keras.Model(layer.output, network.output)
    except ValueError:  # Keras's way to say that another path leads past it
        return False
    return True


def least_size(blocks: tuple[int, ...]) -> int:
    """The smallest side of pictures in px."""
    return smallest_side(blocks)


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise RunError(f"The weights file {file} cannot be read: {error}.") from error


def _assign(model: keras.Model, tensors: dict[str, np.ndarray], file: Path) -> None:
    own = {variable.path: variable for variable in model.weights}
    needed = {name: tuple(variable.shape) for name, variable in own.items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if needed != found:
        differing = sorted(name for name in needed.keys() | found.keys() if needed.get(name) != found.get(name))
        raise RunError(f"The weights file {file} does not fit: {', '.join(differing[:3])} differ in name or shape.")
    for name, variable in own.items():
        variable.assign(tensors[name])
