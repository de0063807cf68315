"""The `frozen` builder as a rung: frozen bases, chosen first where the recipe leaves them open, and a head on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starshift.compose.frozen import FrozenBases
from starshift.ladder import choices, dense, linear
from starshift.ladder.materials import Materials, Model
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

OPENING_SECONDS = linear.OPENING_SECONDS


def find_bases(recipe: Recipe, materials: Materials) -> FrozenBases:
    """The bases of a recipe, or all that it may choose from. Raises MissingWeights."""
    if choices.is_open(recipe):
        return choices.all_bases(recipe, materials)
    return dense.find_bases(recipe, materials) if dense.is_dense(recipe) else linear.find_bases(recipe, materials)


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe and data: weights, precision, and a budget that is so small that
    it may cost views. Raises MissingWeights.
    """
    bases = find_bases(recipe, materials)
    found = tuple((reference.digest, bases.bases[0].precision) for reference in bases.references)
    return (*found, materials.budget_seconds) if linear.is_short_of_time(recipe, materials) else found


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there, by what it says of itself."""
    return tuple((reference.digest, learnware.precision) for reference in learnware.bases)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take. Bases never used are converted now."""
    if choices.is_open(recipe):
        return choices.predict_seconds(recipe, materials)
    return (dense if dense.is_dense(recipe) else linear).predict_seconds(recipe, materials)


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None] | None = None) -> Model:
    """Choose what is open, compute features, fit a head on those of the training part.

    on_epoch: called after each epoch of a head that is trained by gradient steps.
    """
    if dense.is_dense(recipe):
        return dense.fit(recipe, materials, on_epoch)
    why: dict[str, str] = {}
    if choices.is_open(recipe):
        recipe, why = choices.settle(recipe, materials)
    model = linear.fit(recipe, materials)
    details = {**why, **(model.details or {})}
    if "base chosen" in why:
        details.pop("could be added", None)  # it was tried
    return replace(model, details=details)
