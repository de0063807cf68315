"""The learnware of a model that is being made: what recipe and data say of it already."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from starshift.ladder.materials import Materials
from starshift.recipe import Recipe
from starshift.records import (
    LEARNWARE_SCHEMA,
    AnyContract,
    AnyScore,
    BaseReference,
    Evaluation,
    HeadRecord,
    InputContract,
    Kind,
    Learnware,
)

UNSHAREABLE = "it was made with code of the user's own, which does not travel with it"
"""Why a model with own parts is not for others."""


TASKS: dict[Kind, str] = {
    "binary": "classification",
    "multi-class": "classification",
    "multi-label": "labelling",
    "regression": "regression",
    "share": "regression",
    "string": "reading",
}


def unfitted(
    recipe: Recipe,
    materials: Materials,
    *,
    bases: tuple[BaseReference, ...] = (),
    precision: str = "f32",
    contract: AnyContract | None = None,
) -> Learnware:
    """A learnware without files and evaluations. contract: what it takes; pictures of the recipe's size if None."""
    dataset = materials.dataset
    parts = tuple(materials.own[reference].part for reference in recipe.own)
    network = next((part.name for part in parts if part.kind == "builder"), recipe.builder)
    return Learnware(
        schema=LEARNWARE_SCHEMA,
        name=f"{network} for {_told(materials)}",
        task=f"{dataset.noun if dataset.family != 'pictures' else 'image'} {TASKS[materials.target.kind]}",
        targets=dataset.targets,
        input=contract or InputContract(recipe.size, recipe.fit),
        builder=recipe.builder,
        arguments=recipe.arguments,
        bases=bases,
        precision=precision,
        evaluations=(),
        trained_on=f"{len(materials.split.train):,} {dataset.noun}s"
        + (f" of {len(dataset.classes)} classes" if materials.target.is_classes else ""),
        made_by=f"starshift {version('starshift')}",
        files={},
        id="",
        own=parts,
        unshareable=UNSHAREABLE if parts else "",
    )


def evaluations(
    part: str, score: AnyScore, heads: Sequence[HeadRecord], *, sealed: bool, about: str = ""
) -> tuple[Evaluation, ...]:
    """What a part said of a model, target by target. score: of the first; heads: of the others."""
    first = Evaluation(part, score, sealed, about)
    return (first, *(Evaluation(part, head.score, sealed, about, head.target) for head in heads))


def _told(materials: Materials) -> str:
    """What is predicted, in a few words: the first classes, or the target's name."""
    classes = materials.target.classes if materials.target.is_classes else ()
    return f"{', '.join(classes[:4])}{' …' if len(classes) > 4 else ''}" or materials.target.name
