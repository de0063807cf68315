"""Models of one target each that share nothing, kept as one: by their place among the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from starshift.compose import nested
from starshift.compose.nested import Tensors
from starshift.records import Learnware

STEM = "apart"
"""Before the names of a part's tensors: see compose.nested."""


def together(models: Sequence[tuple[Learnware, Tensors]]) -> Tensors:
    """The tensors of all models as those of one."""
    return nested.together(STEM, [tensors for _, tensors in models])


def parts(learnware: Learnware, tensors: Tensors) -> list[tuple[Learnware, Tensors]]:
    """The models of the targets, in their order, each as if it had been saved alone; none where all is shared.

    The temperature is the leading one's.
    """
    return nested.parts(STEM, learnware.apart, tensors)


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
