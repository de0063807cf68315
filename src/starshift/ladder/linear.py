"""A linear head on frozen features: of pictures and their augmented views, computed once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from msgspec import structs

from starshift import seeds
from starshift.apportion import within
from starshift.augmentation import POLICIES
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.compose.views import Views, mirrored
from starshift.data.decode import Frame
from starshift.evaluation.forward import forward_folds
from starshift.evaluation.permits import rows_for
from starshift.evaluation.protocol import inner_folds
from starshift.inference.network import Network, best_precision
from starshift.ladder.materials import HeldOut, Materials, Model
from starshift.ladder.rungs import FIRST_BASE, SECOND_BASE, second_base_pays
from starshift.ladder.unfitted import unfitted
from starshift.models.classical import LinearHead, fit_head
from starshift.models.heads import Scale, layer_name, outputs_of, scale_tensors, shape_targets, standardized_by
from starshift.models.linear_heads import PlainHead, fit_labels, fit_ridge
from starshift.recipe import Recipe, digest
from starshift.records import Learnware, Target

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

MIRRORED = "twice, of each picture and its mirror image; the answers are averaged"
"""What the record says of a model that is asked so."""

BALANCED = "every class counts the same in the loss, and probabilities are as if all were equally common"
"""What a balanced head's record says."""

VIEW_SECONDS = 45.0
"""What views and the head on them may take; where they would take more, there are fewer. See docs/features.md."""

VIEW_COST = 1.2
"""Seconds of a view, which must also be made, as a multiple of a plain picture's, before it was measured here."""


