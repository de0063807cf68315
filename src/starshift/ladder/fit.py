"""One `fit` for every rung: recipe, materials → model. Each builder's own way lies in a module of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starshift.compose import sequences
from starshift.ladder import (
    constant,
    distilled,
    ensemble,
    finetuned,
    frozen,
    multitask,
    scratch,
    sequential,
    stored,
    tabular,
    tabular_dense,
    textual_linear,
    textual_networks,
)
from starshift.ladder.materials import Materials, Model
from starshift.ladder.variants import STORED
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware


class Way(Protocol):
    """How models of a builder come about."""

    def depends_on(self, recipe: Recipe, materials: Materials) -> tuple[object, ...]:
        """What a result depends on beyond recipe, data and seed. Raises MissingWeights."""

    def depended_on(self, learnware: Learnware) -> tuple[object, ...]:
        """The same of a model that is there, by what it says of itself."""

    def predict_seconds(self, recipe: Recipe, materials: Materials) -> float:
        """How long `fit` will take here. Raises MissingWeights."""

    def fit(self, recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
        """Fit a recipe on the training part."""


WAYS: dict[str, Way] = {
    "majority": constant,
    "frozen": frozen,
    "fine-tuned": finetuned,
    **dict.fromkeys(STORED, stored),
    **dict.fromkeys(("convnet", "convnet-28px", "modern", "own", "reader"), scratch),
    **dict.fromkeys(tabular.LEARNED_BY, tabular),
    "table-dense": tabular_dense,
    "ngrams": textual_linear,
    **dict.fromkeys((textual_networks.BAG, textual_networks.SEQUENCE), textual_networks),
    **dict.fromkeys((sequences.LINEAR, sequences.NETWORK), sequential),
}
"""Builders, and the modules that know how they are fitted."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What a result depends on beyond recipe, data and seed. Raises MissingWeights."""
    if recipe.members:
        return tuple(depends_on(one, materials) for one in recipe.members)
    if recipe.teaching:
        return distilled.depends_on(recipe, materials)
    return WAYS[recipe.builder].depends_on(multitask.alone(recipe), materials)


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there, by what it says of itself."""
    if learnware.members:
        return tuple(depended_on(member) for member in learnware.members)
    if learnware.builder not in WAYS or (learnware.bases and WAYS[learnware.builder] is scratch):
        return distilled.depended_on(learnware)  # a network that knows something of bases was taught it
    return WAYS[learnware.builder].depended_on(learnware)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take here. Raises MissingWeights."""
    if recipe.members:
        return ensemble.predict_seconds(recipe, materials, predict_seconds)
    if recipe.teaching:
        return distilled.predict_seconds(recipe, materials, predict_seconds)
    way = WAYS[recipe.builder]
    if multitask.is_apart(recipe, materials):
        return sum(way.predict_seconds(multitask.alone(recipe), one) for one in multitask.each(materials))
    return way.predict_seconds(recipe, materials)


def fit(recipe: Recipe, materials: Materials, *, on_epoch: Callable[[Epoch], None]) -> Model:
    """Fit a recipe on the training part. on_epoch: called after each epoch of networks that have epochs."""
    if recipe.members:
        return ensemble.fit(recipe, materials.taught(), _fit_one)
    if recipe.teaching:
        return distilled.fit(recipe, materials.taught(), on_epoch, _fit_one)
    way = WAYS[recipe.builder]
    if multitask.is_apart(recipe, materials):
        return multitask.fit_apart(recipe, materials, on_epoch, way.fit)
    return way.fit(recipe, materials.taught(), on_epoch)


def _fit_one(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    return fit(recipe, materials, on_epoch=on_epoch)
