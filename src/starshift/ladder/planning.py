"""What a climb would do: which rungs, by which recipes, how long each takes, and what is finished already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from starshift.errors import MissingExtra, MissingWeights, RunError, UsageError
from starshift.ladder import fit as ways
from starshift.ladder import multitask
from starshift.ladder.families import LADDERS, find, whole
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials, key
from starshift.ladder.options import Options
from starshift.ladder.own import kept
from starshift.ladder.rungs import Rung
from starshift.recipe import Recipe
from starshift.records import Family, RungRecord, RunRecord


@dataclass(frozen=True)
class Planned:
    """A rung with its recipe, and how long it will take; a rung that cannot be climbed has its reason instead."""

    rung: Rung
    recipe: Recipe
    key: str = ""
    seconds: float = 0.0
    reason: str = ""
    done: RungRecord | None = None  # finished by an earlier run with the same key


def plan(
    rungs: Sequence[Rung], options: Options, materials: Materials, folder: RunFolder, earlier: RunRecord | None
) -> list[Planned]:
    """Recipes, keys and predicted seconds of rungs, cheapest first; what cannot be climbed comes last.

    Rungs and variants that were not asked for, but were finished in this folder on this very task, are kept. Raises
    UsageError with everything that cannot work together on these pictures.
    """
    before = {
        rung.name: rung
        for rung in (earlier.rungs if earlier else ())
        if rung.status == "finished" and folder.has_rung(rung.name)
    }
    rungs = _that_take(rungs, materials)
    wanted = {rung.name for rung in rungs}
    again = list(_known_again(before, wanted, folder, materials.dataset.family))
    if materials.shelved is None and (asking := [rung.name for rung in again if rung.searches]):
        materials.progress.say(f"Left out, since no store is named (--store): {', '.join(asking)}. Its folder stays.")
        again = [rung for rung in again if not rung.searches]
    kind, count = materials.target.kind, len(materials.dataset.targets)
    rungs_by_name = {rung.name: rung for rung in (*rungs, *again) if rung.takes(kind, count)}
    recipes = _recipes(list(rungs_by_name.values()), wanted, options, materials)
    planned = [
        _plan_one(rungs_by_name[name], recipe, materials, folder, before.get(name), name in wanted)
        for name, recipe in recipes.items()
    ]
    return _ordered([one for one in planned if one is not None])


def _that_take(rungs: Sequence[Rung], materials: Materials) -> list[Rung]:
    """Those that can be fitted to these targets. Raises UsageError for others that were named.

    Of a whole ladder they are left out, which is said where it could surprise: nobody misses what reads strings only.
    """
    kind, count = materials.target.kind, len(materials.dataset.targets)
    ladder = LADDERS[materials.dataset.family]
    unfit = {
        f"no target of kind {kind}": [rung for rung in rungs if kind not in rung.kinds],
        "one target alone": [rung for rung in rungs if kind in rung.kinds and not rung.takes(kind, count)],
    }
    is_whole = {rung.name for rung in rungs} >= {rung.name for rung in whole(materials.dataset.family)}
    if any(unfit.values()) and not is_whole:
        able = ", ".join(name for name, rung in ladder.items() if rung.takes(kind, count))
        why = (f"{materials.target.name!r} is one", f"there are {count}")
        told = zip(unfit.items(), why, strict=True)
        raise UsageError(
            [
                f"{one.name}: this rung takes {what}, and {which}; {able} can."
                for (what, some), which in told
                for one in some
            ]
        )
    for what, some in unfit.items():
        if missed := [rung.name for rung in some if "multi-class" in rung.kinds]:
            materials.progress.say(f"Left out, as they take {what}: {', '.join(missed)}.")
    return [rung for rung in rungs if rung.takes(kind, count)]


def _known_again(
    before: Mapping[str, RungRecord], wanted: set[str], folder: RunFolder, family: Family
) -> Iterator[Rung]:
    """Rungs that an earlier call finished and this one does not name; what this version cannot read is none of them.

    Those of the user's own are known by their recipes, and can be kept without their functions.
    """
    for name in before.keys() - wanted:
        with contextlib.suppress(UsageError, RunError):
            recipe = folder.read_recipe(name)
            yield kept(name, before[name].description, recipe) if recipe and recipe.own else find(name, family)


def _recipes(rungs: Sequence[Rung], wanted: set[str], options: Options, materials: Materials) -> dict[str, Recipe]:
    """What each rung is for these pictures. Raises UsageError with every problem of those that are wanted."""
    problems: list[str] = []
    recipes = {}
    for rung in rungs:
        try:
            recipes[rung.name] = recipe = rung.recipe(options, materials.dataset)
            if found := multitask.problems(recipe, materials.dataset):
                raise UsageError(found)
        except UsageError as error:
            problems += [f"{rung.name}: {problem}" for problem in error.problems if rung.name in wanted]
    if problems:
        raise UsageError(problems)
    return recipes


def _ordered(planned: list[Planned]) -> list[Planned]:
    """The baseline first, whatever it costs: it is what the others are compared with. A variant after its rung."""
    seconds = {one.rung.name: one.seconds for one in planned}

    def order(one: Planned) -> tuple[bool, bool, float, bool, bool]:
        rung = one.rung
        after = max(one.seconds, *(seconds.get(name, 0.0) for name in (rung.family, rung.like)))
        return bool(one.reason), rung.name != "baseline", after, rung.name != rung.family, bool(rung.like)

    return sorted(planned, key=order)


def _plan_one(
    rung: Rung, recipe: Recipe, materials: Materials, folder: RunFolder, before: RungRecord | None, wanted: bool
) -> Planned | None:
    try:
        own = key(recipe, materials, *ways.depends_on(recipe, materials))
        if before is not None and before.key == own:
            return Planned(rung, recipe, own, before.predicted_seconds or 0.0, done=before)
        if not wanted:
            return None
        seconds = ways.predict_seconds(recipe, materials) + scoring_operations(materials) * _scoring_pace(materials)
        return Planned(rung, recipe, own, seconds)
    except (MissingExtra, MissingWeights) as lack:
        if before is not None and _made_the_same_way(recipe, materials, before, folder):
            return Planned(rung, recipe, before.key, before.predicted_seconds or 0.0, done=before)
        return Planned(rung, recipe, reason=" ".join(lack.problems)) if wanted else None


SCORING_PACE_NAME = "scoring, picture and class"
SCORING_PACE = 8e-6
"""Seconds per validation example and class for intervals by 1,000 bootstrap draws, before it was measured here."""


def _scoring_pace(materials: Materials) -> float:
    return materials.paces.get(SCORING_PACE_NAME) or SCORING_PACE


def scoring_operations(materials: Materials) -> int:
    """Validation examples times classes: what the time of scoring grows with."""
    return len(materials.split.validation) * max(1, len(materials.dataset.classes))


def _made_the_same_way(recipe: Recipe, materials: Materials, before: RungRecord, folder: RunFolder) -> bool:
    """Whether a finished rung is the one asked for, by what its model says of bases that are no longer at hand."""
    learnware, _ = folder.read_model(before.name)
    return before.key == key(recipe, materials, *ways.depended_on(learnware))
