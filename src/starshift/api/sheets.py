"""Sheets of augmented pictures for the report: made once from the pictures, then kept in the run folder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from starshift import seeds
from starshift.augmentation import Augmentation
from starshift.data.augment import sheet
from starshift.data.decode import Frame, decode
from starshift.data.read import Pictures
from starshift.data.thumbnails import tile
from starshift.ladder.folder import RunFolder
from starshift.ladder.scratch import larger_size
from starshift.ladder.variants import policies
from starshift.recipe import digest
from starshift.records import Dataset, Picture, RunRecord
from starshift.report.augmented import Sheet

ROWS = 4
"""Training pictures on a sheet."""


@dataclass(frozen=True)
class _Seen:
    """A policy at a size, as some rungs were trained."""

    policy: Augmentation
    size: int  # side in pixels of what the network takes
    larger: int  # of what crops are taken from
    fit: str

    def key(self, shown: list[Picture], seed: int) -> str:
        """Where its sheet lies: what was drawn depends on all of this."""
        return digest(self.policy, self.size, self.larger, self.fit, [picture.digest for picture in shown], seed)[:16]


def make_sheets(folder: RunFolder, run: RunRecord, dataset: Dataset, pictures: Pictures | None) -> list[Sheet]:
    """A sheet for every policy that a rung of this run was trained with.

    pictures: the source, for sheets that are not in the folder yet; None if only those that are there shall be shown.
    Rungs that left no recipe, as those of earlier versions, have none.
    """
    shown = _shown(folder, dataset)
    seen = _seen_by(folder, run) if shown else {}
    keys = {one: one.key(shown, run.seed) for one in seen}
    if pictures is not None:
        folder.sweep_sheets(set(keys.values()))
        for one, key in keys.items():
            if len(folder.read_sheet(key)) != len(shown):
                folder.write_sheet(key, _draw(one, shown, pictures, run.seed))
    labels = tuple(picture.label for picture in shown)
    return [
        Sheet(one.policy, one.size, tuple(rungs), labels, rows)
        for one, rungs in seen.items()
        if len(rows := folder.read_sheet(keys[one])) == len(shown)
    ]


def _seen_by(folder: RunFolder, run: RunRecord) -> dict[_Seen, list[str]]:
    """The names of the rungs by what they saw."""
    seen: dict[_Seen, list[str]] = {}
    for rung in run.rungs:
        if rung.status == "finished" and (recipe := folder.read_recipe(rung.name)):
            larger = larger_size(recipe) or recipe.size
            for policy in policies(recipe):
                seen.setdefault(_Seen(policy, recipe.size, larger, recipe.fit), []).append(rung.name)
    return seen


def _shown(folder: RunFolder, dataset: Dataset) -> list[Picture]:
    """A few training pictures: from as many classes as there is room for, else from all over the part."""
    if dataset.family != "pictures":
        return []
    training = folder.read_part("train")
    if not dataset.target.is_classes:
        inside = [one for one in dataset.pictures if one.path in training]
        return [inside[row * len(inside) // ROWS] for row in range(min(ROWS, len(inside)))]
    spread = [dataset.classes[row * len(dataset.classes) // ROWS] for row in range(ROWS)]
    taken: list[Picture] = []
    for label in spread:
        found = (one for one in dataset.pictures if one.label == label and one.path in training and one not in taken)
        taken += islice(found, 1)
    return taken


def _draw(one: _Seen, shown: list[Picture], pictures: Pictures, seed: int) -> list[list[bytes]]:
    frame = Frame(one.larger, one.fit)  # type: ignore[arg-type]
    pixels = np.stack([decode(pictures.bytes(picture.path), frame)[0] for picture in shown])
    drawn = sheet(pixels, one.policy, seeds.child(seed, "sheet"), one.size)
    return [[tile(picture) for picture in row] for row in drawn]
