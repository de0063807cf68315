"""A recipe: what is built and how it is trained, as a value that is checked when it is made."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from starshift.errors import UsageError
from starshift.recipe.builders import check_builder
from starshift.recipe.stage import Stage
from starshift.recipe.words import is_own

ANY_SIZE = ("modern",)
"""Builders whose networks take pictures of any size, so that sizes may grow while they are trained."""


LARGEST_SIZE = 1024
"""Side of pictures in px beyond which no laptop trains."""


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A model and its training, complete but for the data and the seed."""

    builder: str  # a name in BUILDERS
    size: int  # side of the square input pictures, in pixels
    fit: str = "stretch"  # how pictures become square: see data.decode.Frame
    arguments: dict[str, Any] = {}  # of the builder
    stages: tuple[Stage, ...] = ()  # empty where nothing is trained by gradient steps

    def __post_init__(self) -> None:
        problems = check_builder(self.builder, self.arguments)
        if self.size < 1:
            problems.append(f"The size of the pictures must be at least 1 pixel; it is {self.size}.")
        if self.size > LARGEST_SIZE:
            problems.append(f"The size of the pictures must be at most {LARGEST_SIZE:,} pixels; it is {self.size:,}.")
        if self.builder == "reader" and any(one.augmentation.mixes or one.label_smoothing for one in self.stages):
            problems.append("Strings cannot be mixed or smoothed: a reader takes no mixup, cutmix or label_smoothing.")
        if not problems and (seen := self.arguments.get("sizes")) and max(seen) != self.size:
            problems.append(f"sizes go up to {max(seen)} px, and pictures come in {self.size} px; leave size out.")
        for stage in self.stages:
            if stage.sizes and self.builder not in ANY_SIZE:
                problems.append(
                    f"sizes belong to networks that take pictures of any size ({', '.join(ANY_SIZE)}); "
                    f"{self.builder!r} takes {self.size} px."
                )
            elif stage.sizes and max(stage.sizes) > self.size:
                problems.append(f"sizes go up to {max(stage.sizes)} px, above the {self.size} px of the pictures.")
        if problems:
            raise UsageError(problems)

    @property
    def own(self) -> tuple[str, ...]:
        """Every function of the user's own that it names, each once."""
        names = [self.arguments.get("build", "")]
        for stage in self.stages:
            names += [stage.loss, *(stage.metrics or ())]
        return tuple(name for name in dict.fromkeys(names) if is_own(name))


def digest(*values: Any) -> str:
    """SHA-256 of values in a canonical JSON form: equal values, equal digest. Hexadecimal, 64 digits."""
    import hashlib

    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()
