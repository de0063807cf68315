"""The seeds' head on a base's last map: flattened, 256 ReLU units, dropout, outputs.

Source: seeds 002 and 003. On VGG16 at 150 px it has 2,097,665 parameters for two classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from starshift.models.classical import probabilities_of

if TYPE_CHECKING:
    from keras import Model

DENSE_UNITS = 256
"""As models.opened has them, which imports Keras."""


def dense_network(shape: Sequence[int], classes: int) -> Model:
    """The head as a Keras model of its own: maps (N, *shape) → what models.heads.classification_head gives."""
    import keras

    from starshift.models.opened import dense_head

    maps = keras.Input(tuple(shape), name="map")
    return keras.Model(maps, dense_head(maps, classes), name="dense256")


def dense_probabilities(maps: np.ndarray, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a trained head says of maps, without Keras. maps: float32 (N, h · w · c). Returns float32 (N, classes)."""
    hidden = np.maximum(maps @ tensors["dense/kernel"] + tensors["dense/bias"], 0)
    return probabilities_of(hidden @ tensors["head/kernel"] + tensors["head/bias"])
