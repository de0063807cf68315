"""Dense networks on rows: the seeds' 64-64 with the last layer of the target, trained by Keras, answering by NumPy.

Source: seed 003, "Regression" (two layers of 64 rectified units, one linear unit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from starshift.errors import RunError
from starshift.models import heads
from starshift.models.classical import probabilities_of
from starshift.records import Target

if TYPE_CHECKING:
    from keras import Model

UNITS = (64, 64)
"""The seeds' own, for regression and for their 46 topics."""


def build(features: int, target: Target, units: Sequence[int] = UNITS, dropout: float = 0.0) -> Model:
    """Rows float32 (N, features) → what models.heads.head gives. dropout: behind each layer of units."""
    from keras import Input, Model, layers

    rows = Input((features,), name="row")
    x = rows
    for place, count in enumerate(units, start=1):
        x = layers.Dense(count, activation="relu", name=f"dense{place}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout{place}")(x)
    return Model(rows, heads.head(x, target), name="table_dense")


def predict(tensors: Mapping[str, np.ndarray], features: np.ndarray, target: Target) -> np.ndarray:
    """What a trained network says, without Keras: see models.heads.answers. features: float (N, F).

    Raises RunError where the tensors are not those of such a network over so many features.
    """
    x = features.astype(np.float32)
    try:
        for place in range(1, 1 + sum(name.startswith("dense") and name.endswith("/kernel") for name in tensors)):
            x = np.maximum(x @ tensors[f"dense{place}/kernel"] + tensors[f"dense{place}/bias"], 0)
        logits = x @ tensors["head/kernel"] + tensors["head/bias"]
    except (KeyError, ValueError) as error:
        raise RunError(
            f"The tensors of the model are not those of a dense network over these columns ({error})."
        ) from error
    scale = heads.scales_in(tensors, [target])[0]
    return heads.answers(target, _activated(logits, target), scale)


def _activated(logits: np.ndarray, target: Target) -> np.ndarray:
    if target.kind == "regression":
        return logits
    if target.kind == "multi-class":
        return probabilities_of(logits)
    return probabilities_of(logits.reshape(-1, 1))[:, 1].reshape(logits.shape)
