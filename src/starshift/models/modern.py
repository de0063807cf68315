"""A small network as it is built today: residual or inception blocks, normalized, with global average pooling.

Each of the seeds' tricks for training deep networks is a switch of its own, so that each can be measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from starshift.errors import UsageError
from starshift.models.blocks import (
    Style,
    activated,
    convolution,
    inception_block,
    preactivated_block,
    residual_block,
)
from starshift.models.heads import as_outputs, heads_on
from starshift.records import Target

STEM_STRIDE = 4
"""How much smaller sides are behind the stem."""


def smallest_side(blocks: Sequence[int]) -> int:
    """The smallest side (px) of pictures: the last stage then has 1 px."""
    return STEM_STRIDE * 2 ** (len(blocks) - 1)


def modern(
    input_shape: Sequence[int | None],
    heads: Sequence[Target],
    *,
    width: int = 48,
    blocks: Sequence[int] = (2, 2, 2),
    kind: str = "residual",
    norm: str = "weights",
    skip: bool | None = None,
    auxiliary: bool = False,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    training: bool = False,
) -> keras.Model:
    """About 1.6 million parameters for two classes by default: a stem of two convolutions, stages of blocks, a head.

    input_shape: (height, width, channels) of pictures, uint8 or float, 0-255; height and width None for any.
    heads: what it predicts; they share all that is before them.
    width: filters of the first stage; each stage doubles them and halves the sides. blocks: how many in each stage.
    kind: "residual" or "inception". norm: "batch" for batch norm, "weights" for standardized kernels, "none".
    skip: whether residual blocks have the way past them (yes by default); inception blocks have none.
    auxiliary: heads behind every stage but the last, whose losses bring the gradient to the first layers (gradient
    injection); only in the model for `training`, as outputs after the others. dropout: share dropped before the head.
    drop_path: share of pictures for which a residual block is left out, while it is trained. l1, l2: penalties on all
    kernels.
    Returns a model with float32 outputs as models.heads.head has them. Raises UsageError for pictures below
    `smallest_side(blocks)` and for inception blocks with skip.
    """
    _check(input_shape, blocks, kind, skip)
    style = Style(norm, keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None, drop_path)
    inputs = keras.Input(tuple(input_shape), name="pixels")
    # About zero mean and unit variance for photographs; in float32, since a mixed policy would round the pixels.
    x = layers.Rescaling(1 / 64, offset=-1.9, dtype="float32", name="standardize")(inputs)
    x = activated(x, max(width // 2, 1), style, name="stem_1", stride=2, scale=1.0)
    x, ends = _stages(x, width, blocks, kind, style, skip is not False)
    others = []
    if auxiliary and training:
        for number, end in enumerate(ends[:-1], start=1):
            pooled = layers.GlobalAveragePooling2D(dtype="float32", name=f"auxiliary{number}_pool")(end)
            others += heads_on(pooled, heads, style.penalty, stem=f"auxiliary{number}")
    x = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, as_outputs([*heads_on(x, heads, style.penalty), *others]), name="modern")


def _stages(
    x: keras.KerasTensor, width: int, blocks: Sequence[int], kind: str, style: Style, skip: bool
) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
    """The stem's second convolution and all blocks: what comes out, activated, and the same of every stage."""
    before = kind == "residual" and style.norm == "weights"  # then ReLUs stand before convolutions, not behind them
    stem = convolution if before else activated
    x = stem(x, width, style, name="stem_2", stride=2)
    variance, ends = 1.0, []
    for stage, count in enumerate(blocks):
        for number in range(count):
            name, stride = f"stage{stage + 1}_block{number + 1}", 2 if stage and not number else 1
            filters = width * 2**stage
            if before:
                x, variance = preactivated_block(
                    x, filters, style, name=name, variance=variance, stride=stride, skip=skip
                )
            elif kind == "inception":
                x = inception_block(x, filters, style, name=name, stride=stride)
            else:
                x = residual_block(x, filters, style, name=name, stride=stride, skip=skip)
        ends.append(layers.ReLU(name=f"stage{stage + 1}_relu")(x) if before else x)
    return ends[-1], ends


def _check(input_shape: Sequence[int | None], blocks: Sequence[int], kind: str, skip: bool | None) -> None:
    problems = []
    if kind == "inception" and skip:
        problems.append("Inception blocks have no skip connection; take kind=residual for it, or leave skip out.")
    side = min((side for side in input_shape[:2] if side is not None), default=None)
    if side is not None and side < smallest_side(blocks):
        problems.append(
            f"Pictures of {side} px are too small for {len(blocks)} stages, which need at least "
            f"{smallest_side(blocks)} px on each side. Give a larger --size, or fewer stages."
        )
    if problems:
        raise UsageError(problems)
