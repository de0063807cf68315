"""What is done with a network's outputs until they are answers, as part of its graph: see models.heads.answers,
compose.finetuned.together and evaluation.calibration.scaled, which do the same to arrays.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from starshift.models.heads import Scale
from starshift.records import Target

SMALLEST_AVERAGED = 1e-7
"""As compose.ensemble.SMALLEST_PROBABILITY."""

SMALLEST_OF_TWO, SMALLEST_OF_MORE = 2.0**-24, 1e-12
"""As evaluation.calibration takes an answer of 0: of two classes, and of more."""


def answers(target: Target, outputs: Any, scale: Scale | None = None) -> Any:
    """A head's outputs (N, outputs) as answers: (N, classes), rows sum to 1; (N, labels); (N,) of a number."""
    if target.is_number:
        number = ops.squeeze(outputs, axis=1)
        return number if scale is None else number * scale.scale + scale.mean
    return _both(outputs) if target.kind == "binary" else outputs


def together(target: Target, *several: Any) -> Any:
    """Several answers for one target as one: of classes and labels the mean of their logits, of numbers their mean."""
    if target.is_number:
        return sum(several[1:], several[0]) / len(several)
    if target.is_classes:
        return _averaged(several)
    yes, no = (_logarithms(several), _logarithms([1 - one for one in several]))
    return ops.sigmoid(yes - no)


def tempered(answers: Any, temperature: float) -> Any:
    """Probabilities (N, classes) whose logarithms are divided by `temperature`; 1.0 leaves them as they are."""
    if temperature == 1.0:
        return answers
    smallest = SMALLEST_OF_TWO if answers.shape[1] == 2 else SMALLEST_OF_MORE
    return ops.softmax(ops.log(ops.maximum(answers, smallest)) / temperature)


def mirrored(pixels: Any) -> Any:
    """Pictures (N, h, w, c) with left and right exchanged."""
    return ops.flip(pixels, axis=2)


def named(answers: Any, name: str) -> Any:
    """The same under a name by which an exported graph's output is found."""
    return layers.Activation("linear", dtype="float32", name=name)(answers)


def _both(second: Any) -> Any:
    """Of two classes: (N, 1), the second's probability → (N, 2)."""
    return layers.Concatenate(dtype="float32", name=None)([1 - second, second])


def _averaged(several: Any) -> Any:
    return ops.softmax(_logarithms(several))


def _logarithms(several: Any) -> Any:
    """The mean of several answers' logarithms."""
    logarithms = [ops.log(ops.maximum(one, SMALLEST_AVERAGED)) for one in several]
    return sum(logarithms[1:], logarithms[0]) / len(logarithms)
