"""The seeds' experiments on rows and texts: their recipes in their true amounts, beside ours, by name."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from starshift.api.console import ConsoleProgress
from starshift.api.environment import environment
from starshift.api.outcome import OUTCOME_SCHEMA, Asked, Outcome, Told, markdown
from starshift.api.reproduce_boston import boston
from starshift.api.reproduce_texts import imdb, reuters
from starshift.errors import RunError, UsageError
from starshift.progress import Progress
from starshift.records import files

EXPERIMENTS: dict[str, Callable[[Asked], Told]] = {"boston": boston, "imdb": imdb, "reuters": reuters}
"""Each fits the seeds' recipe and ours, says what it does, and raises DataError where its data is not there."""

MOST_SEEDS = 20


def run(
    experiment: str,
    *,
    data: str | Path,
    seeds: int = 3,
    all_columns: bool = False,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run one of EXPERIMENTS; write table.json and table.md into `out`. Raises UsageError, DataError or RunError."""
    if not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds is how many root seeds to go through, 1 to {MOST_SEEDS}; {seeds} came.")
    if all_columns and experiment != "boston":
        raise UsageError(f"--all-columns is for boston; {experiment} has no column that is left out.")
    folder = Path(out) if out is not None else Path("runs") / f"reproduce-{experiment}"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; name a folder with --out.")
    folder.mkdir(parents=True, exist_ok=True)
    asked = Asked(Path(data), folder, seeds, all_columns, progress or ConsoleProgress())
    try:
        lines, notes = EXPERIMENTS[experiment](asked)
    finally:
        asked.progress.finish()
    outcome = Outcome(
        OUTCOME_SCHEMA, experiment, _command(experiment, asked), str(data), tuple(lines), environment(), tuple(notes)
    )
    files.write(outcome, folder / "table.json")
    files.write_bytes(markdown(outcome).encode(), folder / "table.md")
    return outcome


def _command(experiment: str, asked: Asked) -> str:
    words = ["starshift", "reproduce", experiment, "--data", str(asked.data), "--seeds", str(asked.seeds)]
    words += ["--all-columns"] if asked.all_columns else []
    return shlex.join([*words, "--out", str(asked.out)])
