"""Grad-CAM: which places of a network's last map an answer hangs on, by the gradients of its evidence.

Sources: Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
arXiv:1610.02391; and, for weights place by place, Draelos and Carin, Use HiResCAM instead of Grad-CAM for Faithful
Explanations of Convolutional Neural Networks, 2020, arXiv:2011.08891. For a network that averages its last map, as
pretrained bases and `modern` do, the two are the same; one that flattens it, as `convnet` does, weighs every place by
itself, which averaged gradients forget: what looks at one corner they would find anywhere. In place of the logit stand
the log-odds of the answer. Occlusion, which needs no gradients, is in compose.occlusion.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from starshift.errors import RunError
from starshift.records import Target
from starshift.training.keras_setup import load_keras

SMALLEST = 1e-37
"""The probability below which float32 has fewer digits."""

LEAST_PLACES = 5
"""On each side of a map that is worth showing. Pretrained bases have 7 at the size that they were trained at; further
from the end, a map says less of one class, but where."""

SOFTENED = 32.0
"""What the logits of a head that ends in a sigmoid are divided by, which else is 1 from a logit of 17 on and has no
gradient. Of two classes, or of a label, it divides the log-odds and with them all gradients, which a map shows no
otherwise: it is scaled to its largest value."""


def grad_cam(network: Any, pixels: np.ndarray, target: Target, output: int = 0) -> np.ndarray:
    """Where a network looks for one of its answers.

    network: a Keras model, pixels 0-255 (N, size, size, 3) → answers, the leading target's first: of classes and labels
    (N, classes), probabilities; of a number (N,) or (N, 1). pixels: uint8 or float (N, size, size, 3). output: of the
    leading target the class or label that is explained; 0 of a number.
    Returns float32 (N, size, size) from 0 to 1, the largest value of each picture's; 0 everywhere where nothing spoke
    for the answer. Of a network made of several, such as bases side by side, the maps of all are added before that.
    Raises RunError for a network that makes no map, as transformers do not, or on a backend other than TensorFlow and
    JAX, and where no answer has a gradient.
    """
    keras = load_keras()
    layers = map_layers(network)
    if not layers:
        raise RunError(
            f"{network.name} makes no convolutional map that an answer could be traced to, as a transformer does not; "
            "occlusion explains it."
        )
    given = keras.ops.convert_to_tensor(pixels, "float32")
    seen: dict[int, Any] = {}

    def evidence(changes: Sequence[Any]) -> Any:
        with _softened(network), _changed(layers, changes, seen):
            found = network(given, training=False)
        return keras.ops.sum(_evidence(found[0] if isinstance(found, list | tuple) else found, target, output))

    nothing = [keras.ops.zeros((len(pixels), *layer.output.shape[1:]), layer.output.dtype) for layer in layers]
    slopes, maps = _gradients(evidence, nothing, seen)
    sides = pixels.shape[1], pixels.shape[2]
    total = np.sum([_weighed(*one, sides) for one in zip(maps, slopes, strict=True)], axis=0)
    if not any(slope.any() for slope in slopes):
        raise RunError(
            "The answer has no gradient by the network's last map: it is too certain, or hangs on nothing there. "
            "Occlusion explains it."
        )
    largest = total.max(axis=(1, 2), keepdims=True)
    return np.divide(total, largest, out=np.zeros_like(total), where=largest > 0).astype(np.float32)


def map_layers(network: Any) -> list[Any]:
    """The layers whose maps are explained: one for the network, and one for each that it is made of.

    The last that tells LEAST_PLACES apart on each side, else the last: of small pictures it may have 2 by 2 places.
    None of a network without convolutions: what it says of each place of a picture are the pixels.
    """
    from keras.layers import Conv2D

    inner = [found for layer in network.layers if getattr(layer, "layers", None) for found in map_layers(layer)]
    own = [layer for layer in network.layers if not getattr(layer, "layers", None)]
    if not any(isinstance(layer, Conv2D) for layer in own):
        return inner
    maps = [layer for layer in own if _makes_map(layer)]
    fine = [layer for layer in maps if min(layer.output.shape[1:3]) >= LEAST_PLACES]
    return [*inner, *(fine or maps)[-1:]]


def _makes_map(layer: Any) -> bool:
    """Whether it says something of each place of a picture."""
    shape: tuple[int, ...] = getattr(layer.output, "shape", ())
    return len(shape) == 4 and shape[1] * shape[2] > 1


@contextlib.contextmanager
def _changed(layers: Sequence[Any], changes: Sequence[Any], seen: dict[int, Any]) -> Iterator[None]:
    """While it lasts, every layer notes what it says, and says it with a change added.

    A gradient by a change of 0 is one by the map itself, and every backend has those of a function by its arguments.
    """

    def noting(place: int, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            seen[place] = call(*arguments, **named)
            return seen[place] + changes[place]

        return noted

    for place, layer in enumerate(layers):
        object.__setattr__(layer, "call", noting(place, layer.call))  # past Keras, which would track it as a part
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


@contextlib.contextmanager
def _softened(network: Any) -> Iterator[None]:
    """While it lasts, heads that end in a sigmoid are less certain: see SOFTENED."""
    from keras import activations, layers, ops

    def is_head(layer: Any) -> bool:
        return isinstance(layer, layers.Dense) and "head" in layer.name and layer.activation is activations.sigmoid

    heads = [layer for layer in _leaves(network) if is_head(layer)]
    for head in heads:
        head.activation = lambda logits: ops.sigmoid(logits / SOFTENED)
    try:
        yield
    finally:
        for head in heads:
            head.activation = activations.sigmoid


def _leaves(network: Any) -> Iterator[Any]:
    for layer in network.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer


def _evidence(answers: Any, target: Target, output: int) -> Any:
    """Log-odds of a class or label (N,), or the number."""
    from keras import ops

    if target.is_number:
        return ops.reshape(answers, (-1,))
    yes = answers[:, output]
    others = [answers[:, other] for other in range(answers.shape[-1]) if other != output]
    no = sum(others[1:], others[0]) if target.is_classes else 1 - yes
    return ops.log(ops.maximum(yes, SMALLEST)) - ops.log(ops.maximum(no, SMALLEST))


def _weighed(seen: np.ndarray, slopes: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """What of a map raised the answer, brought to a picture's sides. seen, slopes: (N, h, w, channels)."""
    import cv2

    maps = np.maximum((slopes * seen).sum(axis=3), 0).astype(np.float32)
    return np.stack([cv2.resize(one, sides[::-1], interpolation=cv2.INTER_LINEAR) for one in maps])


def _gradients(
    function: Callable[[Sequence[Any]], Any], arguments: Sequence[Any], seen: dict[int, Any]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Those of a number by each argument, and what was seen on the way: float32 arrays.

    The one place that knows backends: Keras 3 has no gradient of its own. Raises RunError on one that is not known.
    """
    from keras import backend, ops

    def as_arrays(tensors: Sequence[Any]) -> list[np.ndarray]:
        return [np.asarray(ops.convert_to_numpy(ops.cast(one, "float32"))) for one in tensors]

    if backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = function(arguments)
        slopes = tape.gradient(value, arguments, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    elif backend.backend() == "jax":
        import jax

        def with_seen(changes: Sequence[Any]) -> tuple[Any, list[Any]]:
            value = function(changes)
            return value, [seen[place] for place in range(len(changes))]

        slopes, noted = jax.grad(with_seen, has_aux=True)(list(arguments))
        seen.update(enumerate(noted))
    else:
        raise RunError(
            f"Grad-CAM takes gradients, which are asked for on TensorFlow and on JAX here; Keras runs on "
            f"{backend.backend()}. Occlusion needs none."
        )
    return as_arrays(slopes), as_arrays([seen[place] for place in range(len(arguments))])