def find_bases(recipe: Recipe, materials: Materials) -> FrozenBases:
    """The bases that a recipe names. Raises MissingWeights."""
    frame, cuts = Frame(recipe.size, recipe.fit), tuple(recipe.arguments.get("cuts", ()))  # type: ignore[arg-type]
    sizes = recipe.arguments.get("sizes", ())
    return FrozenBases.find(recipe.arguments["bases"], frame, best_precision(), materials.cache, cuts, sizes=sizes)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take: what is not stored yet, and the head. Bases never used are converted now."""
    return sum(seconds_of_each(recipe, materials).values())


def seconds_of_each(recipe: Recipe, materials: Materials) -> dict[str, float]:
    """The same, each by the name of what it takes: features that several recipes need have one name in all of them."""
    bases = find_bases(recipe, materials)
    count = affordable_views(recipe, materials, bases)
    found = {f"head of {digest(recipe)}": head_seconds(recipe, materials, features_of(bases), count)}
    for base in bases.bases:
        settings = f"{base.key} of {base.frame.key}"
        found[f"features by {settings}"] = plain_seconds(base, materials)
        views = _views(recipe, materials, base, count)
        seconds = base.missing(views.names) * _seconds_per_view(recipe, base, materials)
        found[f"{count} views ({views.policy}) by {settings}"] = seconds
        if recipe.arguments.get("mirrored"):
            missing = base.missing(mirrored(materials.dataset.digests))
            found[f"mirror images by {settings}"] = missing * seconds_per_picture(base, materials)
    return found


def fit(recipe: Recipe, materials: Materials) -> Model:
    """Features of all pictures, then a head on those of the training part and of its views."""
    bases = find_bases(recipe, materials)
    features = plain_features(bases, materials)
    count = affordable_views(recipe, materials, bases)
    fitted = heads_on(recipe, materials, features, _view_features(recipe, materials, bases, count))
    details = {
        "pretrained base": " + ".join(dict.fromkeys(base.base.title for base in bases.bases)),
        "features": f"{features.shape[1]:,} per picture{_depths_in_words(recipe)}{_sizes_in_words(recipe)}",
        "precision": bases.bases[0].precision,
        "head": _in_words(fitted[0].head),
    }
    for target, one in list(zip(materials.dataset.targets, fitted, strict=True))[1:]:
        details[f"head of {target.name}"] = _in_words(one.head)
    if recipe.arguments.get("balance"):
        details["balance"] = BALANCED
    nondeterministic = ""
    if most := recipe.arguments.get("views", 0):
        how = f"{count} of each training picture ({recipe.arguments['augmentation']}), beside the picture itself"
        details["augmented views"] = how
        if count < most:
            details["augmented views"] += f"; {most} would have taken more than {_allowed_seconds(materials):.0f} s"
            nondeterministic = "How many views are computed depends on how fast this machine was found to be."
    if len(bases.bases) == 1 and second_base_pays(materials.dataset) and "cuts" not in recipe.arguments:
        details["could be added"] = (
            f"a second base, by --base {FIRST_BASE}+{SECOND_BASE} with the weights of both at hand: it pays with many "
            "classes or few pictures"
        )
    if recipe.arguments.get("mirrored"):
        details["asked"] = MIRRORED
    learnware = unfitted(recipe, materials, bases=bases.references, precision=bases.bases[0].precision)
    head = fitted[0].head if len(fitted) == 1 else None
    return Model(
        learnware,
        tensors_of(fitted),
        details=details,
        nondeterministic=nondeterministic,
        held_out=_without_folds(head, learnware, materials) if head else (),
        head=head if isinstance(head, LinearHead) else None,
    )


def _without_folds(head: LinearHead | PlainHead, learnware: Learnware, materials: Materials) -> tuple[HeldOut, ...]:
    """The heads that were fitted without each of the inner folds, on the way to the one of all."""
    if not isinstance(head, LinearHead):
        return ()
    train = rows_for("weights", materials.split)
    name = layer_name(0)
    return tuple(
        HeldOut(train[held], learnware, {f"{name}/kernel": kernel, f"{name}/bias": bias})
        for (_, held), (kernel, bias) in zip(folds_of(materials), head.without_folds, strict=True)
    )


def _depths_in_words(recipe: Recipe) -> str:
    cuts = recipe.arguments.get("cuts")
    return f", pooled at {' and '.join(cuts)}" if cuts else ""


def _sizes_in_words(recipe: Recipe) -> str:
    sizes = recipe.arguments.get("sizes")
    return f", seen at {' and '.join(map(str, sizes))} px" if sizes else ""


def _in_words(head: LinearHead | PlainHead) -> str:
    strengths = ", ".join(f"{strength:g}: {loss:.4f}" for strength, loss in head.losses.items())
    if isinstance(head, PlainHead):
        return f"linear (C = {head.strength:g}), chosen by the loss over {FOLDS} inner folds ({strengths})"
    return (
        f"logistic regression (C = {head.strength:g}) times {head.logistic_weight:.3g} and linear "
        f"discriminant times {head.discriminant_weight:.3g}, chosen by log loss over {FOLDS} inner folds "
        f"({strengths})"
    )


def features_of(bases: FrozenBases) -> int:
    """Features per picture, of all bases."""
    return sum(base.shape[-1] for base in bases.bases)


def plain_features(bases: FrozenBases, materials: Materials) -> np.ndarray:
    """Features of all pictures, float32 (N, features of all bases); the pace of what was computed is remembered."""
    digests = materials.dataset.digests
    matrices = []
    for base in bases.bases:
        decoded = partial(materials.pixels, base.frame)
        title = f"features by {base.base.title}"
        matrices.append(_computed(base, digests, decoded, materials, title, _pace_name(base)))
    return np.concatenate(matrices, axis=1)


def _computed(
    base: FrozenBase, names: Sequence[str], pixels: Callable[[], Any], materials: Materials, title: str, pace_name: str
) -> np.ndarray:
    missing = base.missing(names)
    if missing:
        pixels()  # decoded under a bar of its own
        base.network.prepare()  # so that the pace below is that of pictures alone
    materials.progress.start(title, missing)
    began = time.perf_counter()
    matrix = FrozenBases((base,)).stored(names, pixels, materials.progress.update)
    materials.progress.finish()
    if missing >= MEASURED_PICTURES:
        materials.paces.put(pace_name, (time.perf_counter() - began) / missing)
    return matrix


# --- views ---


def affordable_views(recipe: Recipe, materials: Materials, bases: FrozenBases) -> int:
    """As many views as the recipe wants, or that number halved until views and head fit into the time; at least 1.

    Views that are stored already are counted like others, so that the number does not depend on what was done before.
    """
    most = recipe.arguments.get("views", 0)
    count = most
    each = sum(_seconds_per_view(recipe, base, materials) for base in bases.bases) if most else 0.0
    pictures, features = len(materials.split.train), features_of(bases)
    while count > 1:
        seconds = count * pictures * each + head_seconds(recipe, materials, features, count)
        if seconds <= _allowed_seconds(materials):
            break
        count //= 2
    return int(count)


def is_short_of_time(recipe: Recipe, materials: Materials) -> bool:
    """Whether the budget leaves views less time than they would otherwise have."""
    return bool(recipe.arguments.get("views", 0)) and _allowed_seconds(materials) < VIEW_SECONDS


def _allowed_seconds(materials: Materials) -> float:
    return min(VIEW_SECONDS, materials.budget_seconds / 2)


def _views(recipe: Recipe, materials: Materials, base: FrozenBase, count: int) -> Views:
    """The first views of each training picture, view by view."""
    train = materials.split.train
    digests = materials.dataset.digests
    names = [digests[index] for index in train]
    policy = POLICIES[recipe.arguments.get("augmentation", "none")]
    return Views(partial(materials.part, base.frame, train), names, policy, count)


def _view_features(recipe: Recipe, materials: Materials, bases: FrozenBases, count: int) -> np.ndarray:
    """Features of views of the training part: float32 (views, training pictures, features)."""
    train = len(materials.split.train)
    if not count:
        return np.empty((0, train, features_of(bases)), np.float32)
    matrices = []
    for base in bases.bases:
        views = _views(recipe, materials, base, count)
        title = f"views through {base.base.title}"
        pace = _view_pace_name(recipe, base)
        matrices.append(_computed(base, views.names, partial(_decoded, views), materials, title, pace))
    return np.concatenate(matrices, axis=1).reshape(count, train, -1)


def _decoded(views: Views) -> Views:
    """The views, their pictures decoded."""
    _ = views.pixels
    return views


# --- the head ---


@dataclass(frozen=True)
class Fitted:
    """A head, and how the numbers that it gives are brought into their unit."""

    head: LinearHead | PlainHead
    scale: Scale | None


def heads_on(
    recipe: Recipe, materials: Materials, features: np.ndarray, views: Sequence[np.ndarray] | np.ndarray = ()
) -> list[Fitted]:
    """A head for each target on the same features; examples without its label are left out. Arguments: as `fit_on`."""
    return [_fitted(recipe, materials.about(target), features, list(views)) for target in materials.dataset.targets]


def _fitted(recipe: Recipe, materials: Materials, features: np.ndarray, views: Sequence[np.ndarray]) -> Fitted:
    """One target's head: logistic with a discriminant for classes, ridge for numbers, logistic for the rest."""
    target = materials.target
    train = rows_for("weights", materials.split)
    known = target.known(materials.targets[train])
    if not known.all():
        split = structs.replace(materials.split, train=tuple(train[known].tolist()))
        materials, views = replace(materials, split=split), [view[known] for view in views]
    if target.is_classes:
        return Fitted(fit_on(recipe, materials, features, views), None)
    train = rows_for("weights", materials.split)
    labels = materials.targets[train]
    scale = standardized_by(target, labels)
    shaped = shape_targets(target, labels, scale)
    materials.progress.start(f"head of {target.name}", FOLDS + 1)
    fit = fit_labels if scale is None else lambda rows, numbers, **given: fit_ridge(rows, numbers[:, 0], **given)
    head = fit(
        features[train],
        shaped,
        strengths=tuple(recipe.arguments["strengths"]),
        folds=folds_of(materials),
        views=list(views),
        progress=materials.progress.update,
    )
    materials.progress.finish()
    return Fitted(head, scale)


