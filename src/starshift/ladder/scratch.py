"""The networks from scratch as rungs: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from starshift import seeds
from starshift.compose.own import in_order
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder import networks
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.recipe import ANY_SIZE, Recipe, digest
from starshift.records import Epoch, Learnware

CONVERSION_SECONDS = 2.5
"""Converting and opening the trained network, so that it can be used without Keras."""

LARGER = 1.5
"""Crops are taken from pictures whose side is this times the network's, so that a part still has its details."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe, data and seed: the precision."""
    return (best_precision(),)


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return (learnware.precision,)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""
    name = recipe.arguments["build"].partition("#")[0] if is_built_by_user(recipe) else recipe.builder
    build, pace_name = partial(_network, recipe, materials), _pace_name(recipe, materials)
    what = f"trains {name} at {recipe.size} px"
    larger, policy = larger_size(recipe), _policy(recipe)
    seconds = networks.seconds(recipe, materials, build, pace_name, what, larger=larger, policy=policy)
    return seconds + CONVERSION_SECONDS


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train the network; keeps the weights of the last epoch, as the seeds do, so that validation chose nothing.

    Raises TrainingDiverged where not one epoch went well, RunError where a function of the user's own lacks.
    """
    larger = larger_size(recipe)
    trained = networks.train(
        recipe,
        materials,
        partial(_network, recipe, materials),
        _pace_name(recipe, materials),
        np.asarray(materials.pixels(Frame(recipe.size, recipe.fit))),  # type: ignore[arg-type]
        on_epoch,
        seed=seeds.child(materials.seed, recipe.builder),
        larger=materials.pixels(Frame(larger, recipe.fit)) if larger else None,  # type: ignore[arg-type]
        policy=_policy(recipe),
    )
    details = {
        "parameters": f"{trained.parameters:,}",
        "pictures": f"{recipe.size}×{recipe.size} pixels",
        **networks.told(recipe, materials, trained),
    }
    learnware = unfitted(recipe, materials, precision=best_precision())
    weights = in_order(trained.weights) if is_built_by_user(recipe) else trained.weights
    return Model(learnware, weights | trained.scales, trained.history, details, networks.NONDETERMINISTIC)


def is_built_by_user(recipe: Recipe) -> bool:
    """Whether the network is made by a function of the user's own."""
    return recipe.builder == "own"


def larger_size(recipe: Recipe) -> int | None:
    """The side in px of the pictures that crops are taken from; None where nothing is cropped."""
    crops = any(stage.augmentation.crop < 1 for stage in recipe.stages)
    return round(recipe.size * LARGER) if crops else None


def _network(recipe: Recipe, materials: Materials) -> Any:
    from starshift.models import scratch

    if is_built_by_user(recipe):
        builder = materials.functions(recipe)[recipe.arguments["build"]]  # of one target of classes: see ladder.own
        return builder((recipe.size, recipe.size, 3), len(materials.dataset.classes))
    side = None if recipe.builder in ANY_SIZE and any(stage.sizes for stage in recipe.stages) else recipe.size
    heads = materials.dataset.targets
    return scratch.build(recipe.builder, (side, side, 3), heads, recipe.arguments, training=True)


def _policy(recipe: Recipe) -> str | None:
    """The dtype policy to train in; None: the fastest."""
    if not is_built_by_user(recipe):
        return None
    from starshift.training.own import POLICY

    return POLICY


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    """What a pace depends on: network, picture size, batches, and what is done to pictures and weights at each step."""
    stage = recipe.stages[0]
    how = digest(recipe.arguments, stage.augmentation, stage.optimizer, stage.loss, stage.average > 0)[:8]
    return (
        f"training {recipe.builder} at {recipe.size} px, {len(materials.dataset.classes)} classes, batches of "
        f"{stage.batch_size}, {how}{networks.several_in_name(materials)}"
    )
