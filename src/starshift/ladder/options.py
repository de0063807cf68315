"""What the user may change about the recipes of all rungs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Options:
    """What the user may change about recipes."""

    size: int | None = None  # side of the pictures in pixels; None: each rung's own
    bases: tuple[str, ...] = ()  # pretrained bases by name; none: chosen by the size of the task
    merge_stages: bool = False  # `fine-tuned` trains head and base at once, from a random head
    augment: str | None = None  # policy of every rung that augments; None: each rung's own
    head: str | None = None  # a name in recipe.HEADS, of the rungs that take one; None: each rung's own
    ensemble: Mapping[str, Any] = field(default_factory=dict)  # what a variant says of an ensemble's members
    student: str | None = None  # a name in combining.STUDENTS, or of a network from scratch; None: "small"
    teacher: str | None = None  # a name in combining.TEACHERS; None: "heads"
    loss_weights: tuple[float, ...] | str | None = None  # of several targets, as Stage has them; None: each rung's own
