"""The learnware of a model that is being made: what recipe and data say of it already."""

from __future__ import annotations

from importlib.metadata import version

from starshift.ladder.materials import Materials
from starshift.recipe import Recipe
from starshift.records import LEARNWARE_SCHEMA, BaseReference, InputContract, Learnware

UNSHAREABLE = "it was made with code of the user's own, which does not travel with it"
"""Why a model with own parts is not for others."""


def unfitted(
    recipe: Recipe, materials: Materials, *, bases: tuple[BaseReference, ...] = (), precision: str = "f32"
) -> Learnware:
    """A learnware without files and evaluations."""
    dataset = materials.dataset
    parts = tuple(materials.own[reference].part for reference in recipe.own)
    network = next((part.name for part in parts if part.kind == "builder"), recipe.builder)
    return Learnware(
        schema=LEARNWARE_SCHEMA,
        name=f"{network} for {', '.join(dataset.classes[:4])}{' …' if len(dataset.classes) > 4 else ''}",
        task="image classification",
        classes=dataset.classes,
        input=InputContract(recipe.size, recipe.fit),
        builder=recipe.builder,
        arguments=recipe.arguments,
        bases=bases,
        precision=precision,
        evaluations=(),
        trained_on=f"{len(materials.split.train):,} pictures of {len(dataset.classes)} classes",
        made_by=f"starshift {version('starshift')}",
        files={},
        id="",
        own=parts,
        unshareable=UNSHAREABLE if parts else "",
    )
