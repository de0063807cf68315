"""The dense network on rows as a rung: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from starshift import seeds
from starshift.ladder import networks, tabular
from starshift.ladder.materials import Materials, Model
from starshift.models.tabular_dense import UNITS
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

POLICY = "float32"
"""So few units gain nothing by half the digits."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed."""
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""

    @cache
    def like() -> np.ndarray:
        return _features(materials, tabular.encoding_of(materials))[:1]

    def build() -> Any:
        return _network(recipe, materials, like().shape[1])

    what = "trains a dense network"
    return networks.seconds(recipe, materials, build, _pace_name(recipe), what, like=like, policy=POLICY)


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train on the training part; the weights of the last epoch are kept.

    Raises TrainingDiverged where not one epoch went well.
    """
    encoding = tabular.encoding_of(materials)
    features = _features(materials, encoding)
    build, seed = partial(_network, recipe, materials, features.shape[1]), seeds.child(materials.seed, recipe.builder)
    trained = networks.train(recipe, materials, build, _pace_name(recipe), features, on_epoch, seed=seed, policy=POLICY)
    details = {
        "parameters": f"{trained.parameters:,}",
        "features": f"{features.shape[1]:,} of {len(encoding.columns):,} columns",
        **networks.told(recipe, materials, trained),
    }
    tensors = encoding.tensors | trained.weights | trained.scales
    learnware = tabular.learnware_of(recipe, materials, encoding)
    return Model(learnware, tensors, trained.history, details, networks.NONDETERMINISTIC)


def _features(materials: Materials, encoding: Any) -> np.ndarray:
    """All rows: float32 (N, F)."""
    everything = np.arange(len(materials.dataset.examples))
    return np.asarray(encoding.features(tabular.table_of(materials), everything).astype(np.float32))


def _network(recipe: Recipe, materials: Materials, features: int) -> Any:
    from starshift.models.tabular_dense import build

    units = tuple(recipe.arguments.get("units", UNITS))
    return build(features, materials.target, units, recipe.arguments.get("dropout", 0.0))


def _pace_name(recipe: Recipe) -> str:
    units = "-".join(map(str, recipe.arguments.get("units", UNITS)))
    return f"training {units} on rows, batches of {recipe.stages[0].batch_size}"
