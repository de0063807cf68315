"""What is known of one pretrained base, as plain data."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Preprocessing = Literal[
    "scale -1 to 1",
    "caffe (BGR, mean subtracted)",
    "torch (0-1, mean/std)",
    "in the model",
]


class Transformer(Struct, frozen=True, forbid_unknown_fields=True):
    """The architecture of a vision transformer, as the constructors of KerasHub take it."""

    patch: int  # side of a patch in px
    width: int  # numbers that describe a patch
    blocks: int  # of attention and dense layers, one behind the other
    heads: int  # of each attention
    inner: int  # units of the dense layer inside a block
    trained_side: int  # of the pictures that the file's position embeddings are for, in px
    registers: int = 0  # tokens that stand for nothing in the picture


class Base(Struct, frozen=True, forbid_unknown_fields=True):
    """One base: an architecture without its classifier, and its published weights."""

    name: str  # how it is asked for: "mobilenet_v2"
    title: str  # how it is written in a report: "MobileNetV2"
    constructor: str  # its name in keras.applications; in keras_hub.models where there is a `transformer`
    size: int  # side of the square input that its weights were trained for, in pixels
    min_size: int  # smallest side that Keras builds it for, in pixels
    preprocessing: Preprocessing  # what happens to pixels 0-255 before its first layer
    features: int  # length of its pooled feature vector
    parameters: int  # numbers in the weights file, which has no classifier
    weights_file: str  # the file name that Keras looks for; PRESET/model.weights.h5 of KerasHub
    weights_url: str  # where the library's loader has it from
    weights_hash: str  # of that file: MD5, or SHA-256 where 64 digits; "" where Keras has none
    licence: str  # of the weights, as an SPDX expression
    source: str  # the paper, with its arXiv number
    trained_on: str  # pictures and labels behind the weights
    cut_points: tuple[str, ...]  # layers, in order, behind which everything can be opened for training
    builder: str = ""  # in recipe.BUILDERS, of a base that `starshift pretrain` made; "" for Keras's own
    arguments: dict[str, Any] = {}  # of that builder
    transformer: Transformer | None = None  # of a base of KerasHub, which needs the extra `hub`

    @property
    def weights_megabytes(self) -> int:
        """About how large the weights file is: 4 bytes a parameter, in MB (10⁶ bytes), rounded up."""
        return -(-self.parameters * 4 // 1_000_000)
