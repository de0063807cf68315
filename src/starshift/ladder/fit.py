"""One `fit` for every rung: recipe, materials → model. Each builder's own way lies in a module of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from starshift.inference.network import best_precision
from starshift.ladder import finetuned, frozen, scratch
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.models.classical import majority
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

BASELINE_SECONDS = 0.02


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What a result depends on beyond recipe, data and seed. Raises MissingWeights."""
    if recipe.builder == "majority":
        return ()
    if recipe.builder == "fine-tuned":
        return finetuned.depends_on(recipe, materials)
    return frozen.depends_on(recipe, materials) if recipe.builder == "frozen" else (best_precision(),)


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there, by what it says of itself."""
    if learnware.builder in ("frozen", "fine-tuned"):
        return tuple((reference.digest, learnware.precision) for reference in learnware.bases)
    return () if learnware.builder == "majority" else (learnware.precision,)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take here. Raises MissingWeights."""
    if recipe.builder == "majority":
        return BASELINE_SECONDS
    if recipe.builder == "fine-tuned":
        return finetuned.predict_seconds(recipe, materials)
    family = frozen if recipe.builder == "frozen" else scratch
    return family.predict_seconds(recipe, materials)


def fit(recipe: Recipe, materials: Materials, *, on_epoch: Callable[[Epoch], None]) -> Model:
    """Fit a recipe on the training part. on_epoch: called after each epoch of networks that have epochs."""
    if recipe.builder == "majority":
        return _fit_majority(recipe, materials)
    if recipe.builder == "frozen":
        return frozen.fit(recipe, materials, on_epoch)
    if recipe.builder == "fine-tuned":
        return finetuned.fit(recipe, materials, on_epoch)
    return scratch.fit(recipe, materials, on_epoch)


def _fit_majority(recipe: Recipe, materials: Materials) -> Model:
    targets = materials.targets[np.array(materials.split.train)]
    frequencies = majority(targets, len(materials.dataset.classes))
    largest = materials.dataset.classes[int(frequencies.argmax())]
    return Model(unfitted(recipe, materials), {"frequencies": frequencies}, details={"majority class": largest})
