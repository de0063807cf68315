"""Networks trained by gradient steps, whatever their rung: the time foretold, the training, what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from starshift import augmentation
from starshift.augmentation import Augmentation
from starshift.ladder.materials import Materials
from starshift.ladder.pacing import correct, known_or_measured
from starshift.recipe import UNCERTAINTY, Recipe, Stage
from starshift.records import Epoch

if TYPE_CHECKING:
    from starshift.training.fit import Trained
    from starshift.training.pace import Pace

NONDETERMINISTIC = (
    "Parallel sums inside the library may be added in another order, so that the last digits of the same "
    "training can differ between runs."
)


def seconds(
    recipe: Recipe,
    materials: Materials,
    build: Callable[[], Any],
    pace_name: str,
    what: str,
    *,
    like: Callable[[], np.ndarray] | None = None,
    **how: Any,
) -> float:
    """How long a training will take, from a few steps that are timed now unless they were in an earlier run.

    pace_name: what that is remembered by. what: this machine does, e.g. "trains a dense network". build, like, how: see
    training.pace.measure_pace; like is made where something is timed alone.
    """

    def measure() -> Pace:
        from starshift.training.pace import measure_pace

        materials.progress.say(f"Measuring how fast this machine {what} (once) …")
        heads, own = materials.dataset.targets, materials.functions(recipe)
        return measure_pace(recipe, build, heads=heads, own=own, like=like() if like else None, **how)

    pace = known_or_measured(materials.paces, pace_name, measure)
    return pace.seconds(recipe, len(materials.split.train), len(materials.split.validation))


def train(
    recipe: Recipe,
    materials: Materials,
    build: Callable[[], Any],
    pace_name: str,
    inputs: Any,
    on_epoch: Callable[[Epoch], None] | None,
    *,
    task: str = "training",
    **how: Any,
) -> Trained:
    """Train under a bar of that task's name, say what ended it early, and correct the pace where nothing did.

    how: see training.fit.train; targets, split and groups are those of the materials where none are given.
    Raises TrainingDiverged where not one epoch went well, RunError where a function of the user's own lacks.
    """
    from starshift.training import fit

    progress, own = materials.progress, materials.functions(recipe)
    rows: dict[str, Any] = {"targets": materials.every_target, "split": materials.split, "groups": materials.groups}
    progress.start(task, sum(stage.epochs for stage in recipe.stages))
    trained = fit.train(
        recipe,
        build,
        inputs,
        heads=materials.dataset.targets,
        own=own,
        on_step=progress.update,
        on_epoch=on_epoch,
        **(rows | how),
    )
    progress.finish()
    if trained.diverged:
        progress.say(trained.diverged)
    else:
        parts = len(materials.split.train), len(materials.split.validation)
        correct(materials.paces, pace_name, recipe, trained.history, *parts)
    return trained


def told(recipe: Recipe, materials: Materials, trained: Trained) -> dict[str, str]:
    """A training for a reader: what was done, computed in what, and which weights it left."""
    return {
        **in_words(recipe),
        **_heads_in_words(recipe, materials),
        **_sources(recipe, materials),
        "computed in": trained.policy,
        "weights": trained.kept,
        **({"stopped": trained.diverged} if trained.diverged else {}),
    }


def in_words(recipe: Recipe) -> dict[str, str]:
    """A recipe's training and augmentation for a reader."""
    policies = [stage.augmentation for stage in recipe.stages if stage.augmentation != Augmentation()]
    policy = "; ".join(
        f"{augmentation.title(one)}: {', '.join(augmentation.amounts(one))}" for one in dict.fromkeys(policies)
    )
    training = {"training": "; ".join(_stage_in_words(stage) for stage in recipe.stages)}
    return training | ({"augmentation": policy} if policy else {})


def _heads_in_words(recipe: Recipe, materials: Materials) -> dict[str, str]:
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


def _sources(recipe: Recipe, materials: Materials) -> dict[str, str]:
    """The user's own functions in a recipe, each with its place and the digest of its source, for a reader."""
    parts = [materials.own[reference].part for reference in recipe.own]
    told: dict[str, list[str]] = {}
    for part in parts:
        place = f"{part.name} of {part.module}, {part.file}, SHA-256 {part.digest}"
        told.setdefault(f"own {part.kind}", []).append(place)
    return {title: "; ".join(places) for title, places in told.items()}
