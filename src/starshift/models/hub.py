"""Vision transformers of KerasHub as bases: one vector a picture.

They are put together of KerasHub's own layers by the catalogue's numbers; no configuration is read from a disk.
What describes a picture: the class token behind the last normalization (DINOv2 and ViT), or the attention pooling
that was trained with the rest (SigLIP), as each model's paper has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from starshift.catalogue import Base, Transformer
from starshift.errors import MissingExtra, RunError
from starshift.models import weights as files

SIGLIP_WORDS, SIGLIP_LENGTH = 32_000, 64
"""Of SigLIP's text encoder, which is in the same file (Zhai et al. 2023, section 4)."""


class _Parts(NamedTuple):
    """A backbone of KerasHub, and what of it leads from pixels to a picture's vector."""

    whole: keras.Model  # what the weights file holds
    embedding: Callable[[Any], Any]  # pixels → tokens
    blocks: list[keras.Layer]
    rest: list[keras.Layer]  # behind the last block
    side: int  # of the pictures that it takes, in px


def vector(base: Base, weights: Path | None, pictures: keras.KerasTensor) -> Any:
    """What a base with a `transformer` says of pictures.

    weights: model.weights.h5 of the preset, or None for random ones. pictures: float (N, size, size, 3), preprocessed;
    they are resized (bilinear) where the network takes others: to a multiple of its patches (DINOv2), or to the one
    side that it was trained for (ViT, SigLIP). Returns float (N, width). Behind block n stands an identity "block_n",
    at which the base can be cut: float (N, tokens, width).
    Raises MissingExtra without KerasHub; RunError for a file that does not fit.
    """
    assert base.transformer is not None
    _import_kerashub(base)
    size = pictures.shape[1]
    parts = _FAMILIES[base.constructor](base.transformer, size)
    if weights is not None:
        _load(parts.whole, weights, base)
    x = pictures if parts.side == size else ops.image.resize(pictures, (parts.side, parts.side))
    x = parts.embedding(x)
    for number, block in enumerate(parts.blocks, start=1):
        # SigLIP's layers stand in a graph of their own already, and `layer.output` is that of a layer's first.
        x = layers.Identity(name=f"block_{number}")(block(x))
    for layer in parts.rest:
        x = layer(x)
    return x[:, 0] if len(x.shape) == 3 else x


def _import_kerashub(base: Base) -> None:
    files.require(base)
    try:
        import keras_hub  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"KerasHub builds {base.title}, and lacks something ({error}): pip install 'starshift[{files.HUB_EXTRA}]'"
        ) from error


def _dinov2(shape: Transformer, size: int) -> _Parts:
    from keras_hub.models import DINOV2Backbone

    side = max(1, round(size / shape.patch)) * shape.patch
    whole = DINOV2Backbone(
        patch_size=shape.patch,
        num_layers=shape.blocks,
        hidden_dim=shape.width,
        num_heads=shape.heads,
        intermediate_dim=shape.inner,
        num_register_tokens=shape.registers,
        image_shape=(side, side, 3),
        position_embedding_shape=(shape.trained_side, shape.trained_side),
        antialias_in_interpolation=shape.registers > 0,  # as KerasHub converts the published networks
    )
    return _Parts(whole, whole.embeddings, whole.encoder.layers, [whole.layernorm], side)


def _vit(shape: Transformer, size: int) -> _Parts:
    from keras_hub.models import ViTBackbone

    whole = ViTBackbone(
        image_shape=(shape.trained_side, shape.trained_side, 3),
        patch_size=shape.patch,
        num_layers=shape.blocks,
        num_heads=shape.heads,
        hidden_dim=shape.width,
        mlp_dim=shape.inner,
    )
    _, embedding, encoder = whole.layers
    return _Parts(whole, embedding, encoder.encoder_layers, [encoder.layer_norm], shape.trained_side)


def _siglip(shape: Transformer, size: int) -> _Parts:
    from keras_hub.models import SigLIPBackbone, SigLIPTextEncoder, SigLIPVisionEncoder

    common = {
        "hidden_dim": shape.width,
        "num_layers": shape.blocks,
        "num_heads": shape.heads,
        "intermediate_dim": shape.inner,
    }
    vision = SigLIPVisionEncoder(
        patch_size=shape.patch, image_shape=(shape.trained_side, shape.trained_side, 3), **common
    )
    text = SigLIPTextEncoder(
        vocabulary_size=SIGLIP_WORDS, embedding_dim=shape.width, max_sequence_length=SIGLIP_LENGTH, **common
    )
    vision.head.name = "pooling"  # the head is the classifier's
    patches = (shape.trained_side // shape.patch) ** 2

    def embedding(pixels: Any) -> Any:
        return vision.embedding(pixels)[:, :patches]  # all: KerasHub 0.32 says that there were one more

    rest = [vision.post_layer_norm, vision.head]
    return _Parts(SigLIPBackbone(vision, text), embedding, vision.encoder_layers, rest, shape.trained_side)


_FAMILIES: dict[str, Callable[[Transformer, int], _Parts]] = {
    "DINOV2Backbone": _dinov2,
    "ViTBackbone": _vit,
    "SigLIPBackbone": _siglip,
}


def _load(whole: keras.Model, file: Path, base: Base) -> None:
    """Fill a backbone by Keras's own loader, from a file that was examined first."""
    if not file.name.endswith(".weights.h5"):
        raise RunError(f"The weights file {file} does not fit: {base.title} takes a file *.weights.h5, as Keras 3 has.")
    files.examine(file, most_bytes=8 * base.parameters + 4096)
    try:
        with warnings.catch_warnings():
            # Where a group is missing, Keras warns and leaves random numbers.
            warnings.simplefilter("error", UserWarning)
            whole.load_weights(file)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise RunError(f"The weights file {file} does not fit {base.title}: {str(error).splitlines()[0]}") from error
    spoiled = [variable.path for variable in whole.weights if not np.isfinite(np.asarray(variable)).all()]
    if spoiled:
        raise RunError(f"The weights file {file} is refused: {spoiled[0]} has numbers that are not finite.")
