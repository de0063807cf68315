"""Spaces that are at hand: a pretrained base on this machine, and what it says of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from starshift import catalogue
from starshift.compose.frozen import FrozenBase
from starshift.data.decode import Fit, Frame
from starshift.errors import MissingWeights, UsageError
from starshift.inference.network import Precision, best_precision
from starshift.learnware import specify
from starshift.models import weights
from starshift.records import BaseReference, Space

FIRST_CHOICE = "mobilenet_v2"
"""The base in whose space everything is told where it is at hand, whatever the model itself stands on: only vectors of
one space can be compared. Small, and its features tell like pictures apart as well as any."""

FIT: Fit = "stretch"
"""As the rung `features` has it, so that its features are those of the space."""


def at_hand(references: Sequence[BaseReference], cache: Path, precision: Precision | None = None) -> FrozenBase | None:
    """The base of the space in which pictures are specified: FIRST_CHOICE, or one that a model stands on.

    references: of the model's bases. precision: that it computes them in, so that its features are found in the cache;
    this machine's best if None. Nothing is downloaded; None where none is on this machine.
    """
    plain = [one for one in references if _is_published(one)]
    named = sorted(plain, key=lambda one: one.name != FIRST_CHOICE)
    if not named or named[0].name != FIRST_CHOICE:
        row = catalogue.base(FIRST_CHOICE)
        if file := weights.find(row):
            named.insert(0, BaseReference(row.name, weights.digest(file), row.name))
            precision = None
    return _opened(named[0], cache, precision=precision) if named else None


def base(cache: Path) -> FrozenBase:
    """Of the space that pictures are searched in. Raises MissingWeights where none is on this machine."""
    found = at_hand((), cache)
    if found is None:
        raise MissingWeights(f"A search by pictures needs the weights of a pretrained base. {lacking()}")
    return found


def lacking() -> str:
    """What to put where, so that a space is at hand."""
    return weights.missing_weights_sentence(catalogue.base(FIRST_CHOICE))


def opened(space: Space, cache: Path) -> FrozenBase:
    """The base of a specification's space. Raises MissingWeights where it is not on this machine, or another is."""
    row = catalogue.base(space.base)
    base = _opened(BaseReference(row.name, space.digest, row.name), cache, Frame(space.size, cast(Any, space.fit)))
    file = weights.find(row)
    if not base.is_converted and file is None:
        raise MissingWeights(weights.missing_weights_sentence(row))
    if file is not None and weights.digest(file) != space.digest:
        raise MissingWeights(f"The specification was made with other weights of {row.title} than those here.")
    return base


def space_of(base: FrozenBase) -> Space:
    """The space that a base opens."""
    reference, frame = base.reference, base.frame
    return specify.space_of(
        base.base.name, reference.digest, size=frame.size, fit=frame.fit, features=base.base.features
    )


def _is_published(reference: BaseReference) -> bool:
    """Whether its weights are those that the catalogue names, and not a file of the user's own."""
    try:
        return catalogue.base(reference.spec).name == reference.name
    except UsageError:
        return False


def _opened(
    reference: BaseReference, cache: Path, frame: Frame | None = None, precision: Precision | None = None
) -> FrozenBase:
    row = catalogue.base(reference.name)
    return FrozenBase(reference, frame or Frame(row.size, FIT), precision or best_precision(), cache)
