"""Models of one target each that share nothing, kept as one: by their place among the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import structs

from starshift.models.heads import layer_name
from starshift.recipe import digest
from starshift.records import Learnware

Tensors = dict[str, np.ndarray]


def prefix(place: int) -> str:
    """Before the names of the tensors of the model of that target: "apart/", "apart_2/", …"""
    return f"{layer_name(place, 'apart')}/"


def together(models: Sequence[tuple[Learnware, Tensors]]) -> Tensors:
    """The tensors of all models, none of which has the name of another's."""
    return {
        f"{prefix(place)}{name}": array for place, (_, tensors) in enumerate(models) for name, array in tensors.items()
    }


def parts(learnware: Learnware, tensors: Tensors) -> list[tuple[Learnware, Tensors]]:
    """The models of the targets, in their order, each as if it had been saved alone; none where all is shared.

    The temperature is the leading one's.
    """
    found = []
    for place, one in enumerate(learnware.apart):
        start = prefix(place)
        own = {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
        name = "model.safetensors"
        files = {name: digest(learnware.files.get(name, ""), place)}  # by which converted networks are known
        found.append((structs.replace(one, files=files), own))
    return found


class Answering(Protocol):
    """An opened model: see compose.opening."""

    learnware: Learnware

    def answer(self, content: Any, indices: Sequence[int]) -> np.ndarray:
        """What it puts out for some of the examples."""


class Apart:
    """An opened model of several targets, each by a model of its own."""

    def __init__(
        self, learnware: Learnware, tensors: Tensors, open_one: Callable[[Learnware, Tensors], Answering]
    ) -> None:
        self.learnware = learnware
        self.models = [open_one(*part) for part in parts(learnware, tensors)]

    def answer(self, content: Any, indices: Sequence[int]) -> np.ndarray:
        """For the leading target: see records.answers_for."""
        return self.models[0].answer(content, indices)

    def answer_all(self, content: Any, indices: Sequence[int]) -> list[np.ndarray]:
        """For every target."""
        return [model.answer(content, indices) for model in self.models]
