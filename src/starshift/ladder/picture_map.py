"""What a run's frozen features say of its pictures: the map of like ones, and those that no other is like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from starshift import seeds
from starshift.compose.frozen import FrozenBases
from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame, decode
from starshift.data.thumbnails import thumbnail
from starshift.errors import MissingWeights, RunError
from starshift.findings import quality
from starshift.findings.layout import FEW, MOST, Heap, heaps, lay_out
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.suspects import judging_rung
from starshift.recipe import digest
from starshift.records import MAP_SCHEMA, Dataset, Finding, NamedHeap, PictureMap, Place, RungRecord

FORM = 1
"""Raised by one whenever the same features would be laid out in another way."""

COLOURS = Frame(64)
"""The pixels that are compared where no features are at hand."""

SIDE = 16
"""Pixels per side to which they are brought for that: more would tell apart what lies a few pixels beside."""

STAMPS_ACROSS, STAMPS_DOWN = 14, 10
"""Cells of the map, each of which shows at most one thumbnail: 140 spread evenly."""

STAMP_SIDE = 40
"""Longest side of such a thumbnail in pixels; 140 of them take some 150 KB of the report."""


@dataclass(frozen=True)
class Seen:
    """Pictures outside the test part, as vectors of which near ones are alike."""

    rows: np.ndarray  # int (n,), indices into the data set
    features: np.ndarray  # float32 (n, F)
    by: str  # what they are, in words
    frozen: bool  # whether of a pretrained base; otherwise plain colours


def look(rungs: Sequence[RungRecord], materials: Materials, folder: RunFolder) -> list[Finding]:
    """Write the map of a run's pictures, and find those that no other is like.

    rungs: those climbed, one of which may have stored features.
    """
    seen = see(rungs, materials, folder)
    folder.write_map(make(seen, materials, folder))
    return far_out(seen, materials.dataset)


def see(rungs: Sequence[RungRecord], materials: Materials, folder: RunFolder) -> Seen:
    """The features that a finished rung stored, of its first base; without any, the colours of small pictures."""
    rows = np.array(sorted((*materials.split.train, *materials.split.validation)))
    digests = [materials.dataset.pictures[row].digest for row in rows]
    if name := judging_rung(rungs, folder):
        learnware, tensors = folder.read_model(name)
        predictor = Predictor(learnware, tensors, materials.cache)
        first = FrozenBases(predictor.bases.bases[:1])
        try:
            features = first.stored(digests, lambda: materials.pixels(predictor.frame, rows.tolist()))
        except (MissingWeights, RunError) as lack:
            materials.progress.say(f"The map shows colours, since features are lacking: {' '.join(lack.problems)}")
        else:
            return Seen(rows, features, f"features of {first.bases[0].base.title}", True)
    small = np.asarray(materials.pixels(COLOURS, rows.tolist()))
    step = COLOURS.size // SIDE
    colours = small.reshape(len(small), SIDE, step, SIDE, step, 3).mean(axis=(2, 4)).reshape(len(small), -1)
    return Seen(rows, colours.astype(np.float32), f"the colours of {SIDE} × {SIDE} pixels", False)


def far_out(seen: Seen, dataset: Dataset) -> list[Finding]:
    """Pictures that no other is like; nothing is said by colours alone."""
    return quality.far_out([dataset.pictures[row] for row in seen.rows], seen.features) if seen.frozen else []


def make(seen: Seen, materials: Materials, folder: RunFolder) -> PictureMap | None:
    """The map of at most MOST of the pictures, drawn at random; that of an earlier call where nothing has changed.

    None for fewer than FEW pictures, and where no class gives them a colour.
    """
    if not materials.target.is_classes:
        return None
    pictures = [materials.dataset.pictures[row] for row in seen.rows]
    task = [(picture.path, picture.digest, picture.label) for picture in pictures]
    key = digest("map", FORM, seen.by, task, materials.seed)
    earlier = folder.read_map()
    if earlier is not None and earlier.key == key:
        return earlier
    if len(pictures) < FEW:
        return None
    chosen = _chosen(len(pictures), seeds.child(materials.seed, "map"))
    targets = materials.targets[seen.rows[chosen]]
    places = lay_out(seen.features[chosen])
    stamps = _stamps(places, seen.rows[chosen], materials)
    named = [_named(heap, places, materials.dataset.classes) for heap in heaps(places, targets)]
    return PictureMap(
        schema=MAP_SCHEMA,
        key=key,
        by=seen.by,
        pictures=len(pictures),
        places=tuple(
            Place(pictures[row].path, pictures[row].label, *_rounded(places[i]), stamps.get(i, b""))
            for i, row in enumerate(chosen)
        ),
        heaps=tuple(named),
    )


def _chosen(count: int, seed: int) -> np.ndarray:
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))


def _stamps(places: np.ndarray, rows: np.ndarray, materials: Materials) -> dict[int, bytes]:
    """Thumbnails of one picture per cell, the one nearest to its middle."""
    cells = np.array([STAMPS_ACROSS, STAMPS_DOWN])
    scaled = places * cells
    cell = np.minimum(scaled.astype(int), cells - 1)
    off = np.square(scaled - cell - 0.5).sum(axis=1)
    order = np.lexsort((off, cell[:, 1], cell[:, 0]))
    _, first = np.unique(cell[order], axis=0, return_index=True)
    shown = order[first]
    found = {}
    for i in shown.tolist():
        picture = materials.dataset.pictures[rows[i]]
        square, _ = decode(materials.pictures.bytes(picture.path), COLOURS)
        found[i] = thumbnail(square, picture.width, picture.height, side=STAMP_SIDE)
    return found


def _named(heap: Heap, places: np.ndarray, classes: tuple[str, ...]) -> NamedHeap:
    return NamedHeap(classes[heap.target], round(heap.share, 4), len(heap.members), *_rounded(places[heap.row]))


def _rounded(place: np.ndarray) -> tuple[float, float]:
    return round(float(place[0]), 4), round(float(place[1]), 4)
