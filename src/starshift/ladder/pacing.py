"""How long trainings take here: by a few steps that are timed once, then by what whole trainings took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from starshift.ladder.paces import Paces
from starshift.recipe import Recipe
from starshift.records import Epoch

if TYPE_CHECKING:
    from starshift.training.pace import Pace


def known_or_measured(paces: Paces, name: str, measure: Callable[[], Pace]) -> Pace:
    """The pace of the training of that name; measured now, and remembered, where it never was on this machine."""
    from starshift.training.pace import Pace

    start, step, picture = (paces.get(f"{name}: {part}") for part in ("start", "step", "picture"))
    if start is not None and step is not None and picture is not None:
        return Pace(start, step, picture)
    pace = measure()
    for part, value in asdict(pace).items():
        paces.put(f"{name}: {part}", value)
    return pace


def correct(paces: Paces, name: str, recipe: Recipe, history: Sequence[Epoch], train: int, validation: int) -> None:
    """Correct a measured pace by what a whole training took, so that the next prediction is better.

    history: of the recipe's stages. train, validation: pictures. A training that stopped early says nothing.
    """
    from starshift.training.pace import Pace

    step, picture = paces.get(f"{name}: step"), paces.get(f"{name}: picture")
    if step is None or picture is None or len(history) < sum(stage.epochs for stage in recipe.stages):
        return
    ratio = sum(epoch.seconds for epoch in history) / Pace(0.0, step, picture).seconds(recipe, train, validation)
    paces.put(f"{name}: step", step * ratio)
    paces.put(f"{name}: picture", picture * ratio)