def tensors_of(fitted: Sequence[Fitted]) -> dict[str, np.ndarray]:
    """As a model keeps heads: "head/kernel", "head/bias", "head_2/…", and the scales of numbers."""
    parts = {
        f"{layer_name(place)}/{part}": getattr(one.head, part)
        for place, one in enumerate(fitted)
        for part in ("kernel", "bias")
    }
    return parts | scale_tensors([one.scale for one in fitted])


def fit_on(
    recipe: Recipe,
    materials: Materials,
    features: np.ndarray,
    views: Sequence[np.ndarray] | np.ndarray = (),
    strengths: Sequence[float] = (),
) -> LinearHead:
    """A head on the training part's rows.

    features: float32 (N, features) of all pictures. views: of the training part, each float32 (n, features).
    strengths: the recipe's if none are given.
    """
    train = rows_for("weights", materials.split)
    strengths = tuple(strengths) or tuple(recipe.arguments["strengths"])
    materials.progress.start("head", FOLDS + 1)
    began = time.perf_counter()
    head = fit_head(
        features[train],
        materials.targets[train],
        classes=len(materials.dataset.classes),
        strengths=strengths,
        folds=folds_of(materials),
        views=list(views),
        balance=bool(recipe.arguments.get("balance")),
        progress=materials.progress.update,
    )
    materials.progress.finish()
    seconds = time.perf_counter() - began
    operations = _head_operations(len(strengths), materials, features.shape[1], len(views))
    if operations >= TELLING_OPERATIONS:
        materials.paces.put(HEAD_PACE_NAME, seconds / operations)
    return head


