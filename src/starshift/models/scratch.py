"""Small networks trained from scratch: the seeds' ConvNet, and their template for 28-pixel pictures.

Source: seeds 001 ("Build the CNN", with its table of layers) and 003 (section 3.1, the basic template).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from starshift.errors import UsageError
from starshift.models.heads import classification_head

CHANNELS = (32, 64, 128, 128)
"""Convolution filters of the seeds' four stages."""

SMALLEST = {"convnet": 46, "convnet-28px": 18}
"""The smallest picture side (px) of each template; `template` explains both."""


def template(size: int) -> str:
    """The network for pictures whose shorter side is `size` px: "convnet", or "convnet-28px" for small ones.

    A valid 3x3 convolution takes 2 px off a side and a 2x2 pooling halves it, rounding down; so a stage that
    is to leave n px needs 2·n + 2. Backwards from the 1 px that must be left: 1 ← 4 ← 10 ← 22 ← 46. Four
    stages work from 46 px on (150 px leaves 7 px, as in the seeds; 45 px leaves nothing). The 28-pixel
    template is two stages and one more convolution, which needs 3 px: 3 ← 8 ← 18. It leaves 3 px at 28 px,
    1 px at 18 px.

    Raises UsageError where neither fits.
    """
    for name, smallest in SMALLEST.items():
        if size >= smallest:
            return name
    raise UsageError(_too_small(size, SMALLEST["convnet-28px"]))


def build(name: str, input_shape: Sequence[int], classes: int, arguments: Mapping[str, Any]) -> keras.Model:
    """The network of that name (see `template`) with its arguments, for pictures (height, width, channels)."""
    builders: dict[str, Callable[..., keras.Model]] = {"convnet": convnet, "convnet-28px": convnet_28px}
    return builders[name](input_shape, classes, **arguments)


def convnet(
    input_shape: Sequence[int],
    classes: int,
    *,
    channels: Sequence[int] = CHANNELS,
    kernel: int = 3,
    dense: int = 512,
) -> keras.Model:
    """The seeds' ConvNet: 3,453,121 parameters at 150x150x3 for two classes.

    input_shape: (height, width, channels) of pictures, uint8 or float, 0-255; they are scaled to [0, 1]
    inside. channels: filters of each stage. kernel: side of the filters, in pixels. dense: hidden units.
    Returns a model with float32 outputs (N, 1) for two classes and (N, classes) for more. Raises
    UsageError for pictures that are too small for `len(channels)` stages.
    """
    _check_stages(input_shape, stages=len(channels), kernel=kernel)
    inputs = keras.Input(tuple(input_shape), name="pixels")
    x = _to_unit_interval(inputs)
    for number, filters in enumerate(channels, start=1):
        x = _stage(x, filters, kernel, number)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dense, activation="relu", name="dense")(x)
    return keras.Model(inputs, classification_head(x, classes), name="convnet")


def convnet_28px(input_shape: Sequence[int], classes: int) -> keras.Model:
    """The seeds' template for small pictures (28x28): convolutions of 32, 64, 64 filters, 64 dense units.

    Shapes, outputs and errors as in `convnet`. The seeds end it in ReLU units, which is a slip: they give
    no probabilities. Here it has the same head as every other network.
    """
    smallest = SMALLEST["convnet-28px"]
    if min(input_shape[:2]) < smallest:
        raise UsageError(_too_small(min(input_shape[:2]), smallest))
    inputs = keras.Input(tuple(input_shape), name="pixels")
    x = _to_unit_interval(inputs)
    x = _stage(x, 32, 3, 1)
    x = _stage(x, 64, 3, 2)
    x = layers.Conv2D(64, 3, activation="relu", name="conv3")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    return keras.Model(inputs, classification_head(x, classes), name="convnet-28px")


def _to_unit_interval(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels 0-255 to [0, 1], in float32: a mixed policy would round them before the first layer does."""
    return layers.Rescaling(1 / 255, dtype="float32", name="to_unit_interval")(pixels)


def _stage(x: keras.KerasTensor, filters: int, kernel: int, number: int) -> keras.KerasTensor:
    """(N, h, w, c) → (N, (h - kernel + 1) // 2, (w - kernel + 1) // 2, filters); layers named by `number`.

    The ReLU stands behind the pooling: the greatest of four and the greater of it and 0 may be taken in either
    order, and on a quarter of the values it costs a quarter (training is half as fast again on 2 cores).
    """
    x = layers.Conv2D(filters, kernel, name=f"conv{number}")(x)
    x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return layers.ReLU(name=f"relu{number}")(x)


def _check_stages(input_shape: Sequence[int], *, stages: int, kernel: int) -> None:
    size = min(input_shape[:2])
    smallest = 1
    for _ in range(stages):
        smallest = 2 * smallest + kernel - 1
    if size < smallest:
        raise UsageError(_too_small(size, smallest))


def _too_small(size: int, smallest: int) -> str:
    return (
        f"Pictures of {size} px are too small for this network, which needs at least {smallest} px on each "
        f"side. Give a larger --size."
    )
