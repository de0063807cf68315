"""How long work tells what it does: an interface, and a silent one. Floor 0, so that every floor can speak."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where long work says what it does. One task runs at a time; a new one ends the one before."""

    def say(self, sentence: str) -> None:
        """A remark that stays on the screen."""

    def start(self, task: str, total: int) -> None:
        """A task of `total` steps begins."""

    def update(self, done: int, total: int) -> None:
        """`done` of `total` steps of the current task are finished."""

    def finish(self) -> None:
        """The current task is over; its bar goes away."""


class Silent:
    """Says nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def start(self, task: str, total: int) -> None:
        """Nothing."""

    def update(self, done: int, total: int) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""
