"""What an opened model of pictures costs: every network that it asks, once, and its heads."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from starshift.compose.finetuned import BESIDE
from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame
from starshift.inference.cost import cost as cost_of_network
from starshift.inference.network import Network
from starshift.models.heads import without_scales
from starshift.records import CostRecord

TIMED_SECONDS, TIMED_RUNS = 0.3, 50
"""Pictures are asked about until one of these is reached, and at least three times."""


def cost(predictor: Predictor) -> CostRecord | None:
    """Count and time a model; None where a base of it is not in its compiled form, which only Keras could make.

    Members of an ensemble that share a base ask it once, at each size, and again for mirror images; its parameters
    count once, whatever the sizes.
    """
    whole = list(_models(predictor))
    if not all(_is_at_hand(one) for one in whole):
        return None
    looks = {look.key: look for one in whole for look in _looks(one)}
    counted = {look.key: cost_of_network(look.network) for look in looks.values()}
    largest: dict[str, int] = {}
    for look in looks.values():
        largest[look.weights] = max(largest.get(look.weights, 0), counted[look.key].parameters)
    heads = [_heads(one) for one in whole]
    parameters = sum(largest.values()) + sum(head.parameters for head in heads)
    return CostRecord(
        parameters=parameters,
        multiply_adds=sum(one.multiply_adds for one in counted.values()) + sum(head.multiply_adds for head in heads),
        bytes=4 * parameters,
        milliseconds=_milliseconds(predictor),
    )


def _models(predictor: Predictor) -> Iterator[Predictor]:
    """Those inside it that have tensors of their own, or it itself."""
    inside = [*predictor.parts, *predictor.members]
    for one in inside:
        yield from _models(one)
    if not inside:
        yield predictor


@dataclass(frozen=True)
class _Look:
    """A network looking at one form of a picture."""

    key: tuple[str, Frame, bool]  # of the network, how the picture was decoded, whether it is mirrored
    weights: str  # equal for networks with the same weights
    network: Network


def _looks(model: Predictor) -> Iterator[_Look]:
    learnware, frame = model.learnware, model.frame
    forms = (False, True) if learnware.arguments.get("mirrored") else (False,)
    if learnware.builder == "majority":
        return
    if learnware.builder != "frozen":
        own = learnware.files["model.safetensors"]
        for form in forms:
            yield _Look((own, frame, form), own, model.network)
    if not _asks_bases(model):
        return
    for base in model.bases.bases:
        for form in forms if learnware.builder == "frozen" else (False,):
            yield _Look((base.key, frame, form), base.reference.digest, base.network)


def _asks_bases(model: Predictor) -> bool:
    return model.learnware.builder == "frozen" or bool(model.learnware.arguments.get("beside"))


def _is_at_hand(model: Predictor) -> bool:
    return not _asks_bases(model) or all(base.is_converted for base in model.bases.bases)


class _Head(NamedTuple):
    parameters: int
    multiply_adds: int


def _heads(model: Predictor) -> _Head:
    """Of what stands on frozen features; all else is in a network."""
    learnware = model.learnware
    if not _asks_bases(model):
        return _Head(0, 0)
    mine = learnware.builder == "frozen"
    tensors = {name: array for name, array in without_scales(model.tensors).items() if mine or name.startswith(BESIDE)}
    kernels = sum(array.size for name, array in tensors.items() if name.endswith("kernel"))
    asked = 2 if mine and learnware.arguments.get("mirrored") else 1
    return _Head(sum(array.size for array in tensors.values()), asked * kernels)


def _milliseconds(predictor: Predictor) -> float:
    """One picture of noise at a time: the median, rounded to three digits."""
    noise = np.random.default_rng(0)
    pictures = {frame: noise.integers(0, 256, (1, frame.size, frame.size, 3), np.uint8) for frame in predictor.frames}
    predictor.all(pictures)  # compiled for one picture now
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < 3 or (time.perf_counter() - began < TIMED_SECONDS and len(taken) < TIMED_RUNS):
        start = time.perf_counter()
        predictor.all(pictures)
        taken.append(1000 * (time.perf_counter() - start))
    median = float(np.median(taken))
    return round(median, 2 - math.floor(math.log10(median)))
