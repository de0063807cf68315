"""`starshift summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from starshift.training.cost import Cost


def summary(
    rung: Annotated[str, typer.Argument(help="A rung, e.g. convnet or convnet:dropout=0.5.", show_default=False)],
    base: Annotated[
        str | None, typer.Option(help="Pretrained base; several joined by +. [default: MobileNetV2]")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the pictures in pixels; the rung's own if not given.")
    ] = None,
    classes: Annotated[int, typer.Option(help="How many classes are told apart.")] = 2,
) -> None:
    """Layers, shapes, parameters and multiply-adds of a rung's network, before anything is trained."""
    from rich.console import Console

    from starshift.api.summary import summary as count

    counted = count(rung, base=base, size=size, classes=classes)
    console = Console(highlight=False)
    console.print(_table(counted))
    for line in _totals(counted):
        console.print(line, markup=False)


def _table(cost: Cost) -> Table:
    """One row per layer; counts that are 0 stay empty, so that those that matter stand out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("layer", overflow="fold")
    table.add_column("output shape")
    for title in ("parameters", "trainable", "multiply-adds"):
        table.add_column(title, justify="right")
    for layer in cost.layers:
        shape = " × ".join("any" if side is None else str(side) for side in layer.shape)
        counts = (layer.parameters, layer.trainable, layer.multiply_adds)
        table.add_row(f"{layer.name} ({layer.kind})", shape, *(f"{count:,}" if count else "" for count in counts))
    return table


def _totals(cost: Cost) -> list[str]:
    """As the seeds print them, and the multiply-adds of the whole."""
    return [
        f"Total parameters: {cost.parameters:,}",
        f"Trainable parameters: {cost.trainable:,}",
        f"Non-trainable parameters: {cost.parameters - cost.trainable:,}",
        f"Multiply-adds per picture: {cost.multiply_adds / 1e6:,.1f} million",
    ]
