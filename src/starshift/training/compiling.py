"""A network with its optimizer, its losses and what is measured of them, as a stage of training wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starshift.recipe import UNCERTAINTY, Recipe, Stage
from starshift.training import losses
from starshift.training.keras_setup import load_keras
from starshift.training.losses import AUXILIARY_WEIGHT, Objective
from starshift.training.optimizers import optimizer_for


def with_uncertainty(model: Any, recipe: Recipe, count: int) -> Any:
    """The model with a layer that holds learned weights of its heads' losses, where a stage wants that."""
    if count == 1 or not any(stage.loss_weights == UNCERTAINTY for stage in recipe.stages):
        return model
    outputs = losses.uncertainty_layer(count)(list(model.outputs))
    return load_keras().Model(model.inputs, outputs)


@dataclass(frozen=True)
class CompiledHead:
    """What one head was compiled with, in the form that examples outside of training are judged by."""

    loss: losses.Of
    figure: losses.Of  # what each example adds to the leading figure: 1 where the answer is right, …
    metrics: tuple[Any, Any]  # Keras metrics: loss and figure of what was learned from
    weight: float  # what its loss counts


@dataclass(frozen=True)
class Compiled:
    """What a model was compiled with."""

    steps: int  # per epoch
    heads: tuple[CompiledHead, ...]

    def total(self, losses: Sequence[float]) -> float:
        """The heads' losses as they count together."""
        return sum(head.weight * loss for head, loss in zip(self.heads, losses, strict=True))


def compile_model(
    model: Any, stage: Stage, steps: int, objectives: Sequence[Objective], own: Mapping[str, Any] | None = None
) -> Compiled:
    """Give a model its optimizer, its losses, and metrics of its heads. steps: per epoch. own: see `train`."""
    compiled = tuple(_compiled_head(one, stage, own) for one in objectives)
    layer = next((one for one in model.layers if one.name == UNCERTAINTY), None)
    count, outputs = len(compiled), len(model.outputs)
    several = outputs > 1

    def loss(place: int) -> Any:
        made = losses.loss_for(stage.loss, objectives[place].target, own)
        if layer is not None and stage.loss_weights == UNCERTAINTY:
            return losses.as_loss(layer.weighed(place, compiled[place].loss), "weighed")
        own_form = objectives[place].has_missing or objectives[place].taught
        return losses.as_loss(compiled[place].loss, "masked") if own_form else made

    model.compile(
        optimizer=optimizer_for(stage, steps, model),
        loss=[loss(number % count) for number in range(outputs)] if several else loss(0),
        loss_weights=[
            (AUXILIARY_WEIGHT if number >= count else 1.0) * compiled[number % count].weight
            for number in range(outputs)
        ]
        if several
        else None,
        metrics=[*(list(head.metrics) for head in compiled), *[[]] * (outputs - count)]
        if several
        else list(compiled[0].metrics),
    )
    return Compiled(steps, compiled)


def _compiled_head(objective: Objective, stage: Stage, own: Mapping[str, Any] | None) -> CompiledHead:
    loss = losses.loss_for(stage.loss, objective.target, own).call
    figure = losses.figure_for(objective.target, objective.scale)
    if objective.taught:
        loss, figure = losses.taught(loss, objective.target, objective.taught), losses.on_labels(figure)
    elif objective.has_missing:
        loss, figure = losses.masked(loss), losses.masked(figure)
    # The loss that is minimized also has penalties and auxiliary losses; this one can be compared with validation.
    name = losses.figure_name(objective.target)
    metrics = (_mean(loss, "own_loss", objective, 0), _mean(figure, name, objective, 1))
    return CompiledHead(loss, figure, metrics, objective.weight)


def _mean(function: losses.Of, name: str, objective: Objective, which: int) -> Any:
    """A Keras metric: the mean over examples, of which those without a label are none.

    which: of what Objective.known tells apart.
    """
    keras = load_keras()
    name = name.replace(" ", "_")
    if not (objective.has_missing or objective.taught):
        return keras.metrics.MeanMetricWrapper(function, name)

    class KnownMean(keras.metrics.Mean):  # type: ignore[misc, name-defined]
        """Weights are 0 where the label is missing."""

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            halves = keras.ops.split(y_true, 2, axis=-1) if objective.taught else [y_true]
            known = [keras.ops.logical_not(keras.ops.any(keras.ops.isnan(half), axis=-1)) for half in halves]
            known = keras.ops.logical_or(*known) if objective.taught and which == 0 else known[0]
            return super().update_state(function(y_true, y_pred), keras.ops.cast(known, "float32"))

    return KnownMean(name=name)
