"""A saved model of tables that answers: cells → numbers or probabilities, without Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from starshift.data.encoding import Columns, Encoding
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.models import tabular_blend, tabular_dense
from starshift.models.tabular import Rows, Tensors
from starshift.records import Learnware, TableContract

SINGLE = {"table-linear": "linear", "table-trees": "trees"}
"""Builders of one learner of models.tabular_blend."""


class TableModel:
    """Answers for one saved model that takes rows."""

    def __init__(self, learnware: Learnware, tensors: Tensors) -> None:
        """Raises RunError where tensors and columns do not fit."""
        assert isinstance(learnware.input, TableContract)
        self.learnware = learnware
        self.encoding = Encoding.read(learnware.input.columns, tensors)
        self._tensors = {name: array for name, array in tensors.items() if not name.startswith("encoding/")}

    def answer(self, content: Any, indices: Sequence[int]) -> np.ndarray:
        """See records.answers_for. content: whatever has cells by column. Raises RunError as the models do."""
        target = self.learnware.target
        outputs = self._outputs(content, np.asarray(indices, dtype=np.int64))
        if target.is_number:
            return np.clip(outputs, 0, 1) if target.kind == "share" else outputs
        outputs = outputs.astype(np.float32)
        return scaled(outputs, self.learnware.temperature) if target.is_classes else outputs

    def _outputs(self, content: Columns, indices: np.ndarray) -> np.ndarray:
        target, builder, encoding = self.learnware.target, self.learnware.builder, self.encoding
        features = encoding.features(content, indices)
        if builder == "table-dense":
            return tabular_dense.predict(self._tensors, features, target)
        rows = Rows(features, encoding.raw(content, indices), tuple(encoding.categorical))
        classes, labels = len(target.classes), target.kind == "multi-label"
        if builder == "table-ensemble":
            return tabular_blend.predict_average(self._tensors, rows, classes, labels=labels)
        if builder not in SINGLE:
            raise RunError(f"The builder {builder!r} of {self.learnware.name!r} makes no models of tables.")
        return tabular_blend.predict(SINGLE[builder], self._tensors, rows, classes, labels=labels)
