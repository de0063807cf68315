"""Several targets: one model whose layers they share, or a model for each, trained alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import structs

from starshift.compose import apart
from starshift.ladder.materials import Materials, Model
from starshift.recipe import Recipe, Stage
from starshift.records import Dataset, Epoch, Learnware

SHARING = ("frozen", "fine-tuned", "convnet", "convnet-28px", "modern")
"""Builders whose models predict several targets at once; of others there is one model for each."""

Fit = Callable[[Recipe, Materials, Callable[[Epoch], None]], Model]


def is_apart(recipe: Recipe, materials: Materials) -> bool:
    """Whether each of several targets has a model of its own."""
    if len(materials.dataset.targets) == 1:
        return False
    return recipe.builder not in SHARING or recipe.arguments.get("sharing") is False


def alone(recipe: Recipe) -> Recipe:
    """The recipe of one target's model."""
    arguments = {name: value for name, value in recipe.arguments.items() if name != "sharing"}
    stages = tuple(structs.replace(stage, loss_weights=Stage().loss_weights) for stage in recipe.stages)
    return structs.replace(recipe, arguments=arguments, stages=stages)


def each(materials: Materials) -> list[Materials]:
    """The materials of each target by itself, without training examples that have no label of it."""
    return [materials.about(target).taught() for target in materials.dataset.targets]


def fit_apart(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None], fit: Fit) -> Model:
    """A model for each target, all from the same seed and by the same recipe, kept as one.

    on_epoch: called after each epoch of the leading target's model.
    """
    models: list[Model] = []
    for one in each(materials):
        materials.progress.say(f"The model for {one.target.name} …")
        models.append(fit(alone(recipe), one, (lambda epoch: None) if models else on_epoch))
    first = models[0]
    learnware = structs.replace(
        first.learnware,
        targets=materials.dataset.targets,
        arguments=recipe.arguments,
        bases=tuple(dict.fromkeys(base for model in models for base in model.learnware.bases)),
        apart=tuple(model.learnware for model in models),
    )
    names = [target.name for target in materials.dataset.targets]
    details = {**(first.details or {}), "models": f"{len(models)}, one for each of {', '.join(names)}; none shares"}
    parts: list[tuple[Learnware, dict[str, np.ndarray]]] = [(model.learnware, model.tensors) for model in models]
    return Model(learnware, apart.together(parts), first.history, details, first.nondeterministic)


def problems(recipe: Recipe, dataset: Dataset) -> list[str]:
    """What of a recipe is for several targets, or for another number of them, as sentences."""
    targets = dataset.targets
    found = []
    if recipe.arguments.get("sharing") is False and len(targets) == 1:
        found.append(f"sharing is between several targets; there is one, {targets[0].name!r}.")
    for weights in dict.fromkeys(_given(recipe.stages)):
        if len(targets) == 1:
            found.append(f"loss_weights weigh several targets; there is one, {targets[0].name!r}.")
        elif isinstance(weights, tuple) and len(weights) != len(targets):
            names = ", ".join(target.name for target in targets)
            found.append(f"{len(weights)} loss weights do not fit {len(targets)} targets ({names}): give one for each.")
    if any(target.kind == "string" for target in targets) and len(targets) > 1:
        found.append("A string is read alone; leave the other targets to a run of their own.")
    return list(dict.fromkeys(found))


def _given(stages: Sequence[Stage]) -> list[tuple[float, ...] | str]:
    """How the losses are weighed, where a stage says it."""
    return [stage.loss_weights for stage in stages if stage.loss_weights]
