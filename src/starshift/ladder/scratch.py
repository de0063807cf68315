"""The networks from scratch as rungs: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from starshift import augmentation, seeds
from starshift.augmentation import Augmentation
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.recipe import ANY_SIZE, Recipe, Stage, digest
from starshift.records import Epoch

CONVERSION_SECONDS = 2.5
"""Converting and opening the trained network, so that it can be used without Keras."""

LARGER = 1.5
"""Crops are taken from pictures whose side is this times the network's, so that a part still has its details."""

NONDETERMINISTIC = (
    "Parallel sums inside the library may be added in another order, so that the last digits of the same "
    "training can differ between runs."
)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""
    from starshift.training.pace import Pace, measure_pace

    name = _pace_name(recipe, materials)
    known = [materials.paces.get(f"{name}: {part}") for part in ("start", "step", "picture")]
    if any(value is None for value in known):
        materials.progress.say(f"Measuring how fast this machine trains {recipe.builder} at {recipe.size} px (once) …")
        classes = len(materials.dataset.classes)
        pace = measure_pace(recipe, _builder(recipe, materials), classes=classes, larger=larger_size(recipe))
        for part, value in asdict(pace).items():
            materials.paces.put(f"{name}: {part}", value)
    else:
        pace = Pace(*known)  # type: ignore[arg-type]
    return pace.seconds(recipe, len(materials.split.train), len(materials.split.validation)) + CONVERSION_SECONDS


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train the network; keeps the weights of the last epoch, as the seeds do, so that validation chose nothing.

    Raises TrainingDiverged where not one epoch went well.
    """
    from starshift.training.fit import train

    larger = larger_size(recipe)
    pixels = np.asarray(materials.pixels(Frame(recipe.size, recipe.fit)))  # type: ignore[arg-type]
    materials.progress.start("training", sum(stage.epochs for stage in recipe.stages))
    trained = train(
        recipe,
        _builder(recipe, materials),
        pixels,
        materials.targets,
        materials.split,
        classes=len(materials.dataset.classes),
        seed=seeds.child(materials.seed, recipe.builder),
        larger=materials.pixels(Frame(larger, recipe.fit)) if larger else None,  # type: ignore[arg-type]
        groups=materials.groups,
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    if trained.diverged:
        materials.progress.say(trained.diverged)
    else:
        _remember_pace(recipe, materials, trained.history)
    parameters = sum(array.size for array in trained.weights.values())
    details = {
        "parameters": f"{parameters:,}",
        "pictures": f"{recipe.size}×{recipe.size} pixels",
        **in_words(recipe),
        "computed in": trained.policy,
        "weights": trained.kept,
        **({"stopped": trained.diverged} if trained.diverged else {}),
    }
    learnware = unfitted(recipe, materials, precision=best_precision())
    return Model(learnware, trained.weights, trained.history, details, NONDETERMINISTIC)


def larger_size(recipe: Recipe) -> int | None:
    """The side in px of the pictures that crops are taken from; None where nothing is cropped."""
    crops = any(stage.augmentation.crop < 1 for stage in recipe.stages)
    return round(recipe.size * LARGER) if crops else None


def in_words(recipe: Recipe) -> dict[str, str]:
    """A recipe's training and augmentation for a reader."""
    policies = [stage.augmentation for stage in recipe.stages if stage.augmentation != Augmentation()]
    policy = "; ".join(
        f"{augmentation.title(one)}: {', '.join(augmentation.amounts(one))}" for one in dict.fromkeys(policies)
    )
    training = {"training": "; ".join(_stage_in_words(stage) for stage in recipe.stages)}
    return training | ({"augmentation": policy} if policy else {})


def _stage_in_words(stage: Stage) -> str:
    epochs = f"{stage.epochs} epochs"
    if stage.steps_per_epoch:
        epochs += f" of {stage.steps_per_epoch} batches"
    said = [
        (True, f"{epochs}, batches of {stage.batch_size}, {stage.optimizer} {stage.learning_rate:g}"),
        (stage.schedule != "constant", f"falling by a {stage.schedule}"),
        (stage.warmup_epochs, f"warm-up of {stage.warmup_epochs:g} epochs"),
        (stage.weight_decay, f"weight decay {stage.weight_decay:g}"),
        (stage.loss != "crossentropy", f"loss {stage.loss}"),
        (stage.label_smoothing, f"label smoothing {stage.label_smoothing:g}"),
        (stage.sizes, f"at {', '.join(map(str, stage.sizes))} px in turn"),
        (stage.plain_epochs, f"the last {stage.plain_epochs} without mixing"),
        (stage.average, f"weights averaged with momentum {stage.average:g}"),
        (stage.patience, f"stopped after {stage.patience} epochs without a gain"),
    ]
    return ", ".join(words for holds, words in said if holds)


def _remember_pace(recipe: Recipe, materials: Materials, history: Sequence[Epoch]) -> None:
    """Correct the measured pace by what the whole training took, so that the next prediction is better."""
    from starshift.training.pace import Pace

    name = _pace_name(recipe, materials)
    step, picture = materials.paces.get(f"{name}: step"), materials.paces.get(f"{name}: picture")
    if step is None or picture is None or len(history) < sum(stage.epochs for stage in recipe.stages):
        return  # never measured, or stopped early
    sizes = len(materials.split.train), len(materials.split.validation)
    ratio = sum(epoch.seconds for epoch in history) / Pace(0.0, step, picture).seconds(recipe, *sizes)
    materials.paces.put(f"{name}: step", step * ratio)
    materials.paces.put(f"{name}: picture", picture * ratio)


def _builder(recipe: Recipe, materials: Materials) -> Callable[[], Any]:
    def build() -> Any:
        from starshift.models import scratch

        side = None if recipe.builder in ANY_SIZE and any(stage.sizes for stage in recipe.stages) else recipe.size
        classes = len(materials.dataset.classes)
        return scratch.build(recipe.builder, (side, side, 3), classes, recipe.arguments, training=True)

    return build


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    """What a pace depends on: network, picture size, batches, and what is done to pictures and weights at each step."""
    stage = recipe.stages[0]
    how = digest(recipe.arguments, stage.augmentation, stage.optimizer, stage.loss, stage.average > 0)[:8]
    return (
        f"training {recipe.builder} at {recipe.size} px, {len(materials.dataset.classes)} classes, batches of "
        f"{stage.batch_size}, {how}"
    )
