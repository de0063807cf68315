"""Whether a learnware's tensors are those that its builder declares: first without Keras, then with it.

`problems` is asked whenever a learnware is read: heads on catalogued bases, baselines and models of rows and texts are
declared without Keras; of networks, whose shapes only their builder knows, it looks at dtypes and at what is there.
`verify` asks the builder too, without allocating what it asks for. Nothing is used unverified: what converts or
assembles a network asks models.declared itself before it builds one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from starshift.compose import apart, ensemble
from starshift.compose.finetuned import BESIDE
from starshift.compose.opening import open_model
from starshift.compose.whole import SCRATCH
from starshift.errors import StarshiftError
from starshift.learnware.strict import Tensors
from starshift.models import heads
from starshift.records import InputContract, Learnware, SequenceContract, TableContract, TextContract

NETWORKS = (*SCRATCH, "reader", "fine-tuned")
"""Builders of networks that Keras declares."""

TAKING: dict[type, tuple[str, ...]] = {
    InputContract: (*NETWORKS, "majority", "frozen", "ensemble", "own"),
    TableContract: ("majority", "table-linear", "table-trees", "table-ensemble", "table-dense"),
    TextContract: ("majority", "ngrams", "word-bag", "word-sequence"),
    SequenceContract: ("majority", "series-linear", "series-network"),
}
"""Builders of models that take what a contract says."""

OTHERS: dict[str, type] = {"string": np.uint8, "mean": np.float64}
"""Dtypes of tensors that are not float32: of baselines."""


def problems(learnware: Learnware, tensors: Tensors) -> list[str]:
    """Everything that tells, without Keras, that the tensors are not the model's, as sentences."""
    found = list(_strangers(learnware, tensors))
    for one, own in _singles(learnware, tensors):
        if one.builder not in TAKING[type(one.input)]:
            found.append(f"Its builder {one.builder!r} makes no models that take what it says it takes.")
        found += _dtypes(one, own)
    if found:
        return found
    try:
        open_model(learnware, tensors, Path())
    except StarshiftError as error:
        return list(error.problems)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return [f"Its tensors and arguments are not those of {learnware.builder!r} ({type(error).__name__}: {error})."]
    return []


def verify(learnware: Learnware, tensors: Tensors) -> None:
    """Compare names, shapes and dtypes with what the builder of each network declares. Imports Keras.

    For models of pictures; the others are compared when they are read. Raises RunError for tensors that differ, and
    for arguments by which no network can be built.
    """
    for one, own in _singles(learnware, tensors):
        if one.builder in NETWORKS and isinstance(one.input, InputContract):
            from starshift.models.declared import refuse_others
            from starshift.training.keras_setup import load_keras

            load_keras()
            refuse_others(one.builder, one.input.size, one.targets, one.arguments, _of_network(own))


def _of_network(tensors: Tensors) -> Tensors:
    mine = {name: array for name, array in tensors.items() if not name.startswith(BESIDE)}
    return dict(heads.without_scales(mine))


def _singles(learnware: Learnware, tensors: Tensors) -> Iterator[tuple[Learnware, Tensors]]:
    """The models that a learnware is made of, each as if it had been saved alone."""
    inner = [*apart.parts(learnware, tensors), *ensemble.members(learnware, tensors)]
    if not inner:
        yield learnware, tensors
    for one, own in inner:
        yield from _singles(one, own)


def _strangers(learnware: Learnware, tensors: Tensors) -> Iterator[str]:
    """Tensors of a model of several that belong to none of them."""
    inner = [*apart.parts(learnware, tensors), *ensemble.members(learnware, tensors)]
    beside = {name for name in tensors if name in (ensemble.WEIGHTS, ensemble.SHARE)} if learnware.members else set()
    if inner and len(tensors) != len(beside) + sum(len(own) for _, own in inner):
        yield "It has tensors that belong to none of its models."


def _dtypes(learnware: Learnware, tensors: Tensors) -> Iterator[str]:
    if not isinstance(learnware.input, InputContract):
        return
    if not tensors:
        yield "It has no tensors."
    plain = heads.without_scales(tensors)
    for name, array in tensors.items():
        wanted = OTHERS.get(name, np.float32) if name in plain else np.float64
        if array.dtype != wanted and learnware.builder != "own":
            yield f"Its tensor {name!a} is {array.dtype}, not {np.dtype(wanted)}."
