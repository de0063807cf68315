"""The network of a recipe, complete but for its weights, frozen where the recipe freezes it: to be looked at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from starshift import catalogue
from starshift.errors import UsageError
from starshift.models import depths, opened, pretrained, scratch
from starshift.models.heads import as_outputs
from starshift.recipe import AUTO, Recipe, near
from starshift.records import Target


def outline(recipe: Recipe, heads: Sequence[Target]) -> keras.Model:
    """Build the network of a recipe with random weights; no weights file is looked for. heads: what it predicts.

    Input: pixels 0-255, (N, size, size, 3). Outputs: as models.heads.head has them. What training
    leaves alone is not trainable. Raises UsageError for a recipe without a network (the majority class), a base that
    is built for larger pictures, or a cut that the base does not have, and for an ensemble.
    """
    outlines: dict[str, Callable[[Recipe, Sequence[Target]], keras.Model]] = {
        "frozen": _frozen,
        "fine-tuned": _fine_tuned,
    }
    if recipe.builder == "majority":
        raise UsageError("The baseline has no layers: it always answers the commonest class.")
    if recipe.members:
        raise UsageError("An ensemble has a network for each member; ask about one of them, such as fine-tuned.")
    if recipe.builder in outlines:
        return outlines[recipe.builder](recipe, heads)
    shape = (recipe.size, recipe.size, 3)
    return scratch.build(recipe.builder, shape, heads, recipe.arguments)


def _frozen(recipe: Recipe, heads: Sequence[Target]) -> keras.Model:
    """Bases side by side, all frozen, with the recipe's head on them."""
    specs, cuts = recipe.arguments["bases"], recipe.arguments.get("cuts", ())
    if AUTO in (*specs, *cuts):
        raise UsageError(f"What {AUTO!r} comes to is only known when a run has chosen; name the base or the cut here.")
    bases = [catalogue.parse(spec)[0] for spec in specs]
    if recipe.arguments.get("head", "linear") != "linear":
        return _opened(bases[0], bases[0].cut_points[-1], recipe, heads, frozen=True)
    pixels = keras.Input((recipe.size, recipe.size, 3), dtype="float32", name="pixels")
    seen: list[Any] = []
    for base, side in itertools.product(bases, recipe.arguments.get("sizes", (recipe.size,))):
        network = pretrained.build(base, None, size=side)
        network = depths.pooled_at(network, cuts) if cuts else network
        network.trainable = False
        seen.append(depths.looking(network, pixels))
    return keras.Model(pixels, as_outputs(opened.linear_head(seen, heads)), name="features")


def _fine_tuned(recipe: Recipe, heads: Sequence[Target]) -> keras.Model:
    """One base, open behind its cut, with its head."""
    base, _ = catalogue.parse(recipe.arguments["base"])
    cut = recipe.arguments.get("cut") or base.cut_points[-1]
    if cut not in base.cut_points:
        raise UsageError(f"{base.title} has no cut point {cut!r}.{near(cut, base.cut_points)}")
    return _opened(base, cut, recipe, heads, frozen=False)


def _opened(base: catalogue.Base, cut: str, recipe: Recipe, heads: Sequence[Target], *, frozen: bool) -> keras.Model:
    head = recipe.arguments.get("head", "linear")
    return opened.build(base, None, size=recipe.size, cut=cut, heads=heads, head=head, from_pixels=True, frozen=frozen)
