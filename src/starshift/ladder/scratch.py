"""The networks from scratch as rungs: pace, training, weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from starshift import augmentation, seeds
from starshift.augmentation import Augmentation
from starshift.compose.own import in_order
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder.materials import Materials, Model
from starshift.ladder.pacing import correct, known_or_measured
from starshift.ladder.unfitted import unfitted
from starshift.recipe import ANY_SIZE, UNCERTAINTY, Recipe, Stage, digest
from starshift.records import Epoch, Learnware

if TYPE_CHECKING:
    from starshift.training.pace import Pace

CONVERSION_SECONDS = 2.5
"""Converting and opening the trained network, so that it can be used without Keras."""

LARGER = 1.5
"""Crops are taken from pictures whose side is this times the network's, so that a part still has its details."""

NONDETERMINISTIC = (
    "Parallel sums inside the library may be added in another order, so that the last digits of the same "
    "training can differ between runs."
)


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe, data and seed: the precision."""
    return (best_precision(),)


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return (learnware.precision,)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""

    def measure() -> Pace:
        from starshift.training.pace import measure_pace

        what = recipe.arguments["build"].partition("#")[0] if is_built_by_user(recipe) else recipe.builder
        materials.progress.say(f"Measuring how fast this machine trains {what} at {recipe.size} px (once) …")
        return measure_pace(
            recipe,
            _builder(recipe, materials),
            heads=materials.dataset.targets,
            larger=larger_size(recipe),
            policy=_policy(recipe),
            own=materials.functions(recipe),
        )

    pace = known_or_measured(materials.paces, _pace_name(recipe, materials), measure)
    return pace.seconds(recipe, len(materials.split.train), len(materials.split.validation)) + CONVERSION_SECONDS


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Train the network; keeps the weights of the last epoch, as the seeds do, so that validation chose nothing.

    Raises TrainingDiverged where not one epoch went well, RunError where a function of the user's own lacks.
    """
    from starshift.training.fit import train

    larger, own = larger_size(recipe), materials.functions(recipe)
    pixels = np.asarray(materials.pixels(Frame(recipe.size, recipe.fit)))  # type: ignore[arg-type]
    materials.progress.start("training", sum(stage.epochs for stage in recipe.stages))
    trained = train(
        recipe,
        _builder(recipe, materials),
        pixels,
        materials.every_target,
        materials.split,
        heads=materials.dataset.targets,
        seed=seeds.child(materials.seed, recipe.builder),
        larger=materials.pixels(Frame(larger, recipe.fit)) if larger else None,  # type: ignore[arg-type]
        groups=materials.groups,
        policy=_policy(recipe),
        own=own,
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    if trained.diverged:
        materials.progress.say(trained.diverged)
    else:
        pictures = len(materials.split.train), len(materials.split.validation)
        correct(materials.paces, _pace_name(recipe, materials), recipe, trained.history, *pictures)
    parameters = sum(array.size for array in trained.weights.values())
    details = {
        "parameters": f"{parameters:,}",
        "pictures": f"{recipe.size}×{recipe.size} pixels",
        **in_words(recipe),
        **heads_in_words(recipe, materials),
        **sources(recipe, materials),
        "computed in": trained.policy,
        "weights": trained.kept,
        **({"stopped": trained.diverged} if trained.diverged else {}),
    }
    learnware = unfitted(recipe, materials, precision=best_precision())
    weights = in_order(trained.weights) if is_built_by_user(recipe) else trained.weights
    return Model(learnware, weights | trained.scales, trained.history, details, NONDETERMINISTIC)


def is_built_by_user(recipe: Recipe) -> bool:
    """Whether the network is made by a function of the user's own."""
    return recipe.builder == "own"


def sources(recipe: Recipe, materials: Materials) -> dict[str, str]:
    """The user's own functions in a recipe, each with its place and the digest of its source, for a reader."""
    parts = [materials.own[reference].part for reference in recipe.own]
    told: dict[str, list[str]] = {}
    for part in parts:
        place = f"{part.name} of {part.module}, {part.file}, SHA-256 {part.digest}"
        told.setdefault(f"own {part.kind}", []).append(place)
    return {title: "; ".join(places) for title, places in told.items()}


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


def heads_in_words(recipe: Recipe, materials: Materials) -> dict[str, str]:
    """What the losses of several heads count, for a reader; nothing where there is one."""
    targets = materials.dataset.targets
    if len(targets) == 1:
        return {}
    named = ", ".join(f"{target.name} ({target.kind})" for target in targets)
    ways = list(dict.fromkeys(_weights_in_words(stage) for stage in recipe.stages))
    return {"heads": f"{len(targets)} on one network: {named}", "losses": "; then ".join(ways)}


def _weights_in_words(stage: Stage) -> str:
    if stage.loss_weights == UNCERTAINTY:
        return "weighed by learned uncertainties, which begin by the scale of each"
    if isinstance(stage.loss_weights, tuple):
        return f"weighed {' : '.join(f'{weight:g}' for weight in stage.loss_weights)}, as given"
    return "balanced by the scale of each: its value for the best answer that looks at nothing"


def several_in_name(materials: Materials) -> str:
    """What a pace's name says of several heads."""
    count = len(materials.dataset.targets)
    return f", {count} heads" if count > 1 else ""


def _stage_in_words(stage: Stage) -> str:
    epochs = f"{stage.epochs} epochs"
    if stage.steps_per_epoch:
        epochs += f" of {stage.steps_per_epoch} batches"
    said = [
        (True, f"{epochs}, batches of {stage.batch_size}, {stage.optimizer} {stage.learning_rate:g}"),
        (stage.schedule != "constant", f"falling by a {stage.schedule}"),
        (stage.warmup_epochs, f"warm-up of {stage.warmup_epochs:g} epochs"),
        (stage.weight_decay, f"weight decay {stage.weight_decay:g}"),
        (stage.loss != "crossentropy", f"loss {_without_digest(stage.loss)}"),
        (stage.label_smoothing, f"label smoothing {stage.label_smoothing:g}"),
        (stage.sizes, f"at {', '.join(map(str, stage.sizes))} px in turn"),
        (stage.plain_epochs, f"the last {stage.plain_epochs} without mixing"),
        (stage.average, f"weights averaged with momentum {stage.average:g}"),
        (stage.metrics, f"measured: {', '.join(_without_digest(name) for name in stage.metrics or ())}"),
        (stage.patience, f"stopped after {stage.patience} epochs without a gain"),
    ]
    return ", ".join(words for holds, words in said if holds)


def _without_digest(name: str) -> str:
    return name.partition("#")[0]


def _builder(recipe: Recipe, materials: Materials) -> Callable[[], Any]:
    def build() -> Any:
        from starshift.models import scratch

        if is_built_by_user(recipe):
            builder = materials.functions(recipe)[recipe.arguments["build"]]  # of one target of classes: see ladder.own
            return builder((recipe.size, recipe.size, 3), len(materials.dataset.classes))
        side = None if recipe.builder in ANY_SIZE and any(stage.sizes for stage in recipe.stages) else recipe.size
        heads = materials.dataset.targets
        return scratch.build(recipe.builder, (side, side, 3), heads, recipe.arguments, training=True)

    return build


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
        f"{stage.batch_size}, {how}{several_in_name(materials)}"
    )
