"""Suspected wrong labels: a linear head on stored features, every picture judged by one that never saw it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np

from starshift import seeds
from starshift.apportion import within
from starshift.compose.predictor import Predictor
from starshift.errors import DataError, MissingWeights, RunError
from starshift.evaluation.permits import rows_for
from starshift.evaluation.protocol import inner_folds
from starshift.findings import labels
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.models.classical import held_out_probabilities
from starshift.recipe import digest
from starshift.records import SUSPECTS_SCHEMA, Dataset, Learnware, RungRecord, Suspect, Suspects

FOLDS = 5

SHARE_RANKED = 0.1
"""Of the judged pictures, so many are written down at least, whether confident learning calls them wrong or not."""

OTHERS = 5
"""Other classes that are named for each suspect, the most probable first."""

Part = Literal["train", "validation"]

RANKING = 1
"""Raised by one whenever the same features and labels would be ranked in another way."""


def judging_rung(rungs: Sequence[RungRecord], folder: RunFolder) -> str | None:
    """The finished rung whose frozen features the labels are judged by: `features` itself before its variants."""
    for rung in sorted(rungs, key=lambda rung: rung.name != "features"):
        if rung.status == "finished" and rung.builder == "frozen":
            learnware, _ = folder.read_model(rung.name)
            if "strengths" in learnware.arguments and learnware.arguments.get("head") in (None, "linear"):
                return rung.name
    return None


def suspect(
    rungs: Sequence[RungRecord], materials: Materials, folder: RunFolder, settled: Collection[str]
) -> tuple[Suspects | None, str]:
    """Judge the labels of training and validation pictures together, never those of the sealed test part.

    settled: digests of pictures whose label a person kept or gave. What an earlier call found by the same features and
    labels is kept. Returns the suspects, or None and a sentence that says why there are none.
    """
    if not materials.target.is_classes:
        return None, "Labels were not searched for wrong ones: that is done where each picture has one class."
    name = judging_rung(rungs, folder)
    if name is None:
        return None, (
            "Labels were not searched for wrong ones: that takes features of a frozen base, and no rung that has them "
            "was finished. Climb the rung features."
        )
    learnware, tensors = folder.read_model(name)
    own = _key(learnware, materials, settled)
    earlier = _earlier(folder)
    if earlier is not None and earlier.key == own:
        return earlier, ""
    try:
        found = _judged(Predictor(learnware, tensors, materials.cache), materials, settled, own)
    except (DataError, MissingWeights, RunError) as lack:
        return None, f"Labels were not searched for wrong ones: {' '.join(lack.problems)}"
    return found, ""


def _earlier(folder: RunFolder) -> Suspects | None:
    try:
        return folder.read_suspects()
    except RunError:  # damaged, or of another form: it is made anew, and no finished climb is lost with it
        return None


def _key(learnware: Learnware, materials: Materials, settled: Collection[str]) -> str:
    pictures = [materials.dataset.pictures[row] for row in rows_for("suspected labels", materials.split)]
    seen = (learnware.bases, learnware.input, learnware.precision, learnware.arguments)
    task = [(picture.path, picture.digest, picture.label) for picture in pictures]
    parts = (materials.split.train, materials.groups, materials.seed)
    return digest("suspects", RANKING, seen, task, parts, sorted(settled))


def _judged(predictor: Predictor, materials: Materials, settled: Collection[str], key: str) -> Suspects:
    """Raises DataError where the pictures cannot be divided into folds, MissingWeights where features are lacking."""
    rows, dataset = rows_for("suspected labels", materials.split), materials.dataset
    rows = rows[materials.targets[rows] >= 0]  # a missing label is not a wrong one
    targets = materials.targets[rows]
    digests = [dataset.pictures[row].digest for row in rows]
    features = predictor.bases.stored(digests, lambda: materials.pixels(predictor.frame, rows.tolist()))
    materials.progress.start("looking for wrong labels", FOLDS)
    probabilities = held_out_probabilities(
        features,
        targets,
        classes=len(dataset.classes),
        strengths=predictor.learnware.arguments["strengths"],
        folds=_folds(materials, rows, targets),
        progress=materials.progress.update,
    )
    materials.progress.finish()
    judged = ~np.isnan(probabilities[:, 0])
    seen = " + ".join(base.base.title for base in predictor.bases.bases)
    by = (
        f"a linear head on {features.shape[1]:,} features of {seen}, fitted on {FOLDS} folds of the training and "
        "validation pictures together; each is judged by a head that never saw it"
    )
    return _ranked(materials, rows[judged], probabilities[judged], settled, len(rows), by, key)


def _folds(materials: Materials, rows: np.ndarray, targets: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of places in `rows`, fitted on and held out; groups are kept on one side."""
    seed = seeds.child(materials.seed, "suspects")
    return inner_folds(targets, folds=FOLDS, groups=within(materials.groups, rows), seed=seed)


def _ranked(
    materials: Materials,
    rows: np.ndarray,
    probabilities: np.ndarray,
    settled: Collection[str],
    pictures: int,
    by: str,
    key: str,
) -> Suspects:
    """rows: of the judged pictures, as indices into the data set; probabilities: float32 (rows, classes)."""
    targets = materials.targets[rows]
    looked_at = np.array([materials.dataset.pictures[row].digest in settled for row in rows], dtype=bool)
    seed = seeds.child(materials.seed, "suspects")
    judgement = labels.judge(probabilities, targets, looked_at, seed=seed)
    order = labels.ranking(probabilities, targets)
    order = order[~looked_at[order]]
    least = -(-len(rows) * SHARE_RANKED // 1)
    chosen = [int(row) for place, row in enumerate(order) if place < least or judgement.looks_wrong[row]]
    others = labels.likely_others(probabilities, targets, OTHERS)
    train = set(materials.split.train)
    return Suspects(
        schema=SUSPECTS_SCHEMA,
        key=key,
        judged=len(rows),
        unjudged=pictures - len(rows),
        settled=int(looked_at.sum()),
        looks_wrong=int(judgement.looks_wrong.sum()),
        wrong=judgement.wrong,
        by=by,
        ranked=tuple(
            _suspect(
                materials.dataset,
                int(rows[row]),
                probabilities[row],
                others[row],
                part="train" if int(rows[row]) in train else "validation",
                looks_wrong=bool(judgement.looks_wrong[row]),
            )
            for row in chosen
        ),
    )


def _suspect(
    dataset: Dataset, row: int, probabilities: np.ndarray, others: np.ndarray, *, part: Part, looks_wrong: bool
) -> Suspect:
    picture, classes = dataset.pictures[row], dataset.classes
    return Suspect(
        path=picture.path,
        digest=picture.digest,
        part=part,
        given=picture.label,
        likely=tuple(classes[other] for other in others),
        given_probability=round(float(probabilities[classes.index(picture.label)]), 6),
        likely_probabilities=tuple(round(float(probabilities[other]), 6) for other in others),
        looks_wrong=looks_wrong,
    )
