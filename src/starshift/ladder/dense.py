"""The seeds' own head on a frozen base: its last map flattened, 256 units, dropout, trained by gradient steps.

Source: seeds 002 and 003 ("Fast feature extraction without data augmentation"): maps are computed once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from starshift import seeds
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.data.decode import Frame
from starshift.errors import UsageError
from starshift.inference import features
from starshift.inference.network import best_precision
from starshift.ladder import linear
from starshift.ladder.materials import Materials, Model
from starshift.ladder.pacing import known_or_measured
from starshift.ladder.scratch import NONDETERMINISTIC
from starshift.ladder.unfitted import unfitted
from starshift.recipe import HEADS, Recipe, Stage
from starshift.records import Epoch

if TYPE_CHECKING:
    from starshift.training.pace import Pace

STAGE = Stage(optimizer="rmsprop", learning_rate=2e-5, batch_size=20, epochs=30)
"""The seeds' training of it, where a recipe names no other."""


def is_dense(recipe: Recipe) -> bool:
    """Whether a frozen recipe has this head."""
    return bool(recipe.arguments.get("head", HEADS[0]) == HEADS[1])


def find_bases(recipe: Recipe, materials: Materials) -> FrozenBases:
    """The one base, unpooled. Raises MissingWeights; UsageError for pictures that are too small for it."""
    frame = Frame(recipe.size, recipe.fit)  # type: ignore[arg-type]
    found = FrozenBases.find(recipe.arguments["bases"], frame, best_precision(), materials.cache, form="map")
    base = found.bases[0].base
    if recipe.size < base.min_size:
        raise UsageError(f"{base.title} needs pictures of at least {base.min_size} px; --size is {recipe.size}.")
    return found


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take: maps that are not stored yet, and the training, by a few steps that are timed once."""
    base = find_bases(recipe, materials).bases[0]
    total = linear.plain_seconds(base, materials)

    def measure() -> Pace:
        from starshift.training.pace import measure_pace

        materials.progress.say(f"Measuring how fast this machine trains 256 units on {base.base.title} (once) …")
        return measure_pace(
            _staged(recipe), _builder(base, materials), heads=materials.dataset.targets, activations=True
        )

    pace = known_or_measured(materials.paces, _pace_name(recipe, base), measure)
    return total + pace.seconds(_staged(recipe), len(materials.split.train), len(materials.split.validation))


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None] | None = None) -> Model:
    """Maps of all pictures, then the head on those of the training part; the weights of the last epoch are kept.

    Raises TrainingDiverged where not one epoch went well.
    """
    from starshift.training.fit import train

    base = find_bases(recipe, materials).bases[0]
    maps = _maps(base, materials)
    staged = _staged(recipe)
    materials.progress.start("training", sum(stage.epochs for stage in staged.stages))
    trained = train(
        staged,
        _builder(base, materials),
        maps,
        materials.every_target,
        materials.split,
        heads=materials.dataset.targets,
        seed=seeds.child(materials.seed, recipe.builder, HEADS[1]),
        groups=materials.groups,
        on_step=materials.progress.update,
        on_epoch=on_epoch,
    )
    materials.progress.finish()
    if trained.diverged:
        materials.progress.say(trained.diverged)
    parameters = sum(array.size for array in trained.weights.values())
    details = {
        "pretrained base": base.base.title,
        "features": f"{' × '.join(map(str, base.shape))} per picture, not pooled",
        "precision": base.precision,
        "head": f"256 units and dropout of a half, as the seeds have it: {parameters:,} parameters",
        "training": "; ".join(
            f"{stage.epochs} epochs, batches of {stage.batch_size}, {stage.optimizer} {stage.learning_rate:g}"
            for stage in staged.stages
        ),
        "computed in": trained.policy,
        "weights": trained.kept,
        **({"stopped": trained.diverged} if trained.diverged else {}),
    }
    learnware = unfitted(recipe, materials, bases=(base.reference,), precision=base.precision)
    return Model(learnware, trained.weights | trained.scales, trained.history, details, NONDETERMINISTIC)


def _staged(recipe: Recipe) -> Recipe:
    if recipe.stages:
        return recipe
    stage = msgspec.structs.replace(STAGE, balance=bool(recipe.arguments.get("balance")))
    return msgspec.structs.replace(recipe, stages=(stage,))


def _maps(base: FrozenBase, materials: Materials) -> Any:
    """The base's last map of every picture: array-like of float16 (N, h, w, c), read from disk as it is asked for."""
    digests = materials.dataset.digests
    missing = base.missing(digests)
    decoded = partial(materials.pixels, base.frame)
    if missing:
        decoded()  # under a bar of its own
    materials.progress.start(f"maps by {base.base.title}", missing)
    features.fill(lambda: base.network, decoded, digests, base.store, materials.progress.update)
    materials.progress.finish()
    return base.store.rows(digests)


def _builder(base: FrozenBase, materials: Materials) -> Callable[[], Any]:
    def build() -> Any:
        from starshift.models.dense import dense_network

        return dense_network(base.shape, materials.dataset.targets)

    return build


def _pace_name(recipe: Recipe, base: FrozenBase) -> str:
    batch = _staged(recipe).stages[0].batch_size
    return f"training 256 units on {base.base.name} at {recipe.size} px, batches of {batch}"
