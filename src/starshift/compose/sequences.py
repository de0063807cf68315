"""A saved model of sequences that answers, without Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from starshift.data.content import Content
from starshift.data.sequences import Sequences
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.models import tabular_blend
from starshift.models.sequences import SUMMARIES, Scaling, says, summaries
from starshift.models.tabular import Rows
from starshift.records import Learnware, SequenceContract

LINEAR, NETWORK = "series-linear", "series-network"
"""Builders: of a linear model on summaries, of networks over the steps."""


class SequenceModel:
    """Answers for one saved model of sequences."""

    def __init__(self, learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
        """Raises RunError where tensors and contract do not fit."""
        assert isinstance(learnware.input, SequenceContract)
        if learnware.builder not in (LINEAR, NETWORK):
            raise RunError(f"The builder {learnware.builder!r} of {learnware.name!r} makes no models of sequences.")
        self.learnware, self._contract = learnware, learnware.input
        features = len(self._contract.features)
        columns = features * len(SUMMARIES) + 1 if learnware.builder == LINEAR else features
        self._scaling = Scaling.read(tensors, columns)
        self._tensors = {name: array for name, array in tensors.items() if not name.startswith("scaling/")}

    def answer(self, content: Content, indices: Sequence[int]) -> np.ndarray:
        """See records.answers_for. Raises RunError as the models do."""
        sequences, chosen = cast(Sequences, content), np.asarray(indices, dtype=np.int64)
        return self(sequences.values[chosen], sequences.lengths[chosen])

    def __call__(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """values: float32 (N, steps, features), NaN where missing, padded or cut to the contract's steps. lengths: int
        (N,). Returns what records.answers_for takes.
        """
        wanted = (self._contract.steps, len(self._contract.features))
        if values.shape[1:] != wanted:
            raise RunError(f"{self.learnware.name!r} takes sequences of the shape {wanted}; {values.shape[1:]} came.")
        target = self.learnware.target
        said = self._linear(values, lengths) if self.learnware.builder == LINEAR else self._network(values, lengths)
        if target.kind == "share":
            return np.clip(said, 0, 1)
        return scaled(said.astype(np.float32), self.learnware.temperature) if target.is_classes else said

    def _linear(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        features = self._scaling.standardized(summaries(values, lengths)).astype(np.float64)
        target: Any = self.learnware.target
        labels = target.kind == "multi-label"
        return tabular_blend.predict(
            "linear", self._tensors, Rows(features, features), len(target.classes), labels=labels
        )

    def _network(self, values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        channels = self._scaling.channels(values, lengths)
        return says(channels, self._tensors, self.learnware.target, **self.learnware.arguments)
