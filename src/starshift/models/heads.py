"""Heads: for each kind of target its last layer, labels in its form, and its outputs as answers.

| kind        | last layer                   | labels in its form            | answers                               |
|-------------|------------------------------|-------------------------------|---------------------------------------|
| binary      | 1 unit, sigmoid              | 0 or 1                        | probabilities of both classes         |
| multi-class | 1 unit per class, softmax    | one-hot                       | probabilities of all classes          |
| multi-label | 1 unit per label, sigmoid    | 0 or 1 each                   | a probability of each label           |
| regression  | 1 unit, linear               | the number, standardized      | the number in the target's unit       |
| share       | 1 unit, sigmoid              | the number                    | the number                            |

Source: the table of last layers and losses in seed 001; `training.losses` has the losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from starshift.errors import RunError, UsageError
from starshift.models import reader
from starshift.records import Target

if TYPE_CHECKING:
    from keras import KerasTensor, Regularizer

SCALE = "target"
"""What the names of tensors begin with that hold a number's mean and scale."""


class Scale(NamedTuple):
    """How numbers are standardized: by mean and standard deviation over the training part, in the target's unit."""

    mean: float
    scale: float


def layer_name(place: int, stem: str = "head") -> str:
    """The name of a head's layer by the place of its target among the model's, from 0: "head", "head_2", …

    By place and not by the target's name, which may hold what no layer's name may.
    """
    return stem if place == 0 else f"{stem}_{place + 1}"


def outputs_of(target: Target) -> int:
    """How many numbers a head puts out for one example."""
    if target.is_classes:
        _refuse_below_two(len(target.classes))
    _refuse_strings(target)
    return len(target.classes) if target.kind in ("multi-class", "multi-label") else 1


def heads_on(
    x: KerasTensor, targets: Sequence[Target], penalty: Regularizer | None = None, *, stem: str = "head"
) -> list[KerasTensor]:
    """A head for each target on what a network has found: float32 (N, outputs) each, in their order.

    x: (N, features). penalty: on the kernels. stem: of the layers' names, see `layer_name`.
    """
    return [head(x, target, penalty, name=layer_name(place, stem)) for place, target in enumerate(targets)]


def as_outputs(found: Sequence[KerasTensor]) -> Any:
    """Heads as keras.Model takes them: one alone is no list."""
    return found[0] if len(found) == 1 else list(found)


def head(x: KerasTensor, target: Target, penalty: Regularizer | None = None, *, name: str = "head") -> KerasTensor:
    """End a network that predicts one target.

    x: (N, features). penalty: on the kernel. Returns float32 (N, outputs): of two classes the probability of the
    second, as the seeds have it; of more classes one each, rows sum to 1; see the table above. Raises UsageError below
    two classes.
    """
    from keras import layers

    activation = {"multi-class": "softmax", "regression": "linear"}.get(target.kind, "sigmoid")
    units = outputs_of(target)
    # float32 even under a mixed policy: bfloat16 has 8 significant bits, too few for a log loss.
    return layers.Dense(units, activation=activation, dtype="float32", kernel_regularizer=penalty, name=name)(x)


# ----------------------------------------------------------------------------------------------------
# Labels


def standardized_by(target: Target, encoded: np.ndarray[Any, Any]) -> Scale | None:
    """How the numbers of a target are standardized; None for kinds that are not.

    encoded: of the training part, as Target.encode has them. Numbers that are all equal keep their unit. Raises
    UsageError where no number is known.
    """
    if target.kind != "regression":
        return None
    known = encoded[target.known(encoded)]
    if not len(known):
        raise UsageError(f"No example of the training part has a number for {target.name!r}; there is nothing to fit.")
    return Scale(float(known.mean()), float(known.std()) or 1.0)


