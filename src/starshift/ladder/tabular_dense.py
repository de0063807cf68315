"""The dense network on rows as a rung: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from starshift import seeds
from starshift.ladder import tabular
from starshift.ladder.materials import Materials, Model
from starshift.ladder.pacing import correct, known_or_measured
from starshift.ladder.scratch import NONDETERMINISTIC
from starshift.models.tabular_dense import UNITS
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

if TYPE_CHECKING:
    from starshift.training.pace import Pace

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

    def measure() -> Pace:
        from starshift.training.pace import measure_pace

        materials.progress.say("Measuring how fast this machine trains a dense network (once) …")
        like = _features(materials, tabular.encoding_of(materials))[:1]
        return measure_pace(
            recipe, _builder(recipe, materials, like.shape[1]), heads=[materials.target], like=like, policy=POLICY
        )

    pace = known_or_measured(materials.paces, _pace_name(recipe), measure)
    return pace.seconds(recipe, len(materials.split.train), len(materials.split.validation))


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train on the training part; the weights of the last epoch are kept.

    Raises TrainingDiverged where not one epoch went well.
    """
    from starshift.training.fit import train

    encoding = tabular.encoding_of(materials)
    features = _features(materials, encoding)
    materials.progress.start("training", sum(stage.epochs for stage in recipe.stages))
    trained = train(
        recipe,
        _builder(recipe, materials, features.shape[1]),
        features,
        materials.targets,
        materials.split,
        heads=[materials.target],
        seed=seeds.child(materials.seed, recipe.builder),
        groups=materials.groups,
        policy=POLICY,
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    if not trained.diverged:
        train_rows, validation = len(materials.split.train), len(materials.split.validation)
        correct(materials.paces, _pace_name(recipe), recipe, trained.history, train_rows, validation)
    rows = f"{features.shape[1]:,} of {len(encoding.columns):,} columns"
    details = {"weights": trained.kept, "features": rows} | (
        {"ended early": trained.diverged} if trained.diverged else {}
    )
    return Model(
        tabular.learnware_of(recipe, materials, encoding),
        encoding.tensors | trained.weights | trained.scales,
        history=trained.history,
        details=details,
        nondeterministic=NONDETERMINISTIC,
    )


def _features(materials: Materials, encoding: Any) -> np.ndarray:
    """All rows: float32 (N, F)."""
    everything = np.arange(len(materials.dataset.examples))
    return np.asarray(encoding.features(tabular.table_of(materials), everything).astype(np.float32))


def _builder(recipe: Recipe, materials: Materials, features: int) -> Callable[[], Any]:
    def build() -> Any:
        from starshift.models.tabular_dense import build as network

        units = tuple(recipe.arguments.get("units", UNITS))
        return network(features, materials.target, units, recipe.arguments.get("dropout", 0.0))

    return build


def _pace_name(recipe: Recipe) -> str:
    units = "-".join(map(str, recipe.arguments.get("units", UNITS)))
    return f"training {units} on rows, batches of {recipe.stages[0].batch_size}"
