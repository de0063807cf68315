"""What a network costs before it is trained: layers, output shapes, parameters, multiply-adds per picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras


class LayerCost(NamedTuple):
    """One layer of a network."""

    name: str
    kind: str  # its class in Keras: "Conv2D"
    shape: tuple[int | None, ...]  # of its output for one picture: (height, width, channels) or (features,)
    parameters: int
    trainable: int  # those of its parameters that training moves
    multiply_adds: int  # for one picture forward; 0 where nothing is multiplied by a kernel


class Cost(NamedTuple):
    """A whole network, layer by layer, in the order of computation."""

    layers: tuple[LayerCost, ...]

    @property
    def parameters(self) -> int:
        """Of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Parameters that training moves."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """For one picture forward; a training step takes about three times this per picture."""
        return sum(layer.multiply_adds for layer in self.layers)


def cost(model: keras.Model) -> Cost:
    """The cost of a built network; models inside it are counted layer by layer.

    Multiply-adds are those of convolutions (plain, grouped, depthwise, separable, transposed) and dense layers,
    which are nearly all there are; normalization, activations and pooling are left out, as in the papers' figures.
    """
    return Cost(tuple(_layer_cost(layer) for layer in _leaves(model)))


def _leaves(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _layer_cost(layer: keras.Layer) -> LayerCost:
    return LayerCost(
        name=layer.name,
        kind=type(layer).__name__,
        shape=_shape(layer.output),
        parameters=_count(layer.weights),
        trainable=_count(layer.trainable_weights),
        multiply_adds=_multiply_adds(layer),
    )


def _shape(tensors: Any) -> tuple[int | None, ...]:
    """Without the batch; of the first where there are several."""
    return tuple(keras.tree.flatten(tensors)[0].shape[1:])


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def _multiply_adds(layer: keras.Layer) -> int:
    """Each number of a kernel is used once at each position: of the output, or of a transposed one's input."""
    kernels = [weight for weight in layer.weights if weight.name in _KERNELS]
    if not kernels:
        return 0
    transposed = isinstance(layer, keras.layers.Conv1DTranspose | keras.layers.Conv2DTranspose)
    positions = _shape(layer.input if transposed else layer.output)[:-1]
    return _count(kernels) * math.prod(side or 1 for side in positions)
