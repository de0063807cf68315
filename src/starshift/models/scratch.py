"""Networks trained from scratch: the seeds' ConvNet, their template for 28-pixel pictures, and `models.modern`.

Source: seeds 001 ("Build the CNN", with its table of layers) and 003 (section 3.1, the basic template).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from starshift.errors import UsageError
from starshift.models import reader
from starshift.models.heads import as_outputs, heads_on
from starshift.models.modern import modern
from starshift.models.truncated import truncated
from starshift.records import Target

CHANNELS = (32, 64, 128, 128)
"""Convolution filters of the seeds' four stages."""

MOST_WEIGHTS = 2**28
"""Of the dense layer: a gigabyte, and RMSprop holds three of them. Only networks without pooling come near."""

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


def build(
    name: str,
    input_shape: Sequence[int | None],
    heads: Sequence[Target],
    arguments: Mapping[str, Any],
    *,
    training: bool = False,
) -> keras.Model:
    """The network of that name in recipe.BUILDERS with its arguments, for pictures (height, width, channels).

    heads: what it predicts, one output each, as models.heads has them. training: with the auxiliary heads of those
    that have some, as outputs after the others. Height and width may be None for `modern`, which takes pictures of any
    size.
    """
    arguments = {key: value for key, value in arguments.items() if key != "sharing"}  # which is no layer's matter
    if name == "reader":
        return reader.build(input_shape, heads, **arguments, training=training)  # type: ignore[arg-type]
    if name == "modern":
        return modern(input_shape, heads, **arguments, training=training)
    builders: dict[str, Callable[..., keras.Model]] = {
        "convnet": convnet,
        "convnet-28px": convnet_28px,
        "truncated": truncated,
    }
    return builders[name](input_shape, heads, **arguments)


def convnet(
    input_shape: Sequence[int],
    heads: Sequence[Target],
    *,
    channels: Sequence[int] = CHANNELS,
    kernel: int = 3,
    dense: int = 512,
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    pooling: bool = True,
) -> keras.Model:
    """The seeds' ConvNet: 3,453,121 parameters at 150x150x3 for two classes.

    input_shape: (height, width, channels) of pictures, uint8 or float, 0-255; they are scaled to [0, 1]
    inside. channels: filters of each stage. kernel: side of the filters, in pixels. dense: hidden units.
    dropout: share of what enters the dense layer that is dropped in training. l1, l2: penalties on all kernels, added
    to the loss as these times the sum of their absolute values and of their squares. pooling: without it nothing
    halves the sides (seed 003 asks what pooling is good for): the dense layer then sees every position. heads: what it
    predicts; they share all that is before them.
    Returns a model with float32 outputs as models.heads.head has them: (N, 1) for two classes, (N, classes) for more.
    Raises UsageError for pictures that are too small for `len(channels)` stages.
    """
    _check_stages(input_shape, stages=len(channels), kernel=kernel, pooling=pooling)
    penalty = _penalty(l1, l2)
    inputs = keras.Input(tuple(input_shape), name="pixels")
    x = _to_unit_interval(inputs)
    for number, filters in enumerate(channels, start=1):
        x = _stage(x, filters, kernel, number, penalty, pooling)
    x = _dense(x, dense, dropout, penalty)
    return keras.Model(inputs, as_outputs(heads_on(x, heads, penalty)), name="convnet")


def convnet_28px(
    input_shape: Sequence[int],
    heads: Sequence[Target],
    *,
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    pooling: bool = True,
) -> keras.Model:
    """The seeds' template for small pictures (28x28): convolutions of 32, 64, 64 filters, 64 dense units.

    Shapes, arguments, outputs and errors as in `convnet`. The seeds end it in ReLU units, which is a slip: they give
    no probabilities. Here it has the same head as every other network.
    """
    smallest = SMALLEST["convnet-28px"]
    if min(input_shape[:2]) < smallest:
        raise UsageError(_too_small(min(input_shape[:2]), smallest))
    penalty = _penalty(l1, l2)
    inputs = keras.Input(tuple(input_shape), name="pixels")
    x = _to_unit_interval(inputs)
    x = _stage(x, 32, 3, 1, penalty, pooling)
    x = _stage(x, 64, 3, 2, penalty, pooling)
    x = layers.Conv2D(64, 3, activation="relu", kernel_regularizer=penalty, name="conv3")(x)
    x = _dense(x, 64, dropout, penalty)
    return keras.Model(inputs, as_outputs(heads_on(x, heads, penalty)), name="convnet-28px")


def _penalty(l1: float, l2: float) -> keras.Regularizer | None:
    return keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None


def _dense(x: keras.KerasTensor, units: int, dropout: float, penalty: keras.Regularizer | None) -> keras.KerasTensor:
    """(N, h, w, c) → (N, units), with dropout before, as the seeds have it. Raises UsageError beyond MOST_WEIGHTS."""
    x = layers.Flatten(name="flatten")(x)
    if (weights := x.shape[-1] * units) > MOST_WEIGHTS:
        raise UsageError(
            f"Without pooling the dense layer would have {weights:,} weights, above the {MOST_WEIGHTS:,} that are "
            "taken here. Take smaller pictures (--size), fewer channels or fewer dense units."
        )
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(units, activation="relu", kernel_regularizer=penalty, name="dense")(x)


def _to_unit_interval(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels 0-255 to [0, 1], in float32: a mixed policy would round them before the first layer does."""
    return layers.Rescaling(1 / 255, dtype="float32", name="to_unit_interval")(pixels)


def _stage(
    x: keras.KerasTensor,
    filters: int,
    kernel: int,
    number: int,
    penalty: keras.Regularizer | None,
    pooling: bool,
) -> keras.KerasTensor:
    """(N, h, w, c) → (N, (h - kernel + 1) // 2, (w - kernel + 1) // 2, filters); layers named by `number`.

    Without pooling the sides are not halved. The ReLU stands behind the pooling: the greatest of four and the greater
    of it and 0 may be taken in either order, and on a quarter of the values it costs a quarter (training is half as
    fast again on 2 cores).
    """
    x = layers.Conv2D(filters, kernel, kernel_regularizer=penalty, name=f"conv{number}")(x)
    if pooling:
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return layers.ReLU(name=f"relu{number}")(x)


def _check_stages(input_shape: Sequence[int], *, stages: int, kernel: int, pooling: bool) -> None:
    size = min(input_shape[:2])
    smallest = 1
    for _ in range(stages):
        smallest = smallest * (2 if pooling else 1) + kernel - 1
    if size < smallest:
        raise UsageError(_too_small(size, smallest))


def _too_small(size: int, smallest: int) -> str:
    return (
        f"Pictures of {size} px are too small for this network, which needs at least {smallest} px on each "
        f"side. Give a larger --size."
    )
