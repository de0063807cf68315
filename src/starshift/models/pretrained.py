"""Convolutional bases with the knowledge of others: pixels 0-255 in, pooled features out."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from starshift.catalogue import Base
from starshift.errors import RunError, UsageError
from starshift.models import hub, own
from starshift.models.weights import Layers, read

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's red, green, blue in [0, 1], as torchvision has them
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet's blue, green, red in [0, 255]


def build(base: Base, weights: Path | None, *, size: int) -> keras.Model:
    """A base with its preprocessing inside, without its classifier, pooled by global averages or by its own pooling.

    Input: uint8 or float pixels 0-255, (N, size, size, 3), RGB. Output: float32 (N, base.features).
    weights: a weights file of this architecture (see models.weights), or None for random ones. Layer names
    are the same for every model of a base, so that base.cut_points and stored weights can go by them.
    Raises UsageError for a size below base.min_size; RunError for a file that does not fit; MissingExtra for a
    base of KerasHub where that is not installed.
    """
    if size < base.min_size:
        raise UsageError(f"{base.title} needs pictures of at least {base.min_size} px; --size is {size}.")
    if base.builder:
        return own.build(base, weights, size=size)
    pixels = keras.Input((size, size, 3), dtype="float32", name="pixels")
    prepared = preprocess(pixels, base.preprocessing)
    seen = hub.vector(base, weights, prepared) if base.transformer else _convolved(base, prepared, size)
    # float32 also under a mixed policy: what follows is statistics, not a network.
    features = keras.layers.Activation("linear", dtype="float32", name="features")(seen)
    model = keras.Model(pixels, features, name=base.name)
    _settle_names(model)
    if weights is not None and base.transformer is None:
        _assign(model, read(weights, most_bytes=8 * base.parameters + 4096), weights)
        _undo_efficientnet_rescaling(model, base)
    return model


def _convolved(base: Base, pixels: Any, size: int) -> Any:
    """What a base of keras.applications says of preprocessed pictures, with random weights. float (N, features)."""
    network = getattr(keras.applications, base.constructor)(
        include_top=False,
        weights=None,
        input_tensor=pixels,
        input_shape=(size, size, 3),
        pooling="avg",  # Keras's own: ConvNeXt normalizes after pooling, not before
    )
    return network.output


def preprocess(pixels: keras.KerasTensor, how: str) -> Any:
    """What `preprocess_input` of a base does to RGB pixels 0-255, as part of the graph. Float, same shape."""
    if how == "scale -1 to 1":
        return pixels / 127.5 - 1.0
    if how == "caffe (BGR, mean subtracted)":
        return ops.flip(pixels, axis=-1) - np.array(CAFFE_MEAN_BGR, np.float32)
    if how == "torch (0-1, mean/std)":
        return (pixels / 255.0 - np.array(IMAGENET_MEAN, np.float32)) / np.array(IMAGENET_STD, np.float32)
    return pixels  # "in the model": its own first layers do it


def _settle_names(model: keras.Model) -> None:
    """Give auto-numbered layers the names that they have in a fresh session: conv2d_94 → conv2d."""
    numbered = defaultdict(list)
    for operation in model.operations:
        number = _auto_number(operation)
        if number is not None:
            numbered[_kind(operation)].append((number, operation))
    for kind, operations in numbered.items():
        for i, (_, operation) in enumerate(sorted(operations, key=lambda pair: pair[0])):
            operation.name = f"{kind}_{i}" if i else kind


def _auto_number(operation: Any) -> int | None:
    """The number in a name that Keras gave ("conv2d" is 0, "conv2d_7" is 7); None for a name of its own."""
    match = re.fullmatch(rf"{_kind(operation)}(?:_(\d+))?", operation.name)
    return int(match[1] or 0) if match else None


def _kind(operation: Any) -> str:
    """A class name as Keras makes layer names of it: SeparableConv2D → separable_conv2d."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(operation).__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


# --- weights ---


