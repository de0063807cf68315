"""The ladders of all families of data, and how a rung is found by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starshift.errors import UsageError
from starshift.ladder import combining, rungs, sequences, tables, texts
from starshift.ladder.rungs import FROM_SCRATCH, Rung, try_on_photographs
from starshift.ladder.variants import parse
from starshift.recipe import near
from starshift.records import Family

LADDERS: dict[Family, Mapping[str, Rung]] = {
    "pictures": {**rungs.RUNGS, **combining.RUNGS},
    "table": tables.RUNGS,
    "texts": texts.RUNGS,
    "sequences": sequences.RUNGS,
}
"""The rungs of each family by name, in the ladder's order; the names that `--rungs` takes."""


def whole(family: Family, *, store: bool = False) -> list[Rung]:
    """The ladder that is climbed where nobody names rungs. store: whether there is one that rungs could search."""
    return [rung for rung in LADDERS[family].values() if store or not rung.searches]


def select(names: Sequence[str], family: Family = "pictures", *, store: bool = False) -> list[Rung]:
    """The rungs of these names, in the ladder's order, each followed by its variants; the baseline is always there.

    names: as `--rungs` takes them: "convnet", or a variant, "convnet:l2=0.001:dropout=0.5"; `whole` if none. Raises
    UsageError with every problem and near matches.
    """
    problems: list[str] = []
    found: dict[str, Rung] = {} if names else {rung.name: rung for rung in whole(family, store=store)}
    for name in ("baseline", *names):
        try:
            rung = find(name, family)
            found[rung.name] = rung
        except UsageError as error:
            problems.extend(error.problems)
    if problems:
        raise UsageError(problems)
    order = list(LADDERS[family])
    return sorted(found.values(), key=lambda rung: (order.index(rung.family), rung.changes is not None))


def find(name: str, family: Family = "pictures") -> Rung:
    """The rung or variant of that name. Raises UsageError with every problem and near matches."""
    rung, *words = (part.strip() for part in name.split(":"))
    ladder = LADDERS[family]
    if rung not in ladder:
        raise UsageError(f"Rung {rung!r} is not known.{near(rung, list(ladder))}{_elsewhere(rung, family)}")
    parent = ladder[rung]
    if not words:
        return parent
    changes = parse(rung, words, parent.builders, parent.fixed)
    variant = replace(
        parent,
        name=":".join((rung, *words)),
        description=f"{parent.description.rstrip('.')}, with {', '.join(words)}.",
        changes=changes,
    )
    if all(builder in FROM_SCRATCH for builder in parent.builders):
        try_on_photographs(variant)
    return variant


def _elsewhere(rung: str, family: Family) -> str:
    """A sentence, where the name is that of a rung for another family."""
    others = [other for other, ladder in LADDERS.items() if rung in ladder]
    return f" It is a rung for {' and '.join(others)}; this is read as {family}." if others else ""
