"""What every rung is fitted on, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.ladder.paces import Paces
from starshift.progress import Progress
from starshift.recipe import Recipe, digest
from starshift.records import Dataset, Epoch, Learnware, Predictions, Split


@dataclass(frozen=True)
class Materials:
    """Pictures, their split, and the means to work on them."""

    pictures: Pictures
    split: Split
    groups: Sequence[Sequence[int]]  # pictures that must not be torn apart, as indices
    seed: int
    cache: Path
    paces: Paces
    progress: Progress
    budget_seconds: float = math.inf  # of the whole climb

    @property
    def dataset(self) -> Dataset:
        """The record of what was read."""
        return self.pictures.dataset

    @cached_property
    def targets(self) -> np.ndarray:
        """Classes as indices: int64 (N,)."""
        return np.array(self.dataset.targets)

    @cached_property
    def split_digest(self) -> str:
        """Digest of pictures, labels and parts: equal digests, equal task."""
        rows = [(picture.digest, picture.label) for picture in self.dataset.pictures]
        return digest(self.dataset.classes, rows, self.split.train, self.split.validation, self.split.test)

    def pixels(self, frame: Frame, indices: Sequence[int] | None = None) -> Any:
        """Pictures as uint8 (N, size, size, 3), from the cache or decoded now, with progress.

        indices: which pictures; all of them if None.
        """
        self.progress.start(f"decoding at {frame.size} px", len(self.dataset.pictures))
        rows = self.pictures.pixels(frame, progress=self.progress.update)
        self.progress.finish()
        return rows if indices is None else rows[np.asarray(indices)]

    def predictions(self, indices: Sequence[int], probabilities: np.ndarray) -> Predictions:
        """Probabilities for some of the pictures, with their names and targets. float32 (n, classes)."""
        chosen = list(indices)
        paths = tuple(self.dataset.pictures[index].path for index in chosen)
        return Predictions(self.dataset.classes, paths, self.targets[chosen], probabilities)


@dataclass(frozen=True)
class Model:
    """A fitted model before it is written: its learnware has neither files nor evaluations yet."""

    learnware: Learnware
    tensors: dict[str, np.ndarray]
    history: tuple[Epoch, ...] = ()
    details: dict[str, str] | None = None
    nondeterministic: str = ""


def key(recipe: Recipe, materials: Materials, *extra: object) -> str:
    """The digest by which a finished rung is known again: recipe, task, seed, and what else a rung depends on."""
    return digest(recipe, materials.split_digest, materials.seed, extra)
