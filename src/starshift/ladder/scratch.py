"""The networks from scratch as rungs: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from starshift import seeds
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.recipe import Recipe
from starshift.records import Epoch

CONVERSION_SECONDS = 2.5
"""Converting and opening the trained network, so that it can be used without Keras."""

NONDETERMINISTIC = (
    "Parallel sums inside the library may be added in another order, so that the last digits of the same "
    "training can differ between runs."
)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""
    from starshift.training.fit import Pace, measure_pace

    name = _pace_name(recipe, materials)
    known = [materials.paces.get(f"{name}: {part}") for part in ("start", "step", "picture")]
    if any(value is None for value in known):
        materials.progress.say(f"Measuring how fast this machine trains at {recipe.size} px (once) …")
        pace = measure_pace(recipe, _builder(recipe, materials), classes=len(materials.dataset.classes))
        for part, value in asdict(pace).items():
            materials.paces.put(f"{name}: {part}", value)
    else:
        pace = Pace(*known)  # type: ignore[arg-type]
    training = pace.seconds(recipe.stages, len(materials.split.train), len(materials.split.validation))
    return training + CONVERSION_SECONDS


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train the network; keeps the weights of the last epoch, as the seeds do, so that validation chose nothing."""
    from starshift.training.fit import train

    pixels = materials.pixels(Frame(recipe.size, recipe.fit))  # type: ignore[arg-type]
    steps = sum(stage.epochs for stage in recipe.stages) * -(-len(materials.split.train) // recipe.stages[0].batch_size)
    materials.progress.start("training", steps)
    trained = train(
        recipe,
        _builder(recipe, materials),
        np.asarray(pixels),
        materials.targets,
        materials.split,
        classes=len(materials.dataset.classes),
        seed=seeds.child(materials.seed, recipe.builder),
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    _remember_pace(recipe, materials, trained.history)
    parameters = sum(array.size for array in trained.weights.values())
    details = {
        "parameters": f"{parameters:,}",
        "pictures": f"{recipe.size}×{recipe.size} pixels",
        "training": "; ".join(
            f"{stage.epochs} epochs, batches of {stage.batch_size}, {stage.optimizer} {stage.learning_rate:g}"
            for stage in recipe.stages
        ),
        "computed in": trained.policy,
        "weights": "of the last epoch",
    }
    learnware = unfitted(recipe, materials, precision=best_precision())
    return Model(learnware, trained.weights, trained.history, details, NONDETERMINISTIC)


def _remember_pace(recipe: Recipe, materials: Materials, history: Sequence[Epoch]) -> None:
    """Correct the measured pace by what the whole training took, so that the next prediction is better."""
    from starshift.training.fit import Pace

    name = _pace_name(recipe, materials)
    step, picture = materials.paces.get(f"{name}: step"), materials.paces.get(f"{name}: picture")
    if step is None or picture is None:
        return
    sizes = len(materials.split.train), len(materials.split.validation)
    ratio = sum(epoch.seconds for epoch in history) / Pace(0.0, step, picture).seconds(recipe.stages, *sizes)
    materials.paces.put(f"{name}: step", step * ratio)
    materials.paces.put(f"{name}: picture", picture * ratio)


def _builder(recipe: Recipe, materials: Materials) -> Callable[[], Any]:
    def build() -> Any:
        from starshift.models import scratch

        shape = (recipe.size, recipe.size, 3)
        return scratch.build(recipe.builder, shape, len(materials.dataset.classes), recipe.arguments)

    return build


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    batch = recipe.stages[0].batch_size
    return (
        f"training {recipe.builder} at {recipe.size} px, {len(materials.dataset.classes)} classes, batches of {batch}"
    )
