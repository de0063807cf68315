"""What a `frozen` recipe leaves open, chosen by inner folds of the training part: its bases, its depths."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from starshift import catalogue
from starshift.compose.frozen import FrozenBases
from starshift.errors import MissingWeights
from starshift.ladder import linear
from starshift.ladder.materials import Materials
from starshift.ladder.rungs import FIRST_BASE
from starshift.models import weights
from starshift.recipe import AUTO, JOINING, TOP, Recipe
from starshift.records import Target

MOST_DEPTHS = 6
"""Cut points that are compared with the top, spread evenly over the base: neighbours say nearly the same."""


def is_open(recipe: Recipe) -> bool:
    """Whether bases or cuts of a recipe must be chosen first."""
    return AUTO in recipe.arguments["bases"] or AUTO in recipe.arguments.get("cuts", ()) or _is_joining(recipe)


def _is_joining(recipe: Recipe) -> bool:
    """Whether it is to be found out if the bases behind the first join it."""
    return bool(recipe.arguments.get(JOINING)) and len(recipe.arguments["bases"]) > 1


def all_bases(recipe: Recipe, materials: Materials) -> FrozenBases:
    """Everything that is tried. Raises MissingWeights where no base is at hand, or the one that is named is not."""
    return linear.find_bases(_whole(recipe), materials)


def _whole(recipe: Recipe) -> Recipe:
    """The recipe with all that it may choose from in place of `auto`."""
    specs = tuple(recipe.arguments["bases"])
    if specs == (AUTO,):
        return _with(recipe, bases=bases_at_hand(recipe.size))
    if _is_joining(recipe):
        return _with(recipe)
    return _with(recipe, cuts=depths_to_try(specs[0]))


def _with(recipe: Recipe, **changes: object) -> Recipe:
    """The recipe with what was open settled so."""
    arguments = {name: value for name, value in recipe.arguments.items() if name != JOINING}
    return msgspec.structs.replace(recipe, arguments={**arguments, **changes})


def bases_at_hand(size: int) -> tuple[str, ...]:
    """The bases whose weights lie on this machine and that take pictures of that side; nothing is downloaded.

    Raises MissingWeights where there are none.
    """
    found = tuple(name for name, base in catalogue.BASES.items() if base.min_size <= size and weights.at_hand(base))
    if not found:
        sentence = weights.missing_weights_sentence(catalogue.base(FIRST_BASE))
        raise MissingWeights(f"No base's weights are on this machine for --base {AUTO} to choose from. {sentence}")
    return found


def depths_to_try(spec: str) -> tuple[str, ...]:
    """Cut points of a base, lowest first, and its top."""
    points = catalogue.parse(spec)[0].cut_points
    chosen = np.linspace(0, len(points) - 1, min(MOST_DEPTHS, len(points))).round().astype(int)
    return *(points[number] for number in chosen), TOP


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long choosing will take, and then `fit` of all that may be chosen."""
    bases = all_bases(recipe, materials)
    heads = linear.head_seconds(recipe, materials, linear.features_of(bases))
    if _is_joining(recipe):
        heads += linear.head_seconds(recipe, materials, bases.bases[0].shape[-1])
    else:  # each alone and each joined to the best: every feature is fitted on twice, the best once with each other one
        heads *= (2 + len(_groups(bases))) / 2
    return heads + linear.predict_seconds(_whole(recipe), materials)


def settle(recipe: Recipe, materials: Materials) -> tuple[Recipe, dict[str, str]]:
    """Choose by log loss over the inner folds. Returns the recipe with nothing open, and why, for the record."""
    bases = all_bases(recipe, materials)
    features = linear.plain_features(bases, materials)
    groups = _groups(bases)
    tried = (tuple(groups)[:1], tuple(groups)) if _is_joining(recipe) else ()
    losses = _losses(recipe, materials, features, groups, tried)
    names = min(losses, key=lambda one: losses[one])
    if AUTO in recipe.arguments["bases"] or tried:
        return _with(recipe, bases=names), {"base chosen": _in_words(losses, _titles(names), materials.target)}
    return _with(recipe, cuts=names), {"depth chosen": _in_words(losses, " + ".join(names), materials.target)}


def _titles(names: tuple[str, ...]) -> str:
    return " + ".join(catalogue.parse(name)[0].title for name in names)


def _groups(bases: FrozenBases) -> dict[str, slice]:
    """What can be chosen by itself: which columns of the features side by side are whose."""
    widths: dict[str, int] = {}
    if len(bases.bases) == 1 and bases.bases[0].cuts:
        widths |= zip(bases.bases[0].cuts, bases.bases[0].widths, strict=True)
    else:
        for base in bases.bases:  # one that looks at several sizes stands there several times, one behind the other
            widths[base.reference.spec] = widths.get(base.reference.spec, 0) + base.shape[-1]
    ends = np.cumsum(list(widths.values()))
    return {name: slice(int(end - width), int(end)) for (name, width), end in zip(widths.items(), ends, strict=True)}


def _losses(
    recipe: Recipe,
    materials: Materials,
    features: np.ndarray,
    groups: Mapping[str, slice],
    tried: tuple[tuple[str, ...], ...] = (),
) -> dict[tuple[str, ...], float]:
    """Log loss over the inner folds of what is to be tried; of each alone, and of the best together with each other
    one, in the order named, if nothing is said.
    """

    def loss(names: tuple[str, ...]) -> float:
        columns = np.concatenate([features[:, groups[name]] for name in names], axis=1)
        [fitted] = linear.heads_on(recipe, materials.about(materials.target), columns)
        return min(fitted.head.losses.values())

    if tried:
        return {names: loss(names) for names in tried}
    losses: dict[tuple[str, ...], float] = {(name,): loss((name,)) for name in groups}
    best = min(losses, key=lambda tried: losses[tried])[0]
    order = list(groups)
    for other in order:
        if other != best:
            pair = tuple(sorted((best, other), key=order.index))
            losses[pair] = loss(pair)
    return losses


def _in_words(losses: Mapping[tuple[str, ...], float], winner: str, target: Target) -> str:
    """Who won by how much, and what each came to."""
    what, unit = ("squared error of standardized numbers", "") if target.is_number else ("log loss", " nats")
    ranked = sorted(losses.values())
    by = f", {ranked[1] - ranked[0]:.4f}{unit} better than the next" if len(ranked) > 1 else ", the only one at hand"
    each = ", ".join(f"{' + '.join(names)} {loss:.4f}" for names, loss in losses.items())
    return f"{winner}{by}; {what} over {linear.FOLDS} inner folds of the training part: {each}"
