"""Losses by name, and the figure that goes with each; all take labels in the form of `models.heads`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from starshift.models import heads
from starshift.models.heads import Scale
from starshift.recipe import is_own, suits
from starshift.records import Target
from starshift.training import ctc
from starshift.training.keras_setup import load_keras

AUXILIARY_WEIGHT = 0.3
"""What the loss of an auxiliary output counts beside that of the head (Szegedy et al. 2015, arXiv:1409.4842)."""

FOCUS = 2.0
"""The focal loss's exponent (Lin et al. 2017, arXiv:1708.02002)."""

Of = Callable[[Any, Any], Any]
"""(labels, outputs), both float32 (N, outputs), → float32 (N,)."""


@dataclass(frozen=True)
class Objective:
    """What one head is trained for."""

    target: Target
    scale: Scale | None = None  # of numbers that are standardized
    weight: float = 1.0  # what its loss counts beside those of other heads
    has_missing: bool = False  # whether labels lack in some rows


def loss_for(name: str, target: Target, own: Mapping[str, Any] | None = None) -> Any:
    """The Keras loss of that name in recipe.LOSSES, for a head on a target.

    "crossentropy" is every kind's own loss: categorical or binary cross-entropy where there are classes or labels,
    the mean squared error where there are numbers. A name that does not belong to the target's kind (see recipe.suits)
    leaves it its own too: several heads on one network have one stage. own: functions of the user's own by their
    reference; a loss may be one of them.
    """
    if is_own(name):
        return own_loss((own or {})[name])
    if target.kind == "string":
        return as_loss(ctc.loss, "ctc")
    losses = load_keras().losses
    if not suits(name, target):
        name = "crossentropy"
    if name == "mean squared error" or (target.is_number and name == "crossentropy"):
        return losses.MeanSquaredError()
    several = target.kind == "multi-class"
    if name == "focal":
        if several:
            return losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=FOCUS)  # no class weighs more, as for two
        return losses.BinaryFocalCrossentropy(gamma=FOCUS)
    return losses.CategoricalCrossentropy() if several else losses.BinaryCrossentropy()


def own_loss(function: Of) -> Any:
    """A user's function as a Keras loss. function: (targets, outputs), both float (N, outputs), → (N,)."""
    return as_loss(function, function.__name__)


def as_loss(function: Of, name: str) -> Any:
    """A function as a Keras loss."""
    keras = load_keras()

    class Own(keras.losses.Loss):  # type: ignore[misc, name-defined]
        """The function on tensors, also where arrays come."""

        def call(self, targets: Any, outputs: Any) -> Any:
            return function(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(outputs))

    return Own(name=name)


def masked(function: Of) -> Of:
    """The same, and 0, with no gradient, for rows whose label is missing (NaN)."""
    ops = load_keras().ops

    def where_known(targets: Any, outputs: Any) -> Any:
        missing = ops.isnan(targets)
        # The zeros keep what is computed for a missing label, and then left out, finite: 0 times NaN would be NaN.
        found = function(ops.where(missing, ops.zeros_like(targets), targets), outputs)
        return ops.where(ops.any(missing, axis=-1), ops.zeros_like(found), found)

    return where_known


# ----------------------------------------------------------------------------------------------------
# Figures


def figure_name(target: Target) -> str:
    """What `figure_for` measures: "accuracy", "label accuracy", "mean absolute error"."""
    if target.is_number:
        return "mean absolute error"
    return "label accuracy" if target.kind == "multi-label" else "accuracy"


def figure_for(target: Target, scale: Scale | None = None) -> Of:
    """(labels, outputs) → float32 (N,): what each example adds to the leading figure, which is their mean.

    Classes: 1 where the most likely class is the one that has most of the target (Keras's own binary accuracy counts
    every mixed target as an error). Labels: the share that is right. Numbers: the absolute error, in the target's unit.
    """
    ops = load_keras().ops
    unit = scale.scale if scale else 1.0

    if target.kind == "string":
        return ctc.right

    def figure(targets: Any, outputs: Any) -> Any:
        if target.is_number:
            return ops.cast(ops.abs(targets - outputs)[..., 0] * unit, "float32")
        if target.kind == "multi-class":
            same = ops.equal(ops.argmax(targets, axis=-1), ops.argmax(outputs, axis=-1))
        else:
            same = ops.equal(targets > 0.5, outputs > 0.5)
            if target.kind == "multi-label":
                return ops.mean(ops.cast(same, "float32"), axis=-1)
            same = same[..., 0]
        return ops.cast(same, "float32")

    return figure


# ----------------------------------------------------------------------------------------------------
# What each of several losses counts


def best_constant_loss(objective: Objective, shaped: np.ndarray, name: str, own: Mapping[str, Any] | None) -> float:
    """The loss of the best answer that looks at nothing, the labels' mean: where every training begins, whatever the
    network and its chance, in the unit of that loss.

    shaped: labels of the training part in the head's form, float32 (n, outputs).
    """
    known = shaped[~np.isnan(shaped).any(axis=1)]
    if not len(known):
        return 1.0
    constant = np.broadcast_to(known.mean(axis=0), known.shape).astype(np.float32)
    return float(np.mean(loss_for(name, objective.target, own).call(known, np.ascontiguousarray(constant))))


def balanced_weights(scales: Sequence[float]) -> tuple[float, ...]:
    """What losses count so that all begin with the size of the first: the first 1, and the others by its ratio.

    A loss near 10 would else drown two near 0.1 (seed 003's warning). A loss that is 0 to begin with counts 1.
    """
    first = scales[0] or 1.0
    return tuple(first / scale if scale > 0 else 1.0 for scale in scales)


UNCERTAINTY_PACE = 10.0
"""How much faster the logarithms of the losses' weights are learned than other weights: at rates of 1e-4 they would
hardly move in a short training."""


def uncertainty_layer(count: int) -> Any:
    """Lets outputs pass, and holds a logarithm of the variance of each of `count` heads, which training learns.

    Kendall, Gal and Cipolla 2018 (arXiv:1705.07115): each loss is divided by its variance, and half the logarithm of
    the variance is added, so that none grows without end.
    """
    keras = load_keras()

    class Uncertainty(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """See above."""

        def build(self, input_shape: Any) -> None:
            self.slow = self.add_weight(name="log_variances", shape=(count,), initializer="zeros", dtype="float32")

        def call(self, outputs: Any) -> Any:
            return [keras.ops.copy(one) for one in outputs]

        def weighed(self, place: int, function: Of) -> Of:
            """A loss under its learned variance."""

            def loss(targets: Any, outputs: Any) -> Any:
                logarithm = UNCERTAINTY_PACE * self.slow[place]
                return keras.ops.exp(-logarithm) * function(targets, outputs) + 0.5 * logarithm

            return loss

    return Uncertainty(dtype="float32", name="uncertainty")


def objectives_for(
    targets: Sequence[Target],
    encoded: Sequence[np.ndarray],
    learning: np.ndarray,
) -> tuple[Objective, ...]:
    """What each head is trained for, by the labels of the training part alone.

    encoded: of each target, as Target.encode has them. learning: int (n,), the rows of the training part. Raises
    UsageError where a number has no label in them.
    """
    return tuple(
        Objective(
            target,
            heads.standardized_by(target, labels[learning]),
            has_missing=not bool(target.known(labels).all()),
        )
        for target, labels in zip(targets, encoded, strict=True)
    )
