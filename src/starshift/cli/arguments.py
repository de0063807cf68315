"""Arguments that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Photos = Annotated[
    Path, typer.Argument(help="Folder or zip with labelled pictures, or a file of rows.", show_default=False)
]
Labels = Annotated[Path | None, typer.Option(help="CSV or Parquet with file names and labels.", show_default=False)]
FileColumn = Annotated[str | None, typer.Option(help="Its column with the file names.", show_default=False)]
Pattern = Annotated[
    str | None,
    typer.Option(help="Labels in the file names, e.g. '{age:int}_{gender}_*.jpg'.", show_default=False),
]
Target = Annotated[
    list[str] | None,
    typer.Option(help="Column to predict, as NAME or NAME:KIND; several times for several.", show_default=False),
]
FamilyOption = Annotated[
    str | None,
    typer.Option("--family", help="pictures, table, texts or sequences; as it looks if not given.", show_default=False),
]
MinPerClass = Annotated[int, typer.Option(help="Fewest examples that a class must have.")]
RunFolder = Annotated[Path, typer.Argument(help="A run's folder, such as runs/NAME.", show_default=False)]
StorePlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Folder, postgresql://…, or http(s)://… of a server. [default: $STARSHIFT_STORE, or a folder of yours]",
        show_default=False,
    ),
]
StoreFiles = Annotated[
    str | None,
    typer.Option(help="Where the files are, if not where init was told: folder or s3://….", show_default=False),
]
