"""`starshift pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import Photos


def pretrain(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="The folder of the base, for fit --base.", show_default=False)],
    size: Annotated[int | None, typer.Option(help="Side of the pictures in pixels.", show_default=False)] = None,
    augment: Annotated[str | None, typer.Option(help="Augmentation policy.", show_default=False)] = None,
    budget: Annotated[str, typer.Option(help="Time for it, e.g. 20m, 8h.")] = "1h",
    seed: Annotated[int, typer.Option(help="Root of all chance.")] = 0,
) -> None:
    """Train a base of your own from scratch on many labelled pictures, for fit --base."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.pretrain import pretrain as train
    from starshift.api.run import Run
    from starshift.cli.tables import show_run

    base = train(photos, out=out, size=size, augment=augment, budget=budget, seed=seed, progress=ConsoleProgress())
    show_run(Run(base / "run"))
    typer.echo(f"Base: {base}; use it with: starshift fit PHOTOS --base {base}")
