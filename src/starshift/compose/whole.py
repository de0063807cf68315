"""A saved model of pictures as one Keras network in float32, from pixels to answers: for exports and for Grad-CAM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from starshift.compose import finetuned
from starshift.compose.finetuned import BESIDE
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.data.decode import Frame
from starshift.errors import RunError
from starshift.models import heads
from starshift.records import InputContract, Learnware

if TYPE_CHECKING:
    from keras import KerasTensor, Model

Tensors = dict[str, np.ndarray]

SCRATCH = ("convnet", "convnet-28px", "modern", "truncated")
"""Builders of networks whose every weight is the model's own."""

BESIDE_HEAD = "beside"
"""The stem of the names of heads on the frozen bases that a fine-tuned network is averaged with."""


def assemble(learnware: Learnware, tensors: Tensors, cache: Path) -> Model:
    """The saved model as one Keras network.

    Input: float32 pixels 0-255, RGB, (N, size, size, 3). Outputs: what compose.predictor.Predictor says in float32,
    temperature included, one for each target, and no list where there is one: of classes float32 (N, classes), rows
    sum to 1; of labels (N, labels); of a number (N,), in the target's unit.

    Layers keep the names that builders and bases give them, and stand side by side in one graph, so that
    `model.get_layer(name).output` can be asked for; training.explain finds the last maps so. Nested are only bases
    behind the first, those that look at a smaller size, and what a fine-tuned network is averaged with.

    Raises RunError for a model that is no such network, or whose tensors do not fit; MissingWeights where the weights
    of its bases are not at hand.
    """
    refuse_others(learnware)
    from starshift.models import answering

    pixels, found = _answers(learnware, tensors, cache)
    if learnware.target.is_classes:
        found[0] = answering.tempered(found[0], learnware.temperature)
    named = [answering.named(one, heads.layer_name(place, "answer")) for place, one in enumerate(found)]
    model = _model(pixels, named)
    if learnware.arguments.get("beside"):
        own = _own(tensors)
        for place in range(len(learnware.targets)):
            name = heads.layer_name(place)
            weights = [own[f"{name}/kernel"], own[f"{name}/bias"]]
            model.get_layer(heads.layer_name(place, BESIDE_HEAD)).set_weights(weights)
    return model


def refuse_others(learnware: Learnware) -> None:
    """Raise RunError for what `assemble` cannot put together, in the words of what it is instead."""
    name = learnware.name
    if not isinstance(learnware.input, InputContract):
        raise RunError(f"{name!r} takes no pictures; only models of pictures can be put together as one network.")
    if learnware.apart:
        raise RunError(
            f"{name!r} is {len(learnware.apart)} models, one for each target, that share nothing; as one network they "
            "are not put together. Fit with sharing=true, or one target at a time."
        )
    if learnware.members:
        raise RunError(
            f"{name!r} is {len(learnware.members)} models that answer together, and they are not put together as one "
            "network. The rung distilled teaches one network what they say: --rungs distilled."
        )
    if learnware.builder == "majority":
        raise RunError(f"{name!r} is the baseline, which looks at no picture: there is no network in it.")
    if learnware.builder == "own":
        raise RunError(
            f"The network of {name!r} was built by the user's own function, and nothing that is loaded runs code. "
            "Your function gives the Keras model; its weights are in model.safetensors."
        )
    if learnware.builder == "reader":
        raise RunError(f"{name!r} spells out strings from what its network says, which is no layer of it.")
    if learnware.builder not in (*SCRATCH, "frozen", "fine-tuned"):
        raise RunError(f"{name!r} is built by {learnware.builder!r}, which cannot be put together as one network yet.")


def _answers(learnware: Learnware, tensors: Tensors, cache: Path) -> tuple[KerasTensor, list[Any]]:
    """Pixels, and the answers for each target before the temperature."""
    from starshift.models import answering

    network = _network(learnware, tensors, cache)
    scales = heads.scales_in(tensors, learnware.targets)
    found = _each(learnware, network.outputs, scales)
    several = [found]
    if learnware.arguments.get("mirrored"):
        # Not by calling it, which would nest it: run through anew, its layers stand in the same graph a second time.
        turned = network.call(answering.mirrored(network.input))
        several.append(_each(learnware, turned if isinstance(turned, list) else [turned], scales))
    answers = _together(learnware, several)
    if learnware.arguments.get("beside"):
        answers = _together(learnware, [answers, _beside(learnware, tensors, cache, network)])
    return network.input, answers


def _each(learnware: Learnware, outputs: Any, scales: Any) -> list[Any]:
    from starshift.models import answering

    return [answering.answers(*one) for one in zip(learnware.targets, outputs, scales, strict=True)]


def _together(learnware: Learnware, several: list[list[Any]]) -> list[Any]:
    """Target by target; one alone stays as it is."""
    from starshift.models import answering

    if len(several) == 1:
        return several[0]
    by_target = zip(learnware.targets, *several, strict=True)
    return [answering.together(target, *each) for target, *each in by_target]


def _network(learnware: Learnware, tensors: Tensors, cache: Path) -> Model:
    """The network with its weights and without what follows its heads: outputs as models.heads.head has them."""
    if learnware.builder == "fine-tuned":
        return finetuned.assemble(learnware, tensors, _bases(learnware, cache)[0])
    if learnware.builder == "frozen":
        from starshift.models.assemble import assemble as on_frozen

        return on_frozen(learnware, tensors)
    from starshift.models import declared, scratch
    from starshift.training.weights import write_weights

    size, own = learnware.picture.size, heads.without_scales(tensors)
    declared.refuse_others(learnware.builder, size, learnware.targets, learnware.arguments, own)
    model = scratch.build(learnware.builder, (size, size, 3), learnware.targets, learnware.arguments)
    write_weights(model, own)
    return model


def _bases(learnware: Learnware, cache: Path) -> tuple[FrozenBase, ...]:
    """Of a fine-tuned model: its own first, then the others of what it is averaged with."""
    frame = Frame(learnware.picture.size, cast(Any, learnware.picture.fit))
    return FrozenBases.known(learnware.bases, frame, "f32", cache).bases


def _beside(learnware: Learnware, tensors: Tensors, cache: Path, network: Model) -> list[Any]:
    """What the frozen model says that a fine-tuned one is averaged with. network: the fine-tuned one.

    Below the cut its first base is the fine-tuned network itself, and is not computed a second time.
    """
    from starshift.models import pretrained
    from starshift.models.opened import behind, linear_head

    first, *others = _bases(learnware, cache)
    cut = learnware.arguments["cut"]
    whole = pretrained.build(first.base, first.own_weights(), size=first.size)
    features = [behind(whole, cut)(network.get_layer(cut).output)]
    for base in others:
        features.append(pretrained.build(base.base, base.own_weights(), size=base.size)(network.input))
    outputs = linear_head(features, learnware.targets, stem=BESIDE_HEAD)
    return _each(learnware, outputs, heads.scales_in(_own(tensors), learnware.targets))


def _own(tensors: Tensors) -> Tensors:
    """Those of the frozen model beside."""
    return {name.removeprefix(BESIDE): array for name, array in tensors.items() if name.startswith(BESIDE)}


def _model(inputs: Any, outputs: list[Any]) -> Model:
    from starshift.training.keras_setup import load_keras

    return load_keras().Model(inputs, heads.as_outputs(outputs), name="assembled")
