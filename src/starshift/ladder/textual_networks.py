"""Networks over words as rungs: dense layers on multi-hot words, and blocks over embedded words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from starshift import seeds
from starshift.ladder.materials import Materials, Model
from starshift.ladder.pacing import correct, known_or_measured
from starshift.ladder.scratch import NONDETERMINISTIC, in_words
from starshift.ladder.textual import in_a_row, learnware_of, orders_for, texts_of, training_words
from starshift.models import ngrams
from starshift.models.ngrams import Grams
from starshift.models.texts import VOCABULARY, bag, sequence
from starshift.recipe import Recipe, digest
from starshift.records import Epoch, Learnware

if TYPE_CHECKING:
    from starshift.training.pace import Pace

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
    name = _pace_name(recipe, materials)

    def measure() -> Pace:
        from starshift.training.pace import measure_pace

        materials.progress.say(f"Measuring how fast this machine trains {recipe.builder} (once) …")
        columns = arguments["words"] if recipe.builder == BAG else arguments["length"]
        row = np.ones((1, columns), np.float32 if recipe.builder == BAG else np.int32)
        build = _builder(recipe, materials, arguments["words"])
        return measure_pace(recipe, build, heads=(materials.target,), like=row, policy=POLICY)

    pace = known_or_measured(materials.paces, name, measure)
    return pace.seconds(recipe, len(materials.split.train), len(materials.split.validation))


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Make the vocabulary of the training part and train the network.

    Raises TrainingDiverged where not one epoch went well.
    """
    from starshift.training.fit import train

    settled, grams, inputs = inputs_for(recipe, materials)
    materials.progress.start("training", sum(stage.epochs for stage in recipe.stages))
    trained = train(
        settled,
        _builder(settled, materials, len(grams)),
        inputs,
        materials.targets,
        materials.split,
        heads=(materials.target,),
        seed=seeds.child(materials.seed, recipe.builder),
        groups=materials.groups,
        policy=POLICY,
        own=materials.functions(recipe),
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    if trained.diverged:
        materials.progress.say(trained.diverged)
    else:
        texts = len(materials.split.train), len(materials.split.validation)
        correct(materials.paces, _pace_name(recipe, materials), recipe, trained.history, *texts)
    details = {
        "parameters": f"{sum(array.size for array in trained.weights.values()):,}",
        **_told(settled, grams),
        **in_words(settled),
        "weights": trained.kept,
        **({"stopped": trained.diverged} if trained.diverged else {}),
    }
    tensors = {**trained.weights, **trained.scales, **grams.tensors(VOCABULARY)}
    return Model(learnware_of(settled, materials), tensors, trained.history, details, NONDETERMINISTIC)


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


def _builder(recipe: Recipe, materials: Materials, words: int) -> Callable[[], Any]:
    arguments, target = recipe.arguments, materials.target

    def build() -> Any:
        from starshift.models import texts

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

    return build


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    """What a pace depends on."""
    stage = recipe.stages[0]
    how = digest(recipe.arguments, stage.optimizer, stage.loss, stage.average > 0)[:8]
    classes = len(materials.target.classes)
    return f"training {recipe.builder}, {classes} classes, batches of {stage.batch_size}, {how}"
