"""Losses by name, and the accuracy that goes with them; all take soft targets in the form of `models.heads`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starshift.recipe import is_own
from starshift.training.keras_setup import load_keras

AUXILIARY_WEIGHT = 0.3
"""What the loss of an auxiliary output counts beside that of the head (Szegedy et al. 2015, arXiv:1409.4842)."""

FOCUS = 2.0
"""The focal loss's exponent (Lin et al. 2017, arXiv:1708.02002)."""


def loss_for(name: str, classes: int, own: Mapping[str, Any] | None = None) -> Any:
    """The Keras loss of that name in recipe.LOSSES, for `heads.classification_head` and `heads.shape_targets`.

    own: functions of the user's own by their reference; a loss may be one of them.
    """
    if is_own(name):
        return own_loss((own or {})[name])
    losses = load_keras().losses
    if name == "mean squared error":
        return losses.MeanSquaredError()
    if name == "focal":
        if classes == 2:
            return losses.BinaryFocalCrossentropy(gamma=FOCUS)
        return losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=FOCUS)  # no class weighs more, as for two
    return losses.BinaryCrossentropy() if classes == 2 else losses.CategoricalCrossentropy()


def own_loss(function: Callable[[Any, Any], Any]) -> Any:
    """A user's function as a Keras loss. function: (targets, outputs), both float (N, outputs), → (N,)."""
    keras = load_keras()

    class Own(keras.losses.Loss):  # type: ignore[misc, name-defined]
        """The function on tensors, also where arrays come."""

        def call(self, targets: Any, outputs: Any) -> Any:
            return function(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(outputs))

    return Own(name=function.__name__)


def hits_for(classes: int) -> Callable[[Any, Any], Any]:
    """(targets, outputs) → float32 (N,): 1 where the most likely class is the one that has most of the target.

    Keras's own binary accuracy counts every mixed target as an error.
    """
    ops = load_keras().ops

    def hits(targets: Any, outputs: Any) -> Any:
        if classes == 2:
            same = ops.equal(targets > 0.5, outputs > 0.5)[..., 0]
        else:
            same = ops.equal(ops.argmax(targets, axis=-1), ops.argmax(outputs, axis=-1))
        return ops.cast(same, "float32")

    return hits
