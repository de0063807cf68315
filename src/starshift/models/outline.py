"""The network of a recipe, complete but for its weights, frozen where the recipe freezes it: to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from starshift import catalogue
from starshift.errors import UsageError
from starshift.models import opened, pretrained, scratch
from starshift.models.heads import classification_head
from starshift.recipe import Recipe, near


def outline(recipe: Recipe, classes: int) -> keras.Model:
    """Build the network of a recipe with random weights; no weights file is looked for.

    Input: pixels 0-255, (N, size, size, 3). Output: as `models.heads.classification_head` has it. What training
    leaves alone is not trainable. Raises UsageError for a recipe without a network (the majority class), a base that
    is built for larger pictures, or a cut that the base does not have.
    """
    outlines: dict[str, Callable[[Recipe, int], keras.Model]] = {"frozen": _frozen, "fine-tuned": _fine_tuned}
    if recipe.builder == "majority":
        raise UsageError("The baseline has no layers: it always answers the commonest class.")
    if recipe.builder in outlines:
        return outlines[recipe.builder](recipe, classes)
    shape = (recipe.size, recipe.size, 3)
    return scratch.build(recipe.builder, shape, classes, recipe.arguments)


def _frozen(recipe: Recipe, classes: int) -> keras.Model:
    """Bases side by side, all frozen, with the recipe's head on them."""
    bases = [catalogue.parse(spec)[0] for spec in recipe.arguments["bases"]]
    if recipe.arguments.get("head", "linear") != "linear":
        return _opened(bases[0], bases[0].cut_points[-1], recipe, classes, frozen=True)
    pixels = keras.Input((recipe.size, recipe.size, 3), dtype="float32", name="pixels")
    seen: list[Any] = []
    for base in bases:
        network = pretrained.build(base, None, size=recipe.size)
        network.trainable = False
        seen.append(network(pixels))
    joined = layers.Concatenate(name="side_by_side")(seen) if len(seen) > 1 else seen[0]
    compressed = ops.sign(joined) * ops.log1p(ops.abs(joined))  # models.classical.compress
    return keras.Model(pixels, classification_head(compressed, classes), name="features")


def _fine_tuned(recipe: Recipe, classes: int) -> keras.Model:
    """One base, open behind its cut, with its head."""
    base, _ = catalogue.parse(recipe.arguments["base"])
    cut = recipe.arguments.get("cut") or base.cut_points[-1]
    if cut not in base.cut_points:
        raise UsageError(f"{base.title} has no cut point {cut!r}.{near(cut, base.cut_points)}")
    return _opened(base, cut, recipe, classes, frozen=False)


def _opened(base: catalogue.Base, cut: str, recipe: Recipe, classes: int, *, frozen: bool) -> keras.Model:
    head = recipe.arguments.get("head", "linear")
    return opened.build(
        base, None, size=recipe.size, cut=cut, classes=classes, head=head, from_pixels=True, frozen=frozen
    )
