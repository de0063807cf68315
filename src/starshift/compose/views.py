"""Augmented views of pictures, made so that what a frozen network says of them can be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from starshift import seeds
from starshift.augmentation import Augmentation
from starshift.execution import map_ordered
from starshift.recipe import digest

PLAIN = Augmentation()
"""The policy that changes nothing."""


def mirrored(names: Sequence[str]) -> list[str]:
    """By which a store knows what was computed of the same pictures with left and right exchanged."""
    return [f"{name}-mirrored" for name in names]


@dataclass(frozen=True)
class Views:
    """Views of pictures, made when they are asked for; like an array of uint8 (count · N, size, size, 3).

    Number v · N + i is view v of picture i. What it looks like depends on the picture, the policy and v alone, so that
    what is computed from it can be kept.
    """

    pictures: Callable[[], Any]  # yields an array-like of uint8 (N, size, size, 3); called only if needed
    digests: Sequence[str]  # of the N pictures
    policy: Augmentation = PLAIN
    count: int = 1
    size: int = 0  # side of the views in px; 0: that of the pictures

    @cached_property
    def names(self) -> list[str]:
        """By which a store knows what was computed of each view; the plain picture has one name, whoever asks."""
        if self.policy == PLAIN:
            return [f"{one}-plain" for _ in range(self.count) for one in self.digests]
        how = digest(self.policy)[:16]
        return [f"{one}-{how}-{view}" for view in range(self.count) for one in self.digests]

    @cached_property
    def pixels(self) -> Any:
        """The pictures themselves."""
        return self.pictures()

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """(count · N, size, size, 3)."""
        size = self.size or self.pixels.shape[1]
        return len(self), size, size, 3

    def __len__(self) -> int:
        return self.count * len(self.digests)

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        """The views of these numbers: int (n,) → uint8 (n, size, size, 3)."""
        views, pictures = np.divmod(np.asarray(chosen), len(self.digests))
        originals = self.pixels[pictures]
        if self.policy == PLAIN and not self.size:
            return np.asarray(originals)
        rows = zip(originals, (self.digests[picture] for picture in pictures), views.tolist(), strict=True)
        return np.stack(list(map_ordered(lambda row: self._view(*row), rows)))

    def _view(self, picture: np.ndarray, name: str, number: int) -> np.ndarray:
        from starshift.data.augment import augment

        generator = np.random.default_rng(seeds.child(0, "view", name, number))
        alone, nothing = picture[None], np.zeros((1, 1), np.float32)
        return augment(alone, nothing, self.policy, generator, size=self.size or len(picture), mixing=False)[0][0]


@dataclass(frozen=True)
class Behind:
    """Several such arrays, one behind the other, gathered when they are asked for."""

    parts: Sequence[Any]

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N of all, size, size, 3)."""
        return len(self), *self.parts[0].shape[1:]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        """Rows of these numbers: int (n,) → uint8 (n, size, size, 3)."""
        chosen = np.asarray(chosen)
        found = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        start = 0
        for part in self.parts:
            mine = (chosen >= start) & (chosen < start + len(part))
            if mine.any():
                found[mine] = part[chosen[mine] - start]
            start += len(part)
        return found
