"""Several heads on one network, as one: what they put out side by side, and apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from starshift.models.heads import outputs_of
from starshift.records import Target


def joined(model: Any) -> Any:
    """A Keras model with the outputs of all its heads side by side in one: (N, columns); one head stays as it is."""
    if len(model.outputs) == 1:
        return model
    import keras

    return keras.Model(model.inputs, keras.layers.Concatenate(dtype="float32", name="heads")(list(model.outputs)))


def divided(outputs: np.ndarray, targets: Sequence[Target]) -> list[np.ndarray]:
    """What `joined` put side by side, head by head: (N, outputs) each."""
    if len(targets) == 1:
        return [outputs]
    return np.split(outputs, np.cumsum([outputs_of(target) for target in targets])[:-1], axis=1)
