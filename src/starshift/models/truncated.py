"""A pretrained base cut off at one of its blocks, with a head: small, and it begins with the knowledge of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import layers

from starshift import catalogue
from starshift.models import depths, pretrained
from starshift.models.heads import as_outputs, heads_on
from starshift.models.opened import leaves
from starshift.recipe import TOP
from starshift.records import Target


def truncated(
    input_shape: Sequence[int | None],
    heads: Sequence[Target],
    *,
    base: str,
    cut: str,
    opened: str = "",
    dropout: float = 0.0,
    weights: Path | None = None,
) -> keras.Model:
    """A base up to a block, averaged over the picture, with a linear head.

    input_shape: (side, side, 3) of pictures 0-255; preprocessing is inside. base: as the catalogue names it; a file
    behind "@" is left to the caller. cut: one of its cut points, or "top". opened: the cut point behind which it is
    trained; all of it where none is named. Batch-norm layers are never trained and always use the statistics of their
    pretraining. dropout: share of what enters the head that is dropped in training. weights: of the base, as for
    pretrained.build; random ones, to be overwritten, if None. Outputs as models.heads.head has them.
    """
    row, _ = catalogue.parse(base)
    network = pretrained.build(row, weights, size=int(input_shape[0] or 0))
    if cut != TOP:
        network = depths.pooled_at(network, (cut,))
    trained = not opened
    for layer in network.layers:
        for leaf in leaves(layer):
            leaf.trainable = trained and not isinstance(leaf, layers.BatchNormalization)
        trained = trained or layer.name == opened
    x = layers.Dropout(dropout, name="dropout")(network.output) if dropout else network.output
    return keras.Model(network.input, as_outputs(heads_on(x, heads)), name="truncated")
