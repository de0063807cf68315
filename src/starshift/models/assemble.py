"""A saved `frozen` model as one Keras model: base and head in one, pixels → probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from starshift import catalogue
from starshift.models import depths, pretrained, weights
from starshift.models.heads import as_outputs, without_scales
from starshift.models.opened import dense_head, linear_head
from starshift.records import Learnware


def assemble(learnware: Learnware, tensors: Mapping[str, np.ndarray], files: Sequence[Path] = ()) -> keras.Model:
    """Put the frozen bases and the head of a saved model together.

    tensors: "head/kernel" (features, outputs) and "head/bias" (outputs,), "head_2/…" of a second target;
    "dense/kernel" and "dense/bias" too for the head `dense256`. files: weights files of the bases, in their order;
    looked for, or downloaded, where none are given.
    A base that looks at the pictures' own size stands in the model's own graph, with its layers' names (the first of
    several does); others are nested.
    Input: uint8 or float pixels 0-255, RGB, (N, size, size, 3). Outputs: one per target, float32, as models.heads.head
    has them: (N, 1), the probability of the second class, for two classes; (N, classes) for more. Raises RunError for
    a file whose digest is not the one that the model was made with; MissingWeights where there is none.
    """
    size, arguments, heads = learnware.picture.size, learnware.arguments, learnware.targets
    sizes = tuple(arguments.get("sizes", (size,)))
    networks = [_frozen(learnware, number, files, side) for number in range(len(learnware.bases)) for side in sizes]
    whole: Any = next((one for one in networks if one.input.shape[1] == size), None)
    pixels = keras.Input((size, size, 3), dtype="float32", name="pixels") if whole is None else whole.input
    seen = [one.output if one is whole else depths.looking(one, pixels) for one in networks]
    outputs = dense_head(seen[0], heads) if arguments.get("head") == "dense256" else linear_head(seen, heads)
    model = keras.Model(pixels, as_outputs(outputs), name="assembled")
    for name in {name.partition("/")[0] for name in without_scales(tensors)}:
        model.get_layer(name).set_weights([tensors[f"{name}/kernel"], tensors[f"{name}/bias"]])
    return model


def _frozen(learnware: Learnware, number: int, files: Sequence[Path], size: int) -> keras.Model:
    """One of the bases as the head wants it: pooled at its top or at cuts, or unpooled. size: that it looks at."""
    reference, arguments = learnware.bases[number], learnware.arguments
    base, path = catalogue.parse(reference.spec)
    file = weights.obtain(base, files[number] if files else path)
    weights.expect(file, reference.digest, base)
    network = pretrained.build(base, file, size=size)
    if arguments.get("head") == "dense256":
        network = depths.unpooled(network)
    elif cuts := arguments.get("cuts"):
        network = depths.pooled_at(network, cuts)
    network.trainable = False
    return network
