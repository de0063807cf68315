"""A run on disk, as Python users hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from starshift.api.render import read_answers, write_report
from starshift.ladder.folder import RunFolder
from starshift.records import RunRecord
from starshift.report.figures import TableRow, table


class Run:
    """A run folder: `run.table`, `run.report`, `run.predict(paths)`; `run.record` holds every figure."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder = RunFolder(self.path)
        self._folder.read_run()  # what is no run is refused now, not at the first use

    @cached_property
    def record(self) -> RunRecord:
        """run.json."""
        return self._folder.read_run()

    @property
    def table(self) -> list[TableRow]:
        """The rungs, one dict of strings each."""
        return table(self.record)

    @property
    def report(self) -> Path:
        """report.html; written anew where it is missing."""
        file = self.path / "report.html"
        return file if file.is_file() else self.render()

    def render(self) -> Path:
        """Write report.html again from what lies in the folder; returns its path."""
        return write_report(self._folder, None, read_answers(self._folder, self.record))

    def predict(
        self,
        paths: Sequence[str | Path] | str | Path,
        *,
        build: Callable[..., Any] | None = None,
        sure: float | None = None,
        threshold: float | None = None,
        sort_into: str | Path | None = None,
        link: bool = False,
    ) -> list[Any]:
        """Labels and probabilities for pictures, folders or zips: see starshift.predict."""
        from starshift.api.predict import predict

        return predict(self.path, paths, build=build, sure=sure, threshold=threshold, sort_into=sort_into, link=link)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"
