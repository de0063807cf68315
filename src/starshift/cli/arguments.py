"""Arguments that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Photos = Annotated[Path, typer.Argument(help="Folder or zip with labelled pictures.", show_default=False)]
Labels = Annotated[Path | None, typer.Option(help="CSV with file names and classes.", show_default=False)]
FileColumn = Annotated[str | None, typer.Option(help="Its column with the file names.", show_default=False)]
Target = Annotated[str | None, typer.Option(help="Its column with the classes.", show_default=False)]
MinPerClass = Annotated[int, typer.Option(help="Fewest pictures that a class must have.")]
RunFolder = Annotated[Path, typer.Argument(help="A run's folder, such as runs/NAME.", show_default=False)]