def shape_targets(
    target: Target, encoded: np.ndarray[Any, Any], scale: Scale | None = None
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Labels as Target.encode has them in the form of the head, in which they can be mixed and smoothed.

    scale: what `standardized_by` gave. Returns float32 (N, outputs); a row of NaN where the label is missing, which
    the losses leave out.
    """
    if target.kind == "string":
        return reader.shape_strings(target, encoded)
    outputs_of(target)  # refuses what no head is for
    known = target.known(encoded)
    if target.kind == "multi-class":
        shaped = np.eye(len(target.classes), dtype=np.float32)[encoded]
    elif scale is not None:
        shaped = ((encoded - scale.mean) / scale.scale).astype(np.float32)[:, None]
    else:
        shaped = encoded.astype(np.float32).reshape(len(encoded), -1)
    if not known.all():
        shaped[~known] = np.nan
    return shaped


def class_weights(targets: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """What a picture of each class counts in a loss, so that all classes count the same and a picture 1 on average.

    N over (classes present times pictures of the class), as scikit-learn's class_weight="balanced" has it. targets:
    int (N,). Returns float32 (classes,); 0 for a class that is absent.
    """
    counts = np.bincount(targets, minlength=classes)
    shares = len(targets) / ((counts > 0).sum() * np.maximum(counts, 1))
    return np.where(counts > 0, shares, 0).astype(np.float32)


# ----------------------------------------------------------------------------------------------------
# Answers


def answers(target: Target, outputs: np.ndarray[Any, Any], scale: Scale | None = None) -> np.ndarray[Any, Any]:
    """What a head puts out, as records.answers_for takes it.

    outputs: (N, outputs), or (N,) for one. scale: what `standardized_by` gave. Returns float32 (N, classes) for
    classes, rows sum to 1; float32 (N, labels) for labels; float64 (N,) for numbers, in the target's unit. Raises
    UsageError for outputs of another shape.
    """
    if target.is_classes:
        return probabilities(outputs, len(target.classes))
    if target.kind == "string":
        return reader.spelled(outputs, target.classes)
    wanted = outputs_of(target)
    outputs = np.asarray(outputs, dtype=np.float32)
    if target.kind == "multi-label":
        if outputs.shape[1:] != (wanted,):
            raise UsageError(f"Outputs of shape {outputs.shape} do not belong to the {wanted} labels of {target.name}.")
        return outputs
    if outputs.shape not in ((len(outputs),), (len(outputs), 1)):
        raise UsageError(f"Outputs of shape {outputs.shape} are not one number each, as {target.name} wants.")
    numbers = outputs.reshape(-1).astype(np.float64)
    return numbers if scale is None else numbers * scale.scale + scale.mean


def probabilities(outputs: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """What a head for classes puts out, with one column per class.

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


# ----------------------------------------------------------------------------------------------------
# Scales as tensors of a saved model


def scale_tensors(scales: Sequence[Scale | None]) -> dict[str, np.ndarray[Any, Any]]:
    """ "target/mean" and "target/scale" of each target that is standardized, float64 (1,): see `layer_name`."""
    return {
        f"{layer_name(place, SCALE)}/{part}": np.array([value])
        for place, scale in enumerate(scales)
        if scale is not None
        for part, value in scale._asdict().items()
    }


def scales_in(tensors: Mapping[str, np.ndarray[Any, Any]], targets: Sequence[Target]) -> tuple[Scale | None, ...]:
    """The inverse of `scale_tensors`. Raises RunError where one lacks or is no number above 0."""
    return tuple(_scale_in(tensors, place) if one.kind == "regression" else None for place, one in enumerate(targets))


def _scale_in(tensors: Mapping[str, np.ndarray[Any, Any]], place: int) -> Scale:
    found = []
    for part in Scale._fields:
        name = f"{layer_name(place, SCALE)}/{part}"
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != (1,) or not np.isfinite(tensor[0]):
            raise RunError(f"The model has no usable {name!r}, by which its numbers are brought into their unit.")
        found.append(float(tensor[0]))
    if found[1] <= 0:
        raise RunError(f"The model's {layer_name(place, SCALE)}/scale is {found[1]:g}; it must be above 0.")
    return Scale(*found)


def without_scales(tensors: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """The tensors that are a network's own."""
    return {name: array for name, array in tensors.items() if not _is_scale(name)}


def _is_scale(name: str) -> bool:
    stem, slash, part = name.partition("/")
    numbered = stem.removeprefix(f"{SCALE}_")
    return bool(slash) and part in Scale._fields and (stem == SCALE or (numbered != stem and numbered.isdigit()))


def _refuse_below_two(classes: int) -> None:
    if classes < 2:
        raise UsageError(f"A network has to tell at least 2 classes apart, not {classes}.")


def _refuse_strings(target: Target) -> None:
    if target.kind == "string":
        raise UsageError(f"{target.name!r} is a string, which the rung reader alone can read.")
