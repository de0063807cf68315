"""How fast this machine was seen to work: the memory behind predicted durations."""

from __future__ import annotations

import contextlib
from pathlib import Path

from starshift.errors import RunError
from starshift.records import files


class Paces:
    """Seconds per unit of work by name, kept in the cache between runs."""

    def __init__(self, cache: Path) -> None:
        self._file = cache / "paces.json"
        self._seconds: dict[str, float] = {}
        if self._file.is_file():
            with contextlib.suppress(RunError):  # a damaged memory is no memory: everything is measured anew
                self._seconds = files.read(self._file, dict[str, float])

    def get(self, name: str) -> float | None:
        """Seconds per unit, or None where this was never measured here."""
        return self._seconds.get(name)

    def put(self, name: str, seconds: float) -> None:
        """Remember what was measured; the latest counts, since machines change."""
        self._seconds[name] = seconds
        self._file.parent.mkdir(parents=True, exist_ok=True)
        files.write(self._seconds, self._file)
