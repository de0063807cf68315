"""Blocks of convolutional networks, tensor → tensor; every layer is named after its block, so that weights have paths.

Sources: residual blocks (He et al. 2016, arXiv:1512.03385), with the average pooling on the way past of He et al. 2019
(arXiv:1812.01187), whose last batch norm starts at 0; residual blocks without batch norm, on standardized kernels
(Brock et al. 2021, arXiv:2101.08692); inception blocks (Szegedy et al. 2015, arXiv:1409.4842) with 5×5 convolutions
as two of 3×3 (Szegedy et al. 2016, arXiv:1512.00567).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

MOMENTUM = 0.9
"""Of batch norm's statistics: small sets have few steps, and Keras's 0.99 would lag behind them."""


RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))
"""Brings a standard normal variable that went through a ReLU back to unit variance (Brock et al. 2021)."""

RESIDUAL_SHARE = 0.3
"""What a block without batch norm adds to the way past it, as a standard deviation, once its gain has grown to 1."""


@dataclass(frozen=True)
class Style:
    """What all convolutions of a network share."""

    norm: str = "batch"  # a name in recipe.NORMS
    penalty: keras.Regularizer | None = None  # on kernels
    drop_path: float = 0.0  # share of pictures that a residual block lets pass unchanged (arXiv:1603.09382)


@keras.saving.register_keras_serializable("starshift")
class StandardizedConv2D(layers.Conv2D):  # type: ignore[misc]
    """A convolution whose kernel has mean 0 and a fixed length for each filter, times a gain that is learned.

    Its outputs then keep the variance of its inputs with nothing to compute on them, which batch norm spends a third
    of a training step on (measured at 96 px on 2 cores). scale: a constant factor. silent: the gain begins at 0.
    """

    def __init__(self, filters: int, kernel_size: Any, *, scale: float = 1.0, silent: bool = False, **other: Any):
        super().__init__(filters, kernel_size, **{"kernel_initializer": "lecun_normal", **other})
        self.scale, self.silent = scale, silent

    def build(self, input_shape: Any) -> None:
        """Kernel, bias and gain."""
        super().build(input_shape)
        self.gain = self.add_weight(
            name="gain", shape=(self.filters,), initializer="zeros" if self.silent else "ones", dtype="float32"
        )

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve with the standardized kernel."""
        return super().convolution_op(inputs, ops.cast(self.standardized(kernel), inputs.dtype))

    def standardized(self, kernel: Any = None) -> Any:
        """What it convolves with, of a kernel or of its own: float32, same shape."""
        kernel = ops.cast(self.kernel if kernel is None else kernel, "float32")
        kernel = kernel - ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        length = ops.rsqrt(ops.sum(ops.square(kernel), axis=(0, 1, 2), keepdims=True) + 1e-8)
        return kernel * length * (self.scale * ops.cast(self.gain, "float32"))

    def get_config(self) -> dict[str, Any]:
        """What it is made of."""
        return {**super().get_config(), "scale": self.scale, "silent": self.silent}


def convolution(
    x: keras.KerasTensor,
    filters: int,
    style: Style,
    *,
    name: str,
    kernel: int = 3,
    stride: int = 1,
    silent: bool = False,
    scale: float = RELU_GAIN,
) -> keras.KerasTensor:
    """Convolution and what its style normalizes by; no activation. (N, h, w, c) → (N, ⌈h/s⌉, ⌈w/s⌉, filters).

    silent: begins by giving 0, so that a block with a way past it begins as that way alone. scale: of standardized
    kernels; the default is right behind a ReLU.
    """
    common: dict[str, Any] = {
        "strides": stride,
        "padding": "same",
        "kernel_regularizer": style.penalty,
        "name": f"{name}_conv",
    }
    if style.norm == "weights":
        return StandardizedConv2D(filters, kernel, scale=scale, silent=silent, **common)(x)
    batch = style.norm == "batch"
    begin = "zeros" if silent and not batch else "he_normal"
    x = layers.Conv2D(filters, kernel, use_bias=not batch, kernel_initializer=begin, **common)(x)
    if not batch:
        return x
    return layers.BatchNormalization(
        momentum=MOMENTUM, epsilon=1e-5, gamma_initializer="zeros" if silent else "ones", name=f"{name}_norm"
    )(x)


