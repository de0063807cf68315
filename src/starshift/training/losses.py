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
class Taught:
    """That labels have a teacher's answers behind them: columns as many as the head's outputs, NaN where none."""

    temperature: float  # see recipe.Teaching
    soft: float


@dataclass(frozen=True)
class Objective:
    """What one head is trained for."""

    target: Target
    scale: Scale | None = None  # of numbers that are standardized
    weight: float = 1.0  # what its loss counts beside those of other heads
    has_missing: bool = False  # whether labels lack in some rows
    taught: Taught | None = None  # by whom the labels come in two halves, of which one or both may lack

    def labels(self, shaped: np.ndarray) -> np.ndarray:
        """The half of the labels that is no teacher's: float32 (n, outputs)."""
        return shaped[:, : shaped.shape[1] // 2] if self.taught else shaped

    def known(self, shaped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which rows have something to learn from, and which have a label to be judged by: bool (n,) each."""
        labelled = ~np.isnan(self.labels(shaped)).any(axis=1)
        if not self.taught:
            return labelled, labelled
        return labelled | ~np.isnan(shaped[:, shaped.shape[1] // 2 :]).any(axis=1), labelled


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


def taught(function: Of, target: Target, how: Taught) -> Of:
    """A loss that also compares with a teacher (Hinton, Vinyals and Dean 2015, arXiv:1503.02531): (1 − soft) times the
    loss on the label, plus soft · temperature² times the cross-entropy with the teacher's answer, both answers' logits
    divided by the temperature. Where one of the two lacks, the other counts the whole; where both lack, nothing does.

    function: the loss on labels. Labels: float32 (N, 2 · outputs), the label's half first.
    """
    ops = load_keras().ops
    several = target.kind == "multi-class"

    def logits(shares: Any) -> Any:
        """Of probabilities: logarithms for a softmax, log-odds for a sigmoid; divided by the temperature."""
        inside = ops.clip(shares, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
        found = ops.log(inside) if several else ops.log(inside) - ops.log(1 - inside)
        return found / how.temperature

    def against_teacher(teacher: Any, outputs: Any) -> Any:
        asked, given = logits(outputs), logits(teacher)
        if several:
            return -ops.sum(ops.softmax(given) * ops.log_softmax(asked), axis=-1)
        share = ops.sigmoid(given)
        return ops.sum(share * ops.softplus(-asked) + (1 - share) * ops.softplus(asked), axis=-1)

    def loss(labels: Any, outputs: Any) -> Any:
        hard, teacher = ops.split(labels, 2, axis=-1)
        unlabelled, unheard = (ops.isnan(half) for half in (hard, teacher))
        # Zeros keep what is computed for a missing half, and then left out, finite: 0 times NaN would be NaN.
        on_label = function(ops.where(unlabelled, ops.zeros_like(hard), hard), outputs)
        on_teacher = against_teacher(ops.where(unheard, ops.zeros_like(teacher), teacher), outputs)
        no_label, no_teacher = ops.any(unlabelled, axis=-1), ops.any(unheard, axis=-1)
        nothing = ops.zeros_like(on_label)
        on_label = ops.where(no_label, nothing, on_label * ops.where(no_teacher, nothing + 1, nothing + 1 - how.soft))
        share = ops.where(no_label, nothing + 1, nothing + how.soft)
        return on_label + ops.where(no_teacher, nothing, share * how.temperature**2 * on_teacher)

    return loss


def on_labels(function: Of) -> Of:
    """A figure of the label's half of what `taught` takes; 0 where it lacks."""
    ops = load_keras().ops
    known = masked(function)

    def figure(labels: Any, outputs: Any) -> Any:
        return known(ops.split(ops.convert_to_tensor(labels), 2, axis=-1)[0], outputs)

    return figure


SMALLEST_SHARE = 1e-6
"""A probability counts as at least this much, and as that much below 1, where its logit is compared: float32 tells no
smaller one from 1 beside it."""


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
    taught: Taught | None = None,
) -> tuple[Objective, ...]:
    """What each head is trained for, by the labels of the training part alone.

    encoded: of each target, as Target.encode has them. learning: int (n,), the rows of the training part. taught: how,
    where there is a teacher. Raises
    UsageError where a number has no label in them.
    """
    return tuple(
        Objective(
            target,
            heads.standardized_by(target, labels[learning]),
            has_missing=not bool(target.known(labels).all()),
            taught=taught,
        )
        for target, labels in zip(targets, encoded, strict=True)
    )
