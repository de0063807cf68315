"""Networks over words as rungs: dense layers on multi-hot words, and blocks over embedded words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import numpy as np

from starshift import seeds
from starshift.ladder import networks
from starshift.ladder.materials import Materials, Model
from starshift.ladder.textual import in_a_row, learnware_of, orders_for, texts_of, training_words
from starshift.models import ngrams
from starshift.models.ngrams import Grams
from starshift.models.texts import VOCABULARY, bag, sequence
from starshift.recipe import Recipe, digest
from starshift.records import Epoch, Learnware

POLICY = "float32"
"""These networks are small; what they cost is the embedding and the loop, which a coarser form does not speed up."""

BAG, SEQUENCE = "word-bag", "word-sequence"
"""Builders: which words a text has, and in which order."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed."""
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, from a few steps that are timed now unless they were in an earlier run."""
    arguments = recipe.arguments
    columns = arguments["words"] if recipe.builder == BAG else arguments["length"]
    return networks.seconds(
        recipe,
        materials,
        partial(_network, recipe, materials, arguments["words"]),
        _pace_name(recipe, materials),
        f"trains {recipe.builder}",
        like=lambda: np.ones((1, columns), np.float32 if recipe.builder == BAG else np.int32),
        policy=POLICY,
    )


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Make the vocabulary of the training part and train the network.

    Raises TrainingDiverged where not one epoch went well.
    """
    settled, grams, inputs = inputs_for(recipe, materials)
    build, pace_name = partial(_network, settled, materials, len(grams)), _pace_name(recipe, materials)
    seed = seeds.child(materials.seed, recipe.builder)
    trained = networks.train(settled, materials, build, pace_name, inputs, on_epoch, seed=seed, policy=POLICY)
    details = {
        "parameters": f"{trained.parameters:,}",
        **_told(settled, grams),
        **networks.told(settled, materials, trained),
    }
    tensors = {**trained.weights, **trained.scales, **grams.tensors(VOCABULARY)}
    return Model(learnware_of(settled, materials), tensors, trained.history, details, networks.NONDETERMINISTIC)


def inputs_for(recipe: Recipe, materials: Materials) -> tuple[Recipe, Grams, Any]:
    """The recipe with what the training part settles, its vocabulary, and all texts as the network takes them.

    Of a bag a csr_array, float32 (N, columns); of a sequence int32 (N, length).
    """
    words, training = texts_of(materials).words, training_words(materials)
    arguments = recipe.arguments
    if recipe.builder == BAG:
        orders = orders_for((1,), training)
        grams = ngrams.learn(training, orders, least=1, most=arguments["words"])
        settled = {**arguments, "orders": orders}
        inputs = bag(grams, words, counted=arguments.get("counted", False))
    else:
        grams = ngrams.learn(training, (1,), least=1, most=arguments["words"])
        longest = int(training.lengths.max(initial=1))
        settled = {**arguments, "length": min(arguments["length"], max(8, longest))}
        inputs = sequence(grams, words, settled["length"])
    return msgspec.structs.replace(recipe, arguments=settled), grams, inputs


def _told(recipe: Recipe, grams: Grams) -> dict[str, str]:
    """Input and network for a reader."""
    arguments = recipe.arguments
    if recipe.builder == BAG:
        how = "how often a text has each" if arguments.get("counted") else "which of them a text has"
        unit = f"n-grams of {in_a_row(grams.orders)} words" if len(grams.orders) > 1 else "words"
        layers = ", ".join(map(str, arguments["units"]))
        return {"input": f"the {len(grams):,} commonest {unit}: {how}", "network": f"dense layers of {layers} units"}
    blocks = {
        "convolution": f"convolutions of {', '.join(map(str, arguments['filters']))} filters over "
        f"{arguments['kernel']} words",
        "pooling": "mean and maximum over the words",
    }
    recurrent = f"{arguments['block'].upper()} of {arguments['recurrent']} units, in both directions"
    return {
        "input": f"the last {arguments['length']:,} words of a text, of the {len(grams):,} commonest",
        "network": f"{arguments['width']} numbers per word, {blocks.get(arguments['block'], recurrent)}",
    }


def _network(recipe: Recipe, materials: Materials, words: int) -> Any:
    from starshift.models import texts

    arguments, target = recipe.arguments, materials.target
    dropout = arguments.get("dropout", 0.0)
    if recipe.builder == BAG:
        return texts.dense_network(words, target, units=arguments["units"], dropout=dropout)
    return texts.embedded_network(
        words,
        arguments["length"],
        target,
        block=arguments["block"],
        width=arguments["width"],
        filters=arguments["filters"],
        kernel=arguments["kernel"],
        units=arguments["recurrent"],
        dropout=dropout,
    )


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    """What a pace depends on."""
    stage = recipe.stages[0]
    how = digest(recipe.arguments, stage.optimizer, stage.loss, stage.average > 0)[:8]
    classes = len(materials.target.classes)
    return f"training {recipe.builder}, {classes} classes, batches of {stage.batch_size}, {how}"
