"""What a user's own builder, loss and metrics must keep to, tried on a few pictures before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from starshift.models import heads
from starshift.records import Target
from starshift.training.keras_setup import load_keras, precision
from starshift.training.losses import own_loss
from starshift.training.metrics import name_of, own_figure

POLICY = "float32"
"""Own networks are built and trained in it: which of their layers bear bfloat16 only their maker knows."""

TRIED = 8
"""Pictures of random pixels that a network is tried on."""


def build(builder: Callable[..., Any], size: int, classes: int) -> Any:
    """The user's network for pictures of `size` px, in float32."""
    load_keras()
    with precision(POLICY):
        return builder((size, size, 3), classes)


def network_problems(model: Any, size: int, classes: int) -> list[str]:
    """Everything that keeps a network from being trained and saved, as sentences. model: what the builder gave."""
    keras = load_keras()
    if not isinstance(model, keras.Model):
        return [f"It gave {_an(type(model).__name__)}; a keras.Model is needed, such as keras.Model(inputs, outputs)."]
    if not getattr(model, "inputs", None):
        return [
            "Its network has no input yet, so that nothing can be told of it. Begin with keras.Input(input_shape), "
            "also in a Sequential."
        ]
    problems = [*_input_problems(model, size), *_weight_problems(model), *_shape_problems(model, classes)]
    return problems or _answer_problems(model, size, classes)


def _input_problems(model: Any, size: int) -> list[str]:
    if len(model.inputs) > 1:
        return [f"It has {len(model.inputs)} inputs; there is one, the pictures."]
    found = tuple(model.inputs[0].shape)[1:]
    fits = len(found) == 3 and all(side in (None, wanted) for side, wanted in zip(found, (size, size, 3), strict=True))
    if fits:
        return []
    return [
        f"Its input has the shape {found}; pictures come as {(size, size, 3)}, uint8 from 0 to 255. Take the "
        "input_shape that the builder is given."
    ]


def _weight_problems(model: Any) -> list[str]:
    if not model.trainable_weights:
        return ["It has no weights that could be trained."]
    paths = [variable.path for variable in model.weights]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        return [f"Two of its weights have the same name, {twice[0]!r}; give its layers and weights names of their own."]
    return []


def _shape_problems(model: Any, classes: int) -> list[str]:
    if len(model.outputs) > 1:
        return [f"It has {len(model.outputs)} outputs; one is needed, the probabilities."]
    wanted, found = 1 if classes == 2 else classes, tuple(model.outputs[0].shape)
    if len(found) == 2 and found[1] == wanted:
        return []
    told = "(N, 1), the probability of the second class (a sigmoid)" if classes == 2 else f"(N, {classes}) (a softmax)"
    shown = ", ".join("N" if side is None else str(side) for side in found)
    return [f"Its output has the shape ({shown}); for {classes} classes it must be {told}."]


def _answer_problems(model: Any, size: int, classes: int) -> list[str]:
    """Whether it gives probabilities: by its last layer, and by what it says of random pixels."""
    end = "sigmoid" if classes == 2 else "softmax"
    advice = f"End it with activation={end!r}."
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
    if activation == "linear":
        return [f"Its last layer has no activation, so that it gives no probabilities. {advice}"]
    answers = np.asarray(model.predict_on_batch(_random_pixels(size)), np.float32)
    if not np.isfinite(answers).all():
        return ["Of random pixels it says NaN or infinity. Scale the pixels, 0 to 255, in its first layer."]
    if answers.min() < 0 or answers.max() > 1:
        return [f"Its outputs run from {answers.min():.3g} to {answers.max():.3g}; probabilities are needed. {advice}"]
    if classes > 2 and np.abs(answers.sum(axis=1) - 1).max() > 0.01:
        return [f"Its outputs do not sum to 1 over the {classes} classes. {advice}"]
    return []


def _random_pixels(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (TRIED, size, size, 3), dtype=np.uint8)


def loss_problems(function: Callable[..., Any], classes: int) -> list[str]:
    """What is wrong with a loss, as sentences. function: (targets, outputs) → (N,)."""
    targets, outputs = _made_up(classes)
    found = np.asarray(own_loss(function).call(targets, outputs))
    if found.shape != (TRIED,):
        return [
            f"The loss {function.__name__} gives the shape {found.shape} for {TRIED} pictures; one number for each is "
            f"needed, ({TRIED},). Take the mean over the last axis only."
        ]
    return [] if np.isfinite(found).all() else [f"The loss {function.__name__} gives NaN or infinity."]


def metric_problems(metrics: Sequence[Any], classes: int, named: Sequence[str] = ()) -> list[str]:
    """What is wrong with metrics of one's own, as sentences. named: those in recipe.METRICS that stand beside them."""
    problems = []
    for metric in metrics:
        try:
            own_figure(metric, *_made_up(classes))
        except (TypeError, ValueError) as error:  # of any library: what it cannot make a number of
            problems.append(f"The metric {name_of(metric)} gives no number: {error}")
    names = [*named, *(name_of(metric) for metric in metrics)]
    problems += [f"Two metrics are called {name!r}." for name in dict.fromkeys(names) if names.count(name) > 1]
    return problems


def _made_up(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets and outputs as training has them."""
    generator = np.random.default_rng(0)
    target = Target.of_classes([str(number) for number in range(classes)])
    targets = heads.shape_targets(target, np.arange(TRIED) % classes)
    outputs = generator.dirichlet(np.ones(max(classes, 2)), TRIED).astype(np.float32)
    return targets, outputs[:, :1] if classes == 2 else outputs


def _an(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
