"""A saved `features` model as one Keras model: base and head in one, pixels → probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from starshift import catalogue
from starshift.models import pretrained, weights
from starshift.models.heads import classification_head
from starshift.records import Learnware


def assemble(learnware: Learnware, tensors: Mapping[str, np.ndarray], files: Sequence[Path] = ()) -> keras.Model:
    """Put the frozen bases and the linear head of a saved model together.

    tensors: "head/kernel" (features, outputs) and "head/bias" (outputs,). files: weights files of the bases, in
    their order; looked for, or downloaded, where none are given.
    Input: uint8 or float pixels 0-255, RGB, (N, size, size, 3). Output: float32 (N, 1), the probability of the
    second class, for two classes; (N, classes) for more. Raises RunError for a file whose digest is not the one
    that the model was made with; MissingWeights where there is none.
    """
    size = learnware.input.size
    pixels = keras.Input((size, size, 3), dtype="float32", name="pixels")
    features = []
    for number, reference in enumerate(learnware.bases):
        base, path = catalogue.parse(reference.spec)
        file = weights.obtain(base, files[number] if files else path)
        weights.expect(file, reference.digest, base)
        network = pretrained.build(base, file, size=size)
        network.trainable = False
        features.append(network(pixels))
    joined = layers.Concatenate(name="side_by_side")(features) if len(features) > 1 else features[0]
    compressed = ops.sign(joined) * ops.log1p(ops.abs(joined))  # models.classical.compress
    model = keras.Model(pixels, classification_head(compressed, len(learnware.classes)), name="assembled")
    model.get_layer("head").set_weights([tensors["head/kernel"], tensors["head/bias"]])
    return model