def activated(
    x: keras.KerasTensor,
    filters: int,
    style: Style,
    *,
    name: str,
    kernel: int = 3,
    stride: int = 1,
    scale: float = RELU_GAIN,
) -> keras.KerasTensor:
    """`convolution`, then a ReLU."""
    x = convolution(x, filters, style, name=name, kernel=kernel, stride=stride, scale=scale)
    return layers.ReLU(name=f"{name}_relu")(x)


def residual_block(
    x: keras.KerasTensor, filters: int, style: Style, *, name: str, stride: int = 1, skip: bool = True
) -> keras.KerasTensor:
    """Two 3×3 convolutions and, with `skip`, the way past them. (N, h, w, c) → (N, ⌈h/s⌉, ⌈w/s⌉, filters)."""
    y = activated(x, filters, style, name=f"{name}_1", stride=stride)
    y = convolution(y, filters, style, name=f"{name}_2", silent=skip)
    if skip:
        y = layers.Add(name=f"{name}_add")([_past(x, filters, style, name, stride), _dropped(y, style, name)])
    return layers.ReLU(name=f"{name}_relu")(y)


def preactivated_block(
    x: keras.KerasTensor, filters: int, style: Style, *, name: str, variance: float, stride: int = 1, skip: bool = True
) -> tuple[keras.KerasTensor, float]:
    """`residual_block` for standardized kernels: ReLUs stand before convolutions, so that variances can be foretold.

    variance: that of x at the beginning of training. Returns the block's output, and its variance.
    """
    x_active = layers.ReLU(name=f"{name}_relu")(x)
    scale = RELU_GAIN / math.sqrt(variance)
    y = activated(x_active, filters, style, name=f"{name}_1", stride=stride, scale=scale)
    if not skip:
        return convolution(y, filters, style, name=f"{name}_2"), 1.0
    y = convolution(y, filters, style, name=f"{name}_2", scale=RELU_GAIN * RESIDUAL_SHARE, silent=True)
    past = x
    if stride > 1 or x.shape[-1] != filters:
        past, variance = _past(x_active, filters, style, name, stride, scale), 1.0
    return layers.Add(name=f"{name}_add")([past, _dropped(y, style, name)]), variance + RESIDUAL_SHARE**2


def _dropped(x: keras.KerasTensor, style: Style, name: str) -> keras.KerasTensor:
    """Nothing of a block for some pictures of a batch, while it is trained."""
    if not style.drop_path:
        return x
    return layers.Dropout(style.drop_path, noise_shape=(None, 1, 1, 1), name=f"{name}_drop_path")(x)


def _past(
    x: keras.KerasTensor, filters: int, style: Style, name: str, stride: int, scale: float = RELU_GAIN
) -> keras.KerasTensor:
    """What goes past a block, brought to its output's shape."""
    if stride > 1:
        x = layers.AveragePooling2D(stride, padding="same", name=f"{name}_past_pool")(x)
    return x if x.shape[-1] == filters else convolution(x, filters, style, name=f"{name}_past", kernel=1, scale=scale)


def inception_block(
    x: keras.KerasTensor, filters: int, style: Style, *, name: str, stride: int = 1
) -> keras.KerasTensor:
    """Four ways side by side: 1×1, 3×3, 5×5 (as two 3×3) and pooling. Shapes as in `residual_block`.

    Filters are shared out 2:4:1:1 as in GoogLeNet's first block, and halved by 1×1 convolutions on the way to the
    larger kernels. A stride is that of a pooling before.
    """
    if stride > 1:
        x = layers.MaxPooling2D(3, strides=stride, padding="same", name=f"{name}_reduce")(x)
    fifth, pooled = max(filters // 8, 1), max(filters // 8, 1)
    first = max(filters // 4, 1)
    third = filters - first - fifth - pooled
    one = activated(x, first, style, name=f"{name}_1x1", kernel=1)
    three = activated(x, max(third // 2, 1), style, name=f"{name}_3x3_narrow", kernel=1)
    three = activated(three, third, style, name=f"{name}_3x3")
    five = activated(x, max(fifth // 2, 1), style, name=f"{name}_5x5_narrow", kernel=1)
    five = activated(five, fifth, style, name=f"{name}_5x5_1")
    five = activated(five, fifth, style, name=f"{name}_5x5_2")
    pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    pool = activated(pool, pooled, style, name=f"{name}_pool", kernel=1)
    return layers.Concatenate(name=f"{name}_join")([one, three, five, pool])
