"""A saved model, opened: by the kind of its input, something that answers for examples of that kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from starshift.compose.apart import Apart
from starshift.compose.constant import Constant
from starshift.compose.predictor import Predictor
from starshift.compose.sequences import SequenceModel
from starshift.compose.tables import TableModel
from starshift.compose.texts import TextModel
from starshift.data.content import Content
from starshift.records import InputContract, Learnware, SequenceContract, TableContract, TextContract

Tensors = dict[str, np.ndarray]


class Answering(Protocol):
    """An opened model."""

    learnware: Learnware

    def answer(self, content: Content, indices: Sequence[int]) -> np.ndarray:
        """What the model puts out for some of the examples: see records.answers_for."""


@runtime_checkable
class AnsweringAll(Answering, Protocol):
    """One that answers for several targets."""

    def answer_all(self, content: Content, indices: Sequence[int]) -> list[np.ndarray]:
        """What it puts out for each of its targets."""


def open_model(
    learnware: Learnware, tensors: Tensors, cache: Path, build: Callable[..., Any] | None = None
) -> Answering:
    """Raises RunError where tensors and contract do not fit. build: as Predictor takes it."""
    if learnware.apart and not isinstance(learnware.input, InputContract):
        return Apart(learnware, tensors, lambda one, own: open_model(one, own, cache))
    if learnware.builder == "majority" and not isinstance(learnware.input, InputContract):
        return Constant(learnware, tensors)
    if isinstance(learnware.input, TableContract):
        return TableModel(learnware, tensors)
    if isinstance(learnware.input, TextContract):
        return TextModel(learnware, tensors)
    if isinstance(learnware.input, SequenceContract):
        return SequenceModel(learnware, tensors)
    return Predictor(learnware, tensors, cache, build)
