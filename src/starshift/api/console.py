"""Progress on a terminal: a bar with the remaining time; plain lines where there is no terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from starshift.report import words


class ConsoleProgress:
    """Says on standard error what goes on, so that standard output stays clean for results."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self.console.print(words.visible(sentence), markup=False, soft_wrap=True)

    def start(self, task: str, total: int) -> None:
        """A bar appears; where there is no terminal, nothing is drawn."""
        self.finish()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("remaining"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task(task, total=total or None)
        self._bar.start()

    def update(self, done: int, total: int) -> None:
        """The bar moves."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def finish(self) -> None:
        """The bar goes away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
