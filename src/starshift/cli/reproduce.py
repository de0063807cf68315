"""`starshift reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def reproduce(
    experiment: Annotated[str, typer.Argument(help="dogs-vs-cats.", show_default=False)],
    data: Annotated[
        Path, typer.Option(help="Its pictures: train/ and validation/, or Kaggle's flat folder.", show_default=False)
    ],
    base: Annotated[str | None, typer.Option(help="Pretrained base.", show_default=False)] = None,
    seeds: Annotated[int, typer.Option(help="How many root seeds to go through.")] = 3,
    rungs: Annotated[str, typer.Option(help="Rungs to climb; all of the seeds' if not given.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder; runs/reproduce-EXPERIMENT if not given.")] = None,
) -> None:
    """The seeds' ladder on their own task, over several root seeds, beside what they measured."""
    from starshift.api.reproduce import reproduce as climb
    from starshift.cli.tables import show_reproduction

    folder = out or Path("runs") / f"reproduce-{experiment}"
    show_reproduction(climb(experiment, data=data, base=base, seeds=seeds, rungs=rungs, out=folder), folder)
