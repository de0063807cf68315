"""A learnware that speaks of a user's classes: its last layer's columns, taken and put in order.

A class of the user's that the learnware does not know gets the mean of the logits of those that it knows. For linear
last layers that is a layer again, so that what comes out is a model like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from starshift.compose import ensemble
from starshift.compose.nested import Tensors, identified
from starshift.learnware.declared import NETWORKS
from starshift.models.heads import layer_name
from starshift.records import BaseReference, InputContract, Learnware, Target

HEAD = layer_name(0)
BUILDERS = {"frozen", *NETWORKS} - {"reader", "own"}
"""Whose last layer is linear and named HEAD."""


@dataclass(frozen=True)
class Member:
    """A single model that tells the user's classes, and what it counts among others."""

    learnware: Learnware
    tensors: Tensors
    weight: float = 1.0


def problem(learnware: Learnware) -> str:
    """Why a learnware cannot be made to speak of other classes, in a clause; "" where it can."""
    if not isinstance(learnware.input, InputContract):
        return "it takes no pictures"
    if not learnware.target.is_classes:
        return "it does not tell classes apart"
    if len(learnware.targets) > 1:
        return "it predicts several targets"
    if learnware.builder != "ensemble":
        return "" if learnware.builder in BUILDERS else f"its builder is {learnware.builder!r}"
    if learnware.arguments.get("combine") == "vote":
        return "its members vote"
    if any(one.targets != learnware.targets for one in learnware.members):
        return "it has specialists"
    return next(filter(None, map(problem, learnware.members)), "")


def mapped(learnware: Learnware, tensors: Tensors, classes: Sequence[str], target: Target) -> list[Member]:
    """A learnware as models of the user's classes whose weighted logits are added up: one, or an ensemble's members.

    classes: the learnware's class for each of the target's, "" where it has none; at least one is there. Its
    temperature becomes part of the layer. The learnware has no `problem`.
    """
    assert not problem(learnware) and any(classes)
    matrix = taking([learnware.classes.index(name) if name else -1 for name in classes], len(learnware.classes))
    matrix = matrix / learnware.temperature
    if learnware.builder != "ensemble":
        return [_single(learnware, tensors, matrix, target)]
    weights = tensors[ensemble.WEIGHTS]
    members = ensemble.members(learnware, tensors)
    return [
        replace(_single(one, own, matrix, target), weight=float(weight))
        for (one, own), weight in zip(members, weights, strict=True)
        if weight > 0
    ]


def turned(member: Member, matrix: np.ndarray, target: Target) -> Member:
    """A model of the user's classes whose logits are multiplied: matrix float64 (classes, classes)."""
    return replace(_single(member.learnware, member.tensors, matrix, target), weight=member.weight)


def taking(places: Sequence[int], count: int) -> np.ndarray:
    """What logits of `count` classes are multiplied by: float64 (count, len(places)).

    places: where each of the user's classes stands among them; -1 where it does not. The mean of those taken is 0, and
    so is the logit of those that are not.
    """
    matrix = np.zeros((count, len(places)))
    known = [row for row, place in enumerate(places) if place >= 0]
    for row in known:
        matrix[places[row], row] += 1
        for other in known:
            matrix[places[other], row] -= 1 / len(known)
    return matrix


def _single(learnware: Learnware, tensors: Tensors, matrix: np.ndarray, target: Target) -> Member:
    own = dict(tensors)
    for name in [name for name in tensors if name.rpartition("/")[0].split("/")[-1] == HEAD]:
        own[name] = _columns(tensors[name], matrix)
    made = structs.replace(
        learnware, targets=(target,), evaluations=(), temperature=1.0, thresholds=(), synonyms={}, beat=None
    )
    return Member(identified(made, own), own)


def _columns(array: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A kernel (features, outputs) or a bias (outputs,) for other classes. Two classes have one output: that of the
    second, less that of the first.
    """
    whole = array if matrix.shape[0] != 2 else np.stack([np.zeros_like(array[..., 0]), array[..., 0]], axis=-1)
    found = whole.astype(np.float64) @ matrix
    if matrix.shape[1] == 2:
        found = found[..., 1:] - found[..., :1]
    return np.ascontiguousarray(found, np.float32)


# ----------------------------------------------------------------------------------------------------
# Linear on the same features


def is_linear_on(member: Learnware, base: BaseReference, contract: InputContract, precision: str) -> bool:
    """Whether a model is one linear layer on this frozen base, as the user's own head is."""
    arguments = member.arguments
    plain = not any(arguments.get(name) for name in ("cuts", "sizes", "mirrored")) and (
        arguments.get("head", "linear") == "linear"
    )
    return (
        member.builder == "frozen"
        and plain
        and [one.digest for one in member.bases] == [base.digest]
        and member.input == contract
        and member.precision == precision
    )


def added(parts: Sequence[tuple[np.ndarray, np.ndarray, float]]) -> Tensors:
    """Linear heads, each times its weight, as one: "head/kernel" and "head/bias".

    parts: kernel (features, outputs), bias (outputs,) and weight; of two classes with one output.
    """
    kernel = sum(weight * kernel.astype(np.float64) for kernel, _, weight in parts)
    bias = sum(weight * bias.astype(np.float64) for _, bias, weight in parts)
    assert not isinstance(kernel, int) and not isinstance(bias, int)
    return {f"{HEAD}/kernel": kernel.astype(np.float32), f"{HEAD}/bias": bias.astype(np.float32)}


def outputs(logits: np.ndarray) -> np.ndarray:
    """Logits of all classes (…, classes) as a head has them: of two, the second less the first."""
    return logits[..., 1:] - logits[..., :1] if logits.shape[-1] == 2 else logits
