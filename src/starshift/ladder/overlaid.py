"""A task under a person's decisions on labels, and what they bought."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from starshift.apportion import within
from starshift.compose.predictor import Predictor
from starshift.data.overlay import Overlaid, Overlay, carry, lay, read_overlay
from starshift.data.read import Pictures
from starshift.errors import MissingWeights
from starshift.evaluation import protocol
from starshift.ladder import fit as family
from starshift.ladder.answering import predict_part
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.suspects import judging_rung
from starshift.recipe import Recipe, digest
from starshift.records import Answers, OverlayRecord, RungRecord

CAUTION = (
    "Both models are judged by the corrected labels of the validation pictures. Where those followed the model's own "
    "suggestions unseen, the comparison flatters the overlay."
)


def corrected(given: Materials, file: Path, *, min_per_class: int) -> tuple[Materials, Overlaid, OverlayRecord]:
    """The task with the decisions of a file laid over it; every picture that is left stays in its part.

    Returns it with what was changed. Raises DataError with everything that is wrong with the file.
    """
    overlay = read_overlay(file, given.dataset.classes)
    overlaid = lay(overlay, given.dataset, min_per_class=min_per_class)
    place = {row: index for index, row in enumerate(overlaid.rows)}
    near = [pair for pair in given.near if pair.first in place and pair.second in place]
    materials = dataclasses.replace(
        given,
        content=Pictures(overlaid.dataset, given.pictures.source, given.cache, given.pictures.notes),
        split=carry(given.split, overlaid, overlay),
        groups=[group for group in within(given.groups, overlaid.rows) if len(group) > 1],
        order=[given.order[row] for row in overlaid.rows] if len(given.order) else (),
        near=tuple(pair._replace(first=place[pair.first], second=place[pair.second]) for pair in near),
    )
    return materials, overlaid, _record(file, overlay, overlaid, given)


def _record(file: Path, overlay: Overlay, overlaid: Overlaid, given: Materials) -> OverlayRecord:
    """What the overlay changed, before its effect is known."""
    relabelled, dropped, kept = len(overlaid.relabelled), len(overlaid.dropped), len(overlaid.kept)
    counts = f"{_pictures(relabelled)} relabelled, {dropped:,} dropped, {kept:,} looked at and kept"
    sealed = {given.dataset.pictures[row].path for row in given.split.test}
    among = sum(picture.path in sealed for picture in (*overlaid.relabelled, *overlaid.dropped, *overlaid.kept))
    tested = f" Among them: {_pictures(among)} of the sealed test part." if among else ""
    return OverlayRecord(
        file=str(file),
        digest=overlay.digest,
        relabelled=relabelled,
        dropped=dropped,
        kept=kept,
        sentence=f"{overlay.name}: {counts}. The files themselves were not touched.{tested}",
    )


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def with_effect(
    now: OverlayRecord,
    before: OverlayRecord | None,
    rungs: Sequence[RungRecord],
    materials: Materials,
    given: Materials,
    folder: RunFolder,
) -> OverlayRecord:
    """The record with the effect: the recipe of `features` learns once from the labels of the overlay (it has: that is
    the finished rung), once from those of the source. Both models answer for the same validation pictures.

    before: of an earlier call; its effect is kept where nothing has changed since. materials, given: the task with the
    overlay and as the source has it.
    """
    if not now.relabelled and not now.dropped:
        return replace(now, effect_sentence="It changes no label, so that there is no effect to measure.")
    name = judging_rung(rungs, folder)
    recipe = folder.read_recipe(name) if name else None
    if name is None or recipe is None:
        lack = "that takes a finished rung on frozen features. Climb the rung features."
        return replace(now, effect_sentence=f"What it bought was not measured: {lack}")
    key = digest("overlay", recipe, materials.split_digest, given.split_digest, given.groups, given.seed)
    if before is not None and before.key == key and before.effect is not None:
        return replace(now, key=key, effect=before.effect, effect_sentence=before.effect_sentence)
    try:
        without = _without(recipe, materials, given)
    except MissingWeights as lack:
        return replace(now, effect_sentence=f"What it bought was not measured: {' '.join(lack.problems)}")
    having = folder.read_answers(name, materials.target)
    effect = protocol.compare(f"{name} with the overlay", having, f"{name} without it", without, noun="picture")
    sentence = f"{name} with the overlay, against {name} without it: {effect.sentence}. {CAUTION}"
    return replace(now, key=key, effect=effect, effect_sentence=sentence)


def _without(recipe: Recipe, materials: Materials, given: Materials) -> Answers:
    """What the recipe says of the corrected validation pictures when it learns from labels as the source has them."""
    model = family.fit(recipe, given, on_epoch=lambda epoch: None)
    predictor = Predictor(model.learnware, model.tensors, given.cache)
    return predict_part(predictor, materials, materials.split.validation)
