"""Optimizers by name, and the course of their learning rate."""

from __future__ import annotations

import math
from typing import Any

from starshift.recipe import Stage
from starshift.training.keras_setup import load_keras

RMSPROP_EPSILON = 1e-14
"""Keras 3 divides by sqrt(v + epsilon), epsilon = 1e-7, which shortens every step whose gradient is below 3e-4; the
Keras of the seeds divided by sqrt(v) + 1e-7. This comes to the same as theirs."""


def optimizer_for(stage: Stage, steps_per_epoch: int, model: Any) -> Any:
    """The stage's Keras optimizer for a model, with the learning rate's course over its epochs.

    Weight decay is decoupled (Loshchilov and Hutter 2019, arXiv:1711.05101) and spares everything but kernels.
    """
    optimizers = load_keras().optimizers
    makers: dict[str, tuple[Any, dict[str, Any]]] = {
        "rmsprop": (optimizers.RMSprop, {"epsilon": RMSPROP_EPSILON}),
        "adam": (optimizers.Adam, {}),
        "adamw": (optimizers.AdamW, {}),
        "sgd": (optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
        "muon": (_muon, {}),
    }
    make, settings = makers[stage.optimizer]
    # AdamW insists on a number; the others would multiply by a decay of 0 at every step, and None spares them that.
    decay = stage.weight_decay if stage.weight_decay or stage.optimizer == "adamw" else None
    optimizer = make(learning_rate(stage, steps_per_epoch), weight_decay=decay, **settings)
    if stage.weight_decay:
        spared = [variable for variable in model.trainable_variables if not variable.name.endswith("kernel")]
        optimizer.exclude_from_weight_decay(var_list=spared)
    return optimizer


def _muon(*settings: Any, **named: Any) -> Any:
    from starshift.training.muon import Muon  # deferred: its base class is Keras's

    return Muon(*settings, **named)


def learning_rate(stage: Stage, steps_per_epoch: int) -> Any:
    """The learning rate as Keras's optimizers take it: a number, or a schedule from the step's number, from 0."""
    warmup = round(stage.warmup_epochs * steps_per_epoch)
    total = stage.epochs * steps_per_epoch
    if stage.schedule == "constant" and not warmup:
        return stage.learning_rate
    keras = load_keras()
    ops = keras.ops

    class Course(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        """Linear warm-up, then constant or half a cosine down to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983)."""

        def __call__(self, step: Any) -> Any:
            step = ops.cast(step, "float32")
            share = ops.minimum(1.0, (step + 1) / max(warmup, 1))
            if stage.schedule == "cosine":
                done = ops.clip((step - warmup) / max(total - warmup, 1), 0.0, 1.0)
                share = ops.minimum(share, 0.5 * (1 + ops.cos(math.pi * done)))
            return stage.learning_rate * share

        def get_config(self) -> dict[str, Any]:
            return {}  # never stored: the recipe is

    return Course()


def rate_at(stage: Stage, steps_per_epoch: int, step: int) -> float:
    """The learning rate of a step, from 0."""
    course = learning_rate(stage, steps_per_epoch)
    return float(course(step)) if callable(course) else course
