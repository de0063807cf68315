"""The seeds' own head on a frozen base: its last map flattened, 256 units, dropout, trained by gradient steps.

Source: seeds 002 and 003 ("Fast feature extraction without data augmentation"): maps are computed once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from starshift import seeds
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.data.decode import Frame
from starshift.errors import UsageError
from starshift.inference import features
from starshift.inference.network import best_precision
from starshift.ladder import linear, networks
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.recipe import HEADS, Recipe, Stage
from starshift.records import Epoch

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
    maps = linear.plain_seconds(base, materials)  # first: behind the timed steps OpenVINO failed to compile it
    build, what = partial(_network, base, materials), f"trains 256 units on {base.base.title}"
    return maps + networks.seconds(_staged(recipe), materials, build, _pace_name(recipe, base), what, activations=True)


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None] | None = None) -> Model:
    """Maps of all pictures, then the head on those of the training part; the weights of the last epoch are kept.

    Raises TrainingDiverged where not one epoch went well.
    """
    base = find_bases(recipe, materials).bases[0]
    maps = _maps(base, materials)
    staged, build = _staged(recipe), partial(_network, base, materials)
    seed = seeds.child(materials.seed, recipe.builder, HEADS[1])
    trained = networks.train(staged, materials, build, _pace_name(recipe, base), maps, on_epoch, seed=seed)
    details = {
        "pretrained base": base.base.title,
        "features": f"{' × '.join(map(str, base.shape))} per picture, not pooled",
        "precision": base.precision,
        "head": f"256 units and dropout of a half, as the seeds have it: {trained.parameters:,} parameters",
        **networks.told(staged, materials, trained),
    }
    learnware = unfitted(recipe, materials, bases=(base.reference,), precision=base.precision)
    tensors = trained.weights | trained.scales
    return Model(learnware, tensors, trained.history, details, networks.NONDETERMINISTIC)


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


def _network(base: FrozenBase, materials: Materials) -> Any:
    from starshift.models.dense import dense_network

    return dense_network(base.shape, materials.dataset.targets)


def _pace_name(recipe: Recipe, base: FrozenBase) -> str:
    batch = _staged(recipe).stages[0].batch_size
    return f"training 256 units on {base.base.name} at {recipe.size} px, batches of {batch}"
