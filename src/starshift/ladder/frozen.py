"""The `frozen` builder as a rung: frozen bases, features computed once, a logistic head."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from starshift import seeds
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.data.decode import Frame
from starshift.evaluation.protocol import inner_folds
from starshift.inference.network import Network, best_precision
from starshift.ladder.materials import Materials, Model
from starshift.ladder.rungs import FIRST_BASE, SECOND_BASE, second_base_pays
from starshift.ladder.unfitted import unfitted
from starshift.models.classical import LinearHead, fit_head
from starshift.recipe import Recipe

FOLDS = 5
"""Inner folds of the training part, by which the head's strength is chosen."""

OPENING_SECONDS = 0.5
"""Opening a converted network: importing OpenVINO, reading what it compiled before."""

MEASURED_PICTURES = 48
"""Pictures by which a base's pace is measured; fewer say too little."""

HEAD_PACE = 1.4e-11
"""Seconds per floating-point operation of fitting the head, before it was measured here."""

TELLING_OPERATIONS = 5e9
"""Fits of less work tell what calling costs, not how fast the machine computes; their pace is not remembered."""

STEPS_PER_STRENGTH = 13
"""Steps of the optimizer, as seen on two and on 101 classes."""


def find_bases(recipe: Recipe, materials: Materials) -> FrozenBases:
    """The bases of a recipe. Raises MissingWeights."""
    frame = Frame(recipe.size, recipe.fit)  # type: ignore[arg-type]
    return FrozenBases.find(recipe.arguments["bases"], frame, best_precision(), materials.cache)


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe and data: weights, precision. Raises MissingWeights."""
    bases = find_bases(recipe, materials).bases
    return tuple((base.reference.digest, base.precision) for base in bases)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take: features that are not stored yet, and the head. Bases never used are converted now."""
    bases = find_bases(recipe, materials).bases
    total = 0.0
    for base in bases:
        if missing := len(base.store.missing(materials.dataset.digests)):
            total += OPENING_SECONDS + missing * _seconds_per_picture(base, materials)
    return total + _head_seconds(recipe, materials, sum(base.base.features for base in bases))


def fit(recipe: Recipe, materials: Materials) -> Model:
    """Features of all pictures, then a head on those of the training part."""
    bases = find_bases(recipe, materials)
    features = _features(bases, materials)
    head = _head(recipe, materials, features)
    strengths = ", ".join(f"{strength:g}: {loss:.4f}" for strength, loss in head.losses.items())
    details = {
        "pretrained base": " + ".join(base.base.title for base in bases.bases),
        "features": f"{features.shape[1]:,} per picture",
        "precision": bases.bases[0].precision,
        "head": f"logistic regression (C = {head.strength:g}) times {head.logistic_weight:.3g} and linear "
        f"discriminant times {head.discriminant_weight:.3g}, chosen by log loss over {FOLDS} inner folds "
        f"({strengths})",
    }
    if len(bases.bases) == 1 and second_base_pays(materials.dataset):
        details["could be added"] = (
            f"a second base, by --base {FIRST_BASE}+{SECOND_BASE} with the weights of both at hand: it pays with many "
            "classes or few pictures"
        )
    learnware = unfitted(
        recipe, materials, bases=tuple(base.reference for base in bases.bases), precision=bases.bases[0].precision
    )
    return Model(learnware, {"head/kernel": head.kernel, "head/bias": head.bias}, details=details)


def _features(bases: FrozenBases, materials: Materials) -> np.ndarray:
    """Features of all pictures, float32 (N, features of all bases); the pace of what was computed is remembered."""
    digests = materials.dataset.digests
    matrices = []
    for base in bases.bases:
        missing = len(base.store.missing(digests))
        if missing:
            materials.pixels(base.frame)  # decoded under a bar of its own
            base.network.prepare()  # so that the pace below is that of pictures alone
        materials.progress.start(f"features by {base.base.title}", missing)
        began = time.perf_counter()
        decoded = partial(materials.pictures.pixels, base.frame)
        matrices.append(FrozenBases((base,)).stored(digests, decoded, materials.progress.update))
        materials.progress.finish()
        if missing >= MEASURED_PICTURES:
            materials.paces.put(_pace_name(base), (time.perf_counter() - began) / missing)
    return np.concatenate(matrices, axis=1)


def _head(recipe: Recipe, materials: Materials, features: np.ndarray) -> LinearHead:
    train = np.array(materials.split.train)
    targets = materials.targets[train]
    position = {index: row for row, index in enumerate(train.tolist())}
    groups = [[position[index] for index in group if index in position] for group in materials.groups]
    folds = inner_folds(targets, folds=FOLDS, groups=groups, seed=seeds.child(materials.seed, "inner folds"))
    strengths = tuple(recipe.arguments["strengths"])
    materials.progress.start("head", FOLDS + 1)
    began = time.perf_counter()
    head = fit_head(
        features[train],
        targets,
        classes=len(materials.dataset.classes),
        strengths=strengths,
        folds=folds,
        progress=materials.progress.update,
    )
    materials.progress.finish()
    seconds = time.perf_counter() - began
    operations = _head_operations(recipe, materials, features.shape[1])
    if operations >= TELLING_OPERATIONS:
        materials.paces.put(HEAD_PACE_NAME, seconds / operations)
    return head


HEAD_PACE_NAME = "linear head, floating-point operation"


def _head_seconds(recipe: Recipe, materials: Materials, features: int) -> float:
    pace = materials.paces.get(HEAD_PACE_NAME) or HEAD_PACE
    return pace * _head_operations(recipe, materials, features)


def _head_operations(recipe: Recipe, materials: Materials, features: int) -> float:
    """Floating-point operations of all inner folds: the regressions' steps, the covariance, and its solution."""
    classes = len(materials.dataset.classes)
    outputs = 1 if classes == 2 else classes
    rows = len(materials.split.train) * (FOLDS - 1) / FOLDS
    steps = STEPS_PER_STRENGTH * len(recipe.arguments["strengths"])
    regression = steps * 4 * rows * features * outputs
    small, large = sorted((rows, features))
    discriminant = 2 * large * small**2 + 2 / 3 * small**3 + 4 * large * small * outputs
    return FOLDS * (regression + discriminant)


def _seconds_per_picture(base: FrozenBase, materials: Materials) -> float:
    """Measured in earlier runs, or now on a few batches of noise; a base never used is converted first."""
    name = _pace_name(base)
    if (known := materials.paces.get(name)) is None or not base.is_converted:
        first = "" if base.is_converted else ", converting it for this machine (once)"
        materials.progress.say(f"Preparing {base.base.title}{first} …")
        known = _measure(base.network)
        materials.paces.put(name, known)
    return known


def _measure(network: Network) -> float:
    shape = (MEASURED_PICTURES, network.size, network.size, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    network.prepare()
    durations = []
    for _ in range(3):
        began = time.perf_counter()
        network.run(noise)
        durations.append(time.perf_counter() - began)
    return float(np.median(durations)) / MEASURED_PICTURES


def _pace_name(base: FrozenBase) -> str:
    return f"picture through {base.base.name} at {base.frame.size} px in {base.precision}"
