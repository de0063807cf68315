"""`starshift reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starshift.errors import UsageError


def reproduce(
    experiment: Annotated[str, typer.Argument(help="dogs-vs-cats, boston, imdb, reuters.", show_default=False)],
    data: Annotated[
        Path,
        typer.Option(
            help="Its pictures: train/ and validation/, or Kaggle's flat folder; of the others the folder of the file.",
            show_default=False,
        ),
    ],
    base: Annotated[str | None, typer.Option(help="Pretrained base.", show_default=False)] = None,
    seeds: Annotated[int, typer.Option(help="How many root seeds to go through.")] = 3,
    rungs: Annotated[str, typer.Option(help="Rungs to climb; all of the seeds' if not given.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder; runs/reproduce-EXPERIMENT if not given.")] = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="boston: also the column that encodes race.")
    ] = False,
) -> None:
    """The seeds' ladder on their own task, over several root seeds, beside what they measured."""
    from starshift.api.experiments import EXPERIMENTS, run
    from starshift.api.reproduce import reproduce as climb
    from starshift.cli.tables import show_outcome, show_reproduction

    if experiment in EXPERIMENTS:
        if base or rungs:
            raise UsageError(f"--base and --rungs are for dogs-vs-cats; {experiment} has its own recipes.")
        show_outcome(run(experiment, data=data, seeds=seeds, all_columns=all_columns, out=out))
        return
    if all_columns:
        raise UsageError("--all-columns is for boston.")
    folder = out or Path("runs") / f"reproduce-{experiment}"
    show_reproduction(climb(experiment, data=data, base=base, seeds=seeds, rungs=rungs, out=folder), folder)
