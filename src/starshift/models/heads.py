"""The last layer for each kind of target, the targets in its form, and its outputs as probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from starshift.errors import UsageError

if TYPE_CHECKING:
    from keras import KerasTensor, Regularizer


def classification_head(
    x: KerasTensor, classes: int, penalty: Regularizer | None = None, *, name: str = "head"
) -> KerasTensor:
    """End a network that tells `classes` classes apart.

    x: (N, features). penalty: on the kernel. Returns float32 (N, 1), the probability of the second class, for
    two classes, as the seeds have it; float32 (N, classes), rows sum to 1, for more. Raises UsageError below
    two classes.
    """
    from keras import layers

    _refuse_below_two(classes)
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    # float32 even under a mixed policy: bfloat16 has 8 significant bits, too few for a log loss.
    return layers.Dense(units, activation=activation, dtype="float32", kernel_regularizer=penalty, name=name)(x)


def shape_targets(targets: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """Class indices (N,) in the form of `classification_head`, in which targets can be mixed and smoothed.

    Returns float32 (N, 1) for two classes, one-hot (N, classes) for more. Raises UsageError below two classes.
    """
    _refuse_below_two(classes)
    if classes == 2:
        return targets.astype(np.float32)[:, None]
    return np.eye(classes, dtype=np.float32)[targets]


def class_weights(targets: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """What a picture of each class counts in a loss, so that all classes count the same and a picture 1 on average.

    N over (classes present times pictures of the class), as scikit-learn's class_weight="balanced" has it. targets:
    int (N,). Returns float32 (classes,); 0 for a class that is absent.
    """
    counts = np.bincount(targets, minlength=classes)
    shares = len(targets) / ((counts > 0).sum() * np.maximum(counts, 1))
    return np.where(counts > 0, shares, 0).astype(np.float32)


def probabilities(outputs: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """Turn what `classification_head` puts out into one column per class.

    outputs: (N, 1) or (N,) for two classes, (N, classes) otherwise. Returns float32 (N, classes), rows sum
    to 1. Raises UsageError for any other shape.
    """
    _refuse_below_two(classes)
    outputs = np.asarray(outputs, dtype=np.float32)
    if classes == 2 and outputs.shape in ((len(outputs),), (len(outputs), 1)):
        second = outputs.reshape(-1, 1)
        return np.concatenate([1 - second, second], axis=1)
    if outputs.ndim != 2 or outputs.shape[1] != classes:
        raise UsageError(f"Outputs of shape {outputs.shape} do not belong to {classes} classes.")
    return outputs


def _refuse_below_two(classes: int) -> None:
    if classes < 2:
        raise UsageError(f"A network has to tell at least 2 classes apart, not {classes}.")
