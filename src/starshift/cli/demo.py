"""`starshift demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUNGS = "convnet,features"
"""What a demonstration of a minute has time for."""


def demo(
    out: Annotated[Path, typer.Option(help="Where the digits and the run go.")] = Path("runs/demo"),
) -> None:
    """The whole job in about a minute, with no network: handwritten digits that come with scikit-learn."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.demo import write_digits
    from starshift.api.fit import fit
    from starshift.cli.tables import show_run

    progress = ConsoleProgress()
    digits = write_digits(out / "digits")
    progress.say(f"Wrote handwritten digits to {digits}; from here on they are treated like any folder of pictures.")
    progress.say(f"starshift fit {digits} --rungs {RUNGS} --out {out / 'run'}")
    show_run(fit(digits, rungs=RUNGS, out=out / "run", progress=progress))
