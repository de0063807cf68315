"""The training pictures that a picture is most like, by what a frozen base says of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from starshift import catalogue
from starshift.compose.frozen import FrozenBases
from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame, decode
from starshift.data.thumbnails import thumbnail
from starshift.errors import DataError, RunError, UnreadablePicture
from starshift.execution import map_ordered
from starshift.ladder.folder import RunFolder
from starshift.ladder.rungs import FIRST_BASE
from starshift.ladder.suspects import judging_rung
from starshift.models import weights
from starshift.models.classical import compress
from starshift.records import Alike, Dataset, Picture, RungRecord

SHOWN = 3
"""Training pictures beside each one."""

STAMP_SIDE = 112
"""Longest side of their thumbnails in pixels: three to a card, at two pixels each way."""

MOST_COMPUTED = 4000
"""Training pictures whose features are computed for this alone: by the paces of decoding and of MobileNetV2 some 20
seconds on 2 cores."""

SMALLEST = 1e-12
"""The length below which a vector points nowhere."""

Read = Callable[[str], bytes]
"""A picture's path → its file. Raises UnreadablePicture."""


@dataclass(frozen=True)
class Decoded:
    """Pictures that are decoded as they are asked for; like an array of uint8 (N, size, size, 3)."""

    pictures: Sequence[Picture]
    frame: Frame
    read: Read

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        places = np.atleast_1d(np.arange(len(self))[chosen]).tolist()
        return np.stack(list(map_ordered(lambda place: self._decoded(self.pictures[place]), places)))

    def _decoded(self, picture: Picture) -> np.ndarray:
        data = self.read(picture.path)
        if hashlib.sha256(data).hexdigest() != picture.digest:
            raise DataError(f"'{picture.path}' is not the picture any more that the run has read.")
        return decode(data, self.frame)[0]


@dataclass(frozen=True)
class Neighbourhood:
    """The training pictures as directions from their middle; pictures are alike where the directions are."""

    bases: FrozenBases
    frame: Frame
    pictures: tuple[Picture, ...]  # of the training part
    middle: np.ndarray  # float32 (F,)
    directions: np.ndarray  # float32 (n, F), each of length 1

    @property
    def by(self) -> str:
        """What likeness is measured on, in words."""
        titles = " + ".join(dict.fromkeys(base.base.title for base in self.bases.bases))
        return f"the cosine between compressed features of {titles}, less their mean over the training part"

    def nearest(self, features: np.ndarray) -> list[list[tuple[Picture, float]]]:
        """For each row the SHOWN pictures that it is most like, with the cosine; equals in the order of their paths.

        features: float32 (N, F), of the same bases.
        """
        likeness = _directions(compress(features) - self.middle) @ self.directions.T
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :SHOWN]
        return [
            [(self.pictures[place], float(row[place])) for place in places]
            for row, places in zip(likeness, order.tolist(), strict=True)
        ]


def neighbourhood(
    folder: RunFolder, rungs: Sequence[RungRecord], chosen: str, dataset: Dataset, cache: Path, read: Read
) -> Neighbourhood:
    """What the training part of a run looks like to a frozen base.

    That of the rung that stored features; else the bases of the chosen rung; else, for networks from scratch, the
    first base where its weights are on this machine. read: the run's pictures, asked for only where features lack.
    Raises RunError, DataError, MissingWeights or UnreadablePicture where there are no features to be had.
    """
    training = folder.read_part("train")
    pictures = tuple(one for one in dataset.pictures if one.path in training and one.label)
    bases, frame = _bases(folder, rungs, chosen, cache)
    digests = [picture.digest for picture in pictures]
    lacking = max(base.missing(digests) for base in bases.bases)
    if lacking > MOST_COMPUTED:
        raise RunError(
            f"features of {lacking:,} training pictures would have to be computed first, above the {MOST_COMPUTED:,} "
            "that are for this alone; climb the rung features."
        )
    features = compress(bases.stored(digests, lambda: Decoded(pictures, frame, read)))
    middle = features.mean(axis=0)
    return Neighbourhood(bases, frame, pictures, middle, _directions(features - middle))


def _bases(folder: RunFolder, rungs: Sequence[RungRecord], chosen: str, cache: Path) -> tuple[FrozenBases, Frame]:
    """See neighbourhood."""
    if name := judging_rung(rungs, folder):
        predictor = Predictor(*folder.read_model(name), cache)
        return predictor.bases, predictor.frame
    learnware, tensors = folder.read_model(chosen)
    predictor = Predictor(learnware, tensors, cache)
    if learnware.bases:
        known = FrozenBases.known(learnware.bases, predictor.frame, predictor.precision, cache)
        return known, predictor.frame
    first = catalogue.base(FIRST_BASE)
    if not weights.at_hand(first):
        raise RunError(
            f"a network from scratch has no features by which pictures could be compared, and {first.title} is not on "
            "this machine."
        )
    frame = Frame(first.size)
    return FrozenBases.find((FIRST_BASE,), frame, predictor.precision, cache), frame


def as_alike(found: Sequence[tuple[Picture, float]], read: Read) -> tuple[Alike, ...]:
    """What `nearest` found for one picture, as it is written down and shown."""
    return tuple(Alike(one.path, one.label, round(likeness, 4), _stamp(one, read)) for one, likeness in found)


def _stamp(picture: Picture, read: Read) -> bytes:
    """A thumbnail; none where the file is gone, or is another one."""
    try:
        data = read(picture.path)
        if hashlib.sha256(data).hexdigest() != picture.digest:
            return b""
        square, _ = decode(data, Frame(min(STAMP_SIDE, max(picture.width, picture.height))))
    except UnreadablePicture:
        return b""
    return thumbnail(square, picture.width, picture.height, side=min(STAMP_SIDE, max(picture.width, picture.height)))


def _directions(rows: np.ndarray) -> np.ndarray:
    """The rows brought to length 1: float32 (N, F)."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, SMALLEST), np.float32)