def _assign(model: keras.Model, stored: Layers, file: Path) -> None:
    """Put a file's arrays into a model; every layer, name and shape is checked before anything is changed."""
    layers = [layer for layer in model.layers if layer.weights]
    pairs = [
        pair
        for layer, arrays in zip(layers, _in_order_of(layers, stored, file), strict=True)
        for pair in _match_weights(layer, arrays, file)
    ]
    for variable, array in pairs:
        variable.assign(array)
    for layer in layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Normalization computes with copies of its weights


def _in_order_of(layers: list[keras.Layer], stored: Layers, file: Path) -> list[dict[str, np.ndarray[Any, Any]]]:
    """What a file has for each of these layers.

    By name where the names agree. Published files do not all have the names that Keras 3 gives: auto-numbers
    start anywhere, and older versions wrote "expanded_conv/project/BatchNorm" for expanded_conv_project_bn.
    Then by order, as Keras itself loads them, with every shape checked; a layer that has its own name
    somewhere else in the file is refused, for then the order is another.
    """
    names = [layer.name for layer in layers]
    by_name = {name.replace("/", "_"): arrays for name, arrays in stored.items()}
    if set(by_name) == set(names):
        return [by_name[name] for name in names]
    if len(stored) != len(layers):
        raise _does_not_fit(file, _count_mismatch(names, list(by_name)))
    for layer, theirs in zip(layers, by_name, strict=True):
        if layer.name != theirs and layer.name in by_name and _auto_number(layer) is None:
            raise _does_not_fit(file, f"its layers have another order: {theirs!r} stands for {layer.name!r}")
    return list(stored.values())


def _match_weights(
    layer: keras.Layer, arrays: dict[str, np.ndarray[Any, Any]], file: Path
) -> list[tuple[Any, np.ndarray[Any, Any]]]:
    """Pairs of a layer's variables and a file's arrays: by name where the names agree, otherwise by order."""
    # Keras 2's order, which .h5 files keep: trainable weights first.
    variables = layer.trainable_weights + layer.non_trainable_weights
    if len(variables) != len(arrays):
        raise _does_not_fit(file, f"layer {layer.name!r} has {len(variables)} weights, the file has {len(arrays)}")
    by_name = {variable.name for variable in variables} == set(arrays)
    ordered = [arrays[variable.name] for variable in variables] if by_name else list(arrays.values())
    for variable, array in zip(variables, ordered, strict=True):
        if tuple(variable.shape) != array.shape:
            raise _does_not_fit(
                file,
                f"weight {variable.name!r} of layer {layer.name!r} has shape {tuple(variable.shape)}, "
                f"the file has {array.shape}",
            )
    return list(zip(variables, ordered, strict=True))


def _count_mismatch(mine: list[str], theirs: list[str]) -> str:
    missing = [name for name in mine if name not in theirs]
    surplus = [name for name in theirs if name not in mine]
    parts = [f"{len(mine)} layers with weights are needed, it has {len(theirs)}"]
    if missing:
        parts.append(f"missing: {_some(missing)}")
    if surplus:
        parts.append(f"surplus: {_some(surplus)}")
    return "; ".join(parts)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _does_not_fit(file: Path, reason: str) -> RunError:
    return RunError(f"The weights file {file} does not fit: {reason}.")


def _undo_efficientnet_rescaling(model: keras.Model, base: Base) -> None:
    """Fold into the normalization what EfficientNetB0-B7 need with published weights.

    They were trained on (x - mean) / std, but their file holds std where the layer wants a variance, so that
    it divides by √std. Keras makes up for it with one more layer (a division by √std), which it adds for
    weights="imagenet" alone (tensorflow issue 49930): the same weights loaded by path compute
    something else. Multiplying the variance by std has the effect of that layer.
    """
    if not base.constructor.startswith("EfficientNetB"):
        return
    layer = model.get_layer("normalization")
    layer.adapt_variance.assign(layer.adapt_variance * np.array(IMAGENET_STD, np.float32))
    layer.finalize_state()
