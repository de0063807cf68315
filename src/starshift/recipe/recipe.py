"""A recipe: what is built and how it is trained, as a value that is checked when it is made."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from starshift.augmentation import POLICIES
from starshift.errors import UsageError
from starshift.recipe.builders import check_builder
from starshift.recipe.stage import Stage
from starshift.recipe.words import is_own, near

ANY_SIZE = ("modern",)
"""Builders whose networks take pictures of any size, so that sizes may grow while they are trained."""


LARGEST_SIZE = 1024
"""Side of pictures in px beyond which no laptop trains."""


class Teaching(Struct, frozen=True, forbid_unknown_fields=True):
    """How a network learns from what another model says (Hinton, Vinyals and Dean 2015, arXiv:1503.02531)."""

    teacher: Recipe
    temperature: float = 1.0  # that both models' logits are divided by where they are compared
    soft: float = 0.9  # what the teacher's answers count in the loss; the labels count the rest, or all where it is 0
    views: int = 16  # of each picture, which teacher and student both see
    augmentation: str = "crops"  # the policy that makes them

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.temperature <= HOTTEST:
            problems.append(f"temperature must be above 0 and at most {HOTTEST:g}; it is {self.temperature:g}.")
        if not 0 <= self.soft <= 1:
            problems.append(
                f"soft must be a share from 0 (labels alone) to 1 (the teacher alone); it is {self.soft:g}."
            )
        if self.views < 1:
            problems.append(f"views of each picture must be at least 1; {self.views} came.")
        if self.augmentation not in POLICIES:
            problems.append(
                f"Augmentation policy {self.augmentation!r} is not known.{near(self.augmentation, POLICIES)}"
            )
        elif POLICIES[self.augmentation].mixes:
            problems.append(
                f"Augmentation policy {self.augmentation!r} mixes pictures, and a view that the teacher is asked about "
                "is of one picture. Take one without, and let the student mix by mixup=0.2."
            )
        if self.teacher.teaching:
            problems.append("A teacher that was taught itself is not foreseen; name the ensemble.")
        if problems:
            raise UsageError(problems)


HOTTEST = 100.0
"""Temperature beyond which a teacher says the same of every class."""


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A model and its training, complete but for the data and the seed."""

    builder: str  # a name in BUILDERS
    size: int  # side of the square input pictures, in pixels
    fit: str = "stretch"  # how pictures become square: see data.decode.Frame
    arguments: dict[str, Any] = {}  # of the builder
    stages: tuple[Stage, ...] = ()  # empty where nothing is trained by gradient steps
    # Both are left out of the JSON where there are none, so that the digests of other recipes stay what they were.
    members: tuple[Recipe, ...] | UnsetType = UNSET  # of an ensemble
    teaching: Teaching | UnsetType = UNSET  # of a network that learns from another model

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
        problems += self._nested_problems()
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

    def _nested_problems(self) -> list[str]:
        """What is wrong with the recipes inside."""
        members, problems = self.members or (), []
        if bool(members) != (self.builder == "ensemble"):
            problems.append("An ensemble has members, and nothing else has; name them with of=features/fine-tuned.")
        if any(member.members for member in members):
            problems.append("Members of an ensemble are single models; an ensemble came among them.")
        if self.builder == "truncated" and not self.teaching:
            problems.append("A truncated base is made by the rung distilled, which says who teaches it.")
        return problems

    @property
    def is_trained_by_steps(self) -> bool:
        """Whether it, or a part of it, is trained by gradient steps."""
        return bool(self.stages) or any(member.is_trained_by_steps for member in self.members or ())

    @property
    def own(self) -> tuple[str, ...]:
        """Every function of the user's own that it names, each once."""
        names = [self.arguments.get("build", "")]
        for stage in self.stages:
            names += [stage.loss, *(stage.metrics or ())]
        inner = [*(self.members or ()), *([self.teaching.teacher] if self.teaching else [])]
        names += [name for one in inner for name in one.own]
        return tuple(name for name in dict.fromkeys(names) if is_own(name))


def digest(*values: Any) -> str:
    """SHA-256 of values in a canonical JSON form: equal values, equal digest. Hexadecimal, 64 digits."""
    import hashlib

    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()
