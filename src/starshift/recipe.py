"""Recipes: what is built and how it is trained, as values that are checked when they are made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from starshift.errors import UsageError

BUILDERS: dict[str, dict[str, type]] = {
    "majority": {},
    "convnet": {"channels": tuple, "kernel": int, "dense": int},
    "convnet-28px": {},
    "frozen": {"bases": tuple, "strengths": tuple},
}
"""Every builder by name, with the arguments that it takes and their types."""


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """One course of gradient training."""

    optimizer: str = "rmsprop"
    learning_rate: float = 1e-4
    batch_size: int = 20  # pictures per step
    epochs: int = 30

    def __post_init__(self) -> None:
        problems = []
        if self.optimizer not in ("rmsprop", "adam", "sgd"):
            problems.append(f"Optimizer {self.optimizer!r} is not known; choose rmsprop, adam or sgd.")
        if not self.learning_rate > 0:
            problems.append(f"The learning rate must be above 0; it is {self.learning_rate}.")
        for name in ("batch_size", "epochs"):
            if getattr(self, name) < 1:
                problems.append(f"{name} must be at least 1; it is {getattr(self, name)}.")
        if problems:
            raise UsageError(problems)


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A model and its training, complete but for the data and the seed."""

    builder: str  # a name in BUILDERS
    size: int  # side of the square input pictures, in pixels
    fit: str = "stretch"  # how pictures become square: see data.decode.Frame
    arguments: dict[str, Any] = {}  # of the builder
    stages: tuple[Stage, ...] = ()  # empty where nothing is trained by gradient steps

    def __post_init__(self) -> None:
        if problems := check_builder(self.builder, self.arguments):
            raise UsageError(problems)
        if self.size < 1:
            raise UsageError(f"The size of the pictures must be at least 1 pixel; it is {self.size}.")


def check_builder(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """Every problem with a builder's name and arguments, as sentences with a guess at what was meant."""
    if builder not in BUILDERS:
        return [f"Builder {builder!r} is not known.{near(builder, BUILDERS)}"]
    takes = BUILDERS[builder]
    problems = [
        f"Builder {builder!r} takes no argument {name!r}.{near(name, takes)}" for name in arguments if name not in takes
    ]
    problems += [
        f"Argument {name!r} of {builder!r} must be a {takes[name].__name__}; {value!r} came."
        for name, value in arguments.items()
        if name in takes and not isinstance(value, takes[name] | list if takes[name] is tuple else takes[name])
    ]
    return problems


def near(word: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """A sentence that offers the nearest known word, or lists them all: " Did you mean 'convnet'?"."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    if matches:
        return f" Did you mean {matches[0]!r}?"
    return f" Known: {', '.join(known)}." if known else ""


def digest(*values: Any) -> str:
    """SHA-256 of values in a canonical JSON form: equal values, equal digest. Hexadecimal, 64 digits."""
    import hashlib

    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()
