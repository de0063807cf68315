"""The seeds' head on a base's last map: flattened, 256 ReLU units, dropout, outputs.

Source: seeds 002 and 003. On VGG16 at 150 px it has 2,097,665 parameters for two classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from starshift.models.heads import as_outputs, layer_name
from starshift.records import Target

if TYPE_CHECKING:
    from keras import Model

DENSE_UNITS = 256
"""As models.opened has them, which imports Keras."""


def dense_network(shape: Sequence[int], heads: Sequence[Target]) -> Model:
    """The head as a Keras model of its own: maps (N, *shape) → what models.heads.heads_on gives."""
    import keras

    from starshift.models.opened import dense_head

    maps = keras.Input(tuple(shape), name="map")
    return keras.Model(maps, as_outputs(dense_head(maps, heads)), name="dense256")


def dense_logits(maps: np.ndarray, tensors: Mapping[str, np.ndarray], place: int = 0) -> np.ndarray:
    """What a trained head says of maps before its last activation, without Keras.

    maps: float32 (N, h · w · c). place: of the target among the model's. Returns float32 (N, outputs).
    """
    hidden = np.maximum(maps @ tensors["dense/kernel"] + tensors["dense/bias"], 0)
    name = layer_name(place)
    return np.asarray(hidden @ tensors[f"{name}/kernel"] + tensors[f"{name}/bias"])
