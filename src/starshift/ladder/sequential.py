"""Models of sequences as rungs: scaling by the training part, inner folds or training, tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
from msgspec import structs

from starshift import seeds
from starshift.compose.sequences import LINEAR
from starshift.data.sequences import Sequences
from starshift.evaluation.permits import rows_for
from starshift.ladder import networks
from starshift.ladder.materials import Materials, Model
from starshift.ladder.tabular import folds_of
from starshift.ladder.unfitted import unfitted
from starshift.models import tabular_blend
from starshift.models.sequences import CONVOLUTION, SUMMARIES, Scaling, steps_there, summaries
from starshift.models.tabular import Rows, Task
from starshift.recipe import Recipe, digest
from starshift.records import Epoch, Learnware

POLICY = "float32"
"""These networks are small; what they cost is the loop over steps, which a coarser form does not speed up."""

START_SECONDS, CELL_SECONDS = 0.1, 2e-7
"""Of a linear model: at the least, and per value and summary."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed."""
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take; of networks from a few steps that are timed now unless they were in an earlier run."""
    if recipe.builder == LINEAR:
        outputs = max(1, len(materials.target.classes))
        return START_SECONDS + CELL_SECONDS * sequences_of(materials).values.size * outputs
    return networks.seconds(
        recipe,
        materials,
        partial(_network, recipe, materials),
        _pace_name(recipe, materials),
        f"trains a {recipe.arguments['block']}",
        like=lambda: np.ones((1, *_shape(materials)), np.float32),
        policy=POLICY,
    )


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Fit on the training part. Raises TrainingDiverged where not one epoch went well."""
    return _fit_linear(recipe, materials) if recipe.builder == LINEAR else _fit_network(recipe, materials, on_epoch)


def sequences_of(materials: Materials) -> Sequences:
    """The content, where it is sequences."""
    return cast(Sequences, materials.content)


def _fit_linear(recipe: Recipe, materials: Materials) -> Model:
    sequences = sequences_of(materials)
    train = rows_for("weights", materials.split)
    columns = summaries(sequences.values[train], sequences.lengths[train])
    scaling = Scaling.fitted(columns)
    features = scaling.standardized(columns).astype(np.float64)
    task = Task(
        rows=Rows(features, features),
        targets=materials.targets[train],
        classes=0 if materials.target.is_number else len(materials.target.classes),
        folds=tuple(folds_of(materials)),
        seed=seeds.child(materials.seed, "sequences"),
    )
    learned = tabular_blend.fit("linear", task)
    summed = f"{', '.join(SUMMARIES)} of {len(sequences.features):,} features, and the number of steps"
    details = {"model": learned.said, "looks at": summed}
    return Model(_learnware(recipe, materials), scaling.tensors | learned.tensors, details=details)


def _fit_network(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    scaling, sequences = scaling_of(materials), sequences_of(materials)
    trained = networks.train(
        recipe,
        materials,
        partial(_network, recipe, materials),
        _pace_name(recipe, materials),
        scaling.channels(sequences.values, sequences.lengths),
        on_epoch,
        seed=seeds.child(materials.seed, recipe.arguments["block"]),
        policy=POLICY,
    )
    details = {
        "parameters": f"{trained.parameters:,}",
        "network": _in_words(recipe),
        **networks.told(recipe, materials, trained),
    }
    tensors = {**scaling.tensors, **trained.weights, **trained.scales}
    return Model(_learnware(recipe, materials), tensors, trained.history, details, networks.NONDETERMINISTIC)


def scaling_of(materials: Materials) -> Scaling:
    """Means and scales of the training part's steps."""
    sequences, train = sequences_of(materials), rows_for("means and scales", materials.split)
    return Scaling.fitted(steps_there(sequences.values[train], sequences.lengths[train]))


def _learnware(recipe: Recipe, materials: Materials) -> Learnware:
    """What the model takes and gives: one target, sequences of these steps and features."""
    found = unfitted(recipe, materials, contract=sequences_of(materials).contract)
    return structs.replace(found, targets=(materials.target,))


def _shape(materials: Materials) -> tuple[int, int]:
    """Steps and channels of what networks are given."""
    steps, features = sequences_of(materials).values.shape[1:]
    return steps, features + int(scaling_of(materials).gaps.sum()) + 1


def _network(recipe: Recipe, materials: Materials) -> Any:
    from starshift.models.sequences import network

    return network(*_shape(materials), [materials.target], **recipe.arguments)


def _in_words(recipe: Recipe) -> str:
    arguments = recipe.arguments
    if arguments["block"] == CONVOLUTION:
        return f"convolutions of {', '.join(map(str, arguments['filters']))} filters, {arguments['kernel']} steps wide"
    both = ", in both directions" if arguments.get("bidirectional", True) else ""
    return f"{arguments['block'].upper()} of {arguments.get('recurrent', 64)} units{both}"


def _pace_name(recipe: Recipe, materials: Materials) -> str:
    """What a pace depends on."""
    stage, (steps, channels) = recipe.stages[0], _shape(materials)
    how = digest(recipe.arguments, stage.optimizer, stage.loss, stage.average > 0, materials.target.kind)[:8]
    return f"training over {steps} steps of {channels} channels, batches of {stage.batch_size}, {how}"
