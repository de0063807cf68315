"""What every rung is fitted on, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from starshift.compose.own import Own
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.errors import RunError
from starshift.findings.near import Pair
from starshift.ladder.paces import Paces
from starshift.progress import Progress
from starshift.recipe import Recipe, digest
from starshift.records import Dataset, Epoch, Learnware, Predictions, Split


@dataclass(frozen=True)
class Part:
    """Some of the pictures, like an array of uint8 (n, size, size, 3): all of them at once may not fit into memory."""

    pixels: Any
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        return np.asarray(self.pixels[self.indices[chosen]])


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
    own: Mapping[str, Own] = field(default_factory=dict)  # functions of the user's own, by their reference
    order: Sequence[float] = ()  # when each picture is from, where training must not see the future
    near: Sequence[Pair] = ()  # near copies, whatever their parts

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

    @property
    def test_digest(self) -> str:
        """Digest of the test part's pictures, whatever they are called: equal digests, one seal."""
        return digest("test part", sorted(self.dataset.pictures[index].digest for index in self.split.test))

    def pixels(self, frame: Frame, indices: Sequence[int] | None = None) -> Any:
        """Pictures as uint8 (N, size, size, 3), from the cache or decoded now, with progress.

        indices: which pictures; all of them if None.
        """
        self.progress.start(f"decoding at {frame.size} px", len(self.dataset.pictures))
        rows = self.pictures.pixels(frame, progress=self.progress.update)
        self.progress.finish()
        return rows if indices is None else rows[np.asarray(indices)]

    def functions(self, recipe: Recipe) -> dict[str, Any]:
        """The user's own functions that a recipe names, by their reference. Raises RunError where they lack."""
        if lacking := [reference for reference in recipe.own if reference not in self.own]:
            raise RunError(
                f"To train this rung again, {' and '.join(lacking)} must be given: name it with starshift.OwnRung "
                "among the rungs of starshift.fit, its source unchanged."
            )
        return {reference: self.own[reference].call for reference in recipe.own}

    def builder(self, learnware: Learnware) -> Callable[..., Any] | None:
        """The user's own function that builds a model's network, where it was given and the model needs one."""
        own = self.own.get(learnware.arguments.get("build", ""))
        return own.call if own else None

    def part(self, frame: Frame, indices: Sequence[int]) -> Part:
        """Some of the pictures, decoded now where they were not, and gathered when they are asked for."""
        return Part(self.pixels(frame), np.asarray(indices))

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