def folds_of(materials: Materials, count: int = FOLDS) -> list[tuple[np.ndarray, np.ndarray]]:
    """The inner folds of the training part, so many, the same for everything that is chosen by them."""
    train = rows_for("choices", materials.split)
    groups = within(materials.groups, train)
    if materials.order:
        order = [materials.order[index] for index in train]
        return forward_folds(materials.strata[train], order, folds=count, groups=groups)
    seed = seeds.child(materials.seed, "inner folds")
    return inner_folds(materials.strata[train], folds=count, groups=groups, seed=seed)


HEAD_PACE_NAME = "linear head, floating-point operation"


def head_seconds(recipe: Recipe, materials: Materials, features: int, views: int = 0) -> float:
    """How long the head will take, on the plain pictures and so many views of each."""
    pace = materials.paces.get(HEAD_PACE_NAME) or HEAD_PACE
    return pace * _head_operations(len(recipe.arguments["strengths"]), materials, features, views)


def bootstrap_head_seconds(materials: Materials, features: int) -> float:
    """How long one head of one strength will take on as many rows as the training part has; it fits no folds."""
    pace = materials.paces.get(HEAD_PACE_NAME) or HEAD_PACE
    return pace * _operations_of(materials.target, 1, materials, features, 0) / (FOLDS - 1)


def _head_operations(strengths: int, materials: Materials, features: int, views: int) -> float:
    """Floating-point operations of all inner folds: the regressions' steps, the covariance, and its solution."""
    return sum(_operations_of(target, strengths, materials, features, views) for target in materials.dataset.targets)


def _operations_of(target: Target, strengths: int, materials: Materials, features: int, views: int) -> float:
    outputs = outputs_of(target)
    rows = (1 + views) * len(materials.split.train) * (FOLDS - 1) / FOLDS
    regression = STEPS_PER_STRENGTH * strengths * 4 * rows * features * outputs
    small, large = sorted((rows, features))
    discriminant = 2 * large * small**2 + 2 / 3 * small**3 + 4 * large * small * outputs
    return FOLDS * (regression + discriminant)


# --- paces ---


def plain_seconds(base: FrozenBase, materials: Materials) -> float:
    """How long the features of all pictures will take, as far as they are not stored."""
    missing = base.missing(materials.dataset.digests)
    return OPENING_SECONDS + missing * seconds_per_picture(base, materials) if missing else 0.0


def seconds_per_picture(base: FrozenBase, materials: Materials) -> float:
    """Measured in earlier runs, or now on a few batches of noise; a base never used is converted first."""
    name = _pace_name(base)
    if (known := materials.paces.get(name)) is None or not base.is_converted:
        first = "" if base.is_converted else ", converting it for this machine (once)"
        materials.progress.say(f"Preparing {base.base.title}{first} …")
        known = _measure(base.network)
        materials.paces.put(name, known)
    return known


def _seconds_per_view(recipe: Recipe, base: FrozenBase, materials: Materials) -> float:
    known = materials.paces.get(_view_pace_name(recipe, base))
    return known if known is not None else VIEW_COST * seconds_per_picture(base, materials)


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
    depths = f" at {', '.join(base.cuts)}" if base.cuts else ""
    whole = " unpooled" if base.form == "map" else ""
    return f"picture through {base.base.name}{depths}{whole} at {base.size} px in {base.precision}"


def _view_pace_name(recipe: Recipe, base: FrozenBase) -> str:
    return f"{recipe.arguments.get('augmentation', 'none')} view and {_pace_name(base)}"
