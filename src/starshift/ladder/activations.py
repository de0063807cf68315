"""What a network with an opened top is trained on: stored activations of augmented views, or pixels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from starshift.apportion import within
from starshift.augmentation import POLICIES, Augmentation
from starshift.compose.finetuned import Trunk
from starshift.compose.frozen import FrozenBase
from starshift.compose.views import PLAIN, Views
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder.frozen import OPENING_SECONDS
from starshift.ladder.materials import Materials
from starshift.recipe import Recipe
from starshift.records import Split

MOST_STORED_BYTES = 4 * 2**30
"""Activations of all views beyond which training starts from pixels instead: the disk of a laptop is not ours."""

MEASURED_VIEWS = 48
"""Views by which the pace of a trunk is measured; fewer say too little."""


@dataclass(frozen=True)
class Rows:
    """What a network is trained on, and which rows of it serve what."""

    pixels: Any  # array-like of uint8 pictures (N, size, size, 3) or float16 activations (N, h, w, c)
    targets: list[np.ndarray]  # of each target, (N, …), as Target.encode has them
    split: Split  # of the N
    groups: Sequence[Sequence[int]]  # rows that must not be torn apart: views of one picture and of its copies


@dataclass(frozen=True)
class Source:
    """Where the rows of a recipe come from. All of it raises MissingWeights where the base is not at hand."""

    recipe: Recipe
    materials: Materials

    @cached_property
    def base(self) -> FrozenBase:
        """The pretrained base."""
        frame = Frame(self.recipe.size, self.recipe.fit)  # type: ignore[arg-type]
        return FrozenBase.find(self.recipe.arguments["base"], frame, best_precision(), self.materials.cache)

    @cached_property
    def trunk(self) -> Trunk:
        """The base below its cut."""
        return Trunk(self.base, self.recipe.arguments["cut"])

    @property
    def policy(self) -> Augmentation:
        """How training pictures are changed."""
        return POLICIES[self.policy_name]

    @property
    def policy_name(self) -> str:
        """Its name."""
        return str(self.recipe.arguments.get("augmentation", "none"))

    @property
    def count(self) -> int:
        """Views of each training picture; where nothing changes them, all would be the same."""
        return 1 if self.policy == PLAIN else int(self.recipe.arguments.get("views", 1))

    @cached_property
    def views(self) -> tuple[Views, Views]:
        """Of the training part, as many as the recipe wants, and of the validation part, plain."""
        split = self.materials.split
        return self._views(split.train, self.policy, self.count), self._views(split.validation, PLAIN, 1)

    def _views(self, indices: Sequence[int], policy: Augmentation, count: int) -> Views:
        digests = self.materials.dataset.digests
        decoded = partial(self.materials.part, self.base.frame, indices)
        return Views(decoded, [digests[index] for index in indices], policy, count)

    @cached_property
    def from_pixels(self) -> bool:
        """Whether activations of all views would take more room than they may."""
        return sum(map(len, self.views)) * self.trunk.store.row_bytes > MOST_STORED_BYTES

    def seconds(self) -> float:
        """How long computing the activations will take that are not stored yet."""
        missing = 0 if self.from_pixels else sum(self.trunk.missing(views.names) for views in self.views)
        return OPENING_SECONDS + missing * self._seconds_per_view() if missing else 0.0

    def rows(self) -> Rows:
        """Pixels of all pictures, or activations of the views, computed where they are not stored yet."""
        materials = self.materials
        if self.from_pixels:
            return Rows(materials.pixels(self.base.frame), materials.every_target, materials.split, materials.groups)
        for views in self.views:
            self._keep(views)
        train, validation = self.views
        parts = [list(part) for part in (materials.split.train, materials.split.validation)]
        learned = tuple(range(len(train)))
        held_out = tuple(range(len(train), len(train) + len(validation)))
        return Rows(
            self.trunk.store.rows([*train.names, *validation.names]),
            [np.concatenate([*[one[parts[0]]] * train.count, one[parts[1]]]) for one in materials.every_target],
            Split(learned, held_out, (), "views of the training part; the validation part"),
            self._view_groups(),
        )

    def _keep(self, views: Views) -> None:
        missing = self.trunk.missing(views.names)
        if not missing:
            return
        _ = views.pixels  # decoded under a bar of their own
        self.trunk.network.prepare()  # so that the pace below is that of views alone
        self.materials.progress.start(f"views through {self.base.base.title} up to {self.trunk.cut}", missing)
        began = time.perf_counter()
        self.trunk.keep(views, self.materials.progress.update)
        self.materials.progress.finish()
        if missing >= MEASURED_VIEWS and views.policy == self.policy:
            self.materials.paces.put(self._pace_name, (time.perf_counter() - began) / missing)

    def _view_groups(self) -> list[list[int]]:
        """Rows of each picture's views; pictures that must stay together are one."""
        train = self.materials.split.train
        together = within(self.materials.groups, train)
        alone = sorted(set(range(len(train))) - {row for group in together for row in group})
        pictures = [*filter(None, together), *([row] for row in alone)]
        return [[view * len(train) + row for row in group for view in range(self.count)] for group in pictures]

    def _seconds_per_view(self) -> float:
        """Measured in earlier runs, or now on noise."""
        if (known := self.materials.paces.get(self._pace_name)) is None:
            shape = (MEASURED_VIEWS, self.recipe.size, self.recipe.size, 3)
            noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            views = Views(lambda: noise, [str(number) for number in range(MEASURED_VIEWS)], self.policy)
            self.trunk.network.run(views[np.arange(4)])  # compiles, and imports what augments
            began = time.perf_counter()
            self.trunk.network.run(views[np.arange(MEASURED_VIEWS)])
            known = (time.perf_counter() - began) / MEASURED_VIEWS
            self.materials.paces.put(self._pace_name, known)
        return known

    @property
    def _pace_name(self) -> str:
        base = self.base
        return (
            f"view ({self.policy_name}) through {base.base.name} up to {self.trunk.cut} at "
            f"{base.frame.size} px in {base.precision}"
        )
