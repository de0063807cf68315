"""What every rung is fitted on, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from starshift.compose.own import Own
from starshift.data.content import Content
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.errors import RunError
from starshift.findings.near import Pair
from starshift.ladder.paces import Paces
from starshift.learnware.shelf import Copy
from starshift.models.classical import LinearHead
from starshift.progress import Progress
from starshift.recipe import Recipe, digest
from starshift.records import Answers, Dataset, Epoch, Learnware, Split, Target, answers_for


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
class About:
    """Content of which one target is looked at alone."""

    content: Content
    dataset: Dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self.content, name)


@dataclass(frozen=True)
class Materials:
    """Examples, their split, and the means to work on them."""

    content: Content
    split: Split
    groups: Sequence[Sequence[int]]  # examples that must not be torn apart, as indices
    seed: int
    cache: Path
    paces: Paces
    progress: Progress
    budget_seconds: float = math.inf  # of the whole climb
    own: Mapping[str, Own] = field(default_factory=dict)  # functions of the user's own, by their reference
    order: Sequence[float] = ()  # when each example is from, where training must not see the future
    near: Sequence[Pair] = ()  # near copies, whatever their parts
    unlabelled: Pictures | None = None  # pictures without labels, of which a student learns what its teacher says
    shelved: Copy | None = None  # what is known here of the store whose learnwares are to be reused
    task: str = ""  # split_digest of the whole run, which folds and members keep; "" where nothing is reused

    @property
    def dataset(self) -> Dataset:
        """The record of what was read."""
        return self.content.dataset

    @property
    def pictures(self) -> Pictures:
        """The content, where it is pictures."""
        return cast(Pictures, self.content)

    @property
    def target(self) -> Target:
        """What is to be predicted; of several, the one that leads."""
        return self.dataset.target

    @cached_property
    def targets(self) -> np.ndarray:
        """Labels as Target.encode has them; classes as indices: int64 (N,)."""
        return self.dataset.encoded()

    @cached_property
    def every_target(self) -> list[np.ndarray]:
        """Labels of all targets, the leading one first, each as Target.encode has them."""
        return [self.dataset.encoded(target) for target in self.dataset.targets]

    def about(self, target: Target) -> Materials:
        """The same task with one of its targets alone, which leads there."""
        return self if self.dataset.targets == (target,) else self._of(self.dataset.about(target))

    def _of(self, dataset: Dataset) -> Materials:
        return replace(self, content=About(self.content, dataset))

    def taught(self) -> Materials:
        """The same without training examples that have no label of any target: nothing can be learned from them."""
        known = np.any(
            [one.known(labels) for one, labels in zip(self.dataset.targets, self.every_target, strict=True)], axis=0
        )
        train = tuple(index for index in self.split.train if known[index])
        if len(train) == len(self.split.train):
            return self
        return replace(self, split=msgspec.structs.replace(self.split, train=train))

    @cached_property
    def strata(self) -> np.ndarray:
        """What folds keep in proportion: int64 (N,), see Target.strata."""
        return self.target.strata(self.dataset.labels())

    @cached_property
    def split_digest(self) -> str:
        """Digest of examples, labels and parts: equal digests, equal task."""
        rows = [(example.digest, example.label) for example in self.dataset.examples]
        targets = [(target.name, target.kind, target.classes) for target in self.dataset.targets]
        return digest(targets, self.dataset.further, rows, self.split.train, self.split.validation, self.split.test)

    @property
    def test_digest(self) -> str:
        """Digest of the test part's examples, whatever they are called: equal digests, one seal."""
        return digest("test part", sorted(self.dataset.examples[index].digest for index in self.split.test))

    def pixels(self, frame: Frame, indices: Sequence[int] | None = None) -> Any:
        """Pictures as uint8 (N, size, size, 3), from the cache or decoded now, with progress.

        indices: which pictures; all of them if None.
        """
        self.progress.start(f"decoding at {frame.size} px", len(self.dataset.examples))
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

    def answers(self, indices: Sequence[int], outputs: np.ndarray, place: int = 0) -> Answers:
        """What a model put out for some of the examples, with their names and targets: see records.answers_for.

        place: of the target that it is about, among those of the data set.
        """
        chosen = list(indices)
        paths = tuple(self.dataset.examples[index].path for index in chosen)
        return answers_for(self.dataset.targets[place], paths, self.every_target[place][chosen], outputs)


@dataclass(frozen=True)
class HeldOut:
    """A model made by the same recipe without some of the training examples, so that it can be asked about them."""

    indices: np.ndarray  # int (n,), of the examples that it did not see
    learnware: Learnware
    tensors: dict[str, np.ndarray]


@dataclass(frozen=True)
class Model:
    """A fitted model before it is written: its learnware has neither files nor evaluations yet."""

    learnware: Learnware
    tensors: dict[str, np.ndarray]
    history: tuple[Epoch, ...] = ()
    details: dict[str, str] | None = None
    nondeterministic: str = ""
    held_out: tuple[HeldOut, ...] = ()  # one for each inner fold, where fitting has made them on its way
    head: LinearHead | None = None  # how its linear head was fitted, where it is one and tells classes apart
    members: tuple[Model, ...] = ()  # of an ensemble, as they were fitted
    teacher: Model | None = None  # an ensemble; of a student that one taught


def key(recipe: Recipe, materials: Materials, *extra: object) -> str:
    """The digest by which a finished rung is known again: recipe, task, seed, and what else a rung depends on."""
    return digest(recipe, materials.split_digest, materials.seed, extra)
