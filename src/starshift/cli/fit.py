"""`starshift fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starshift.cli.arguments import FamilyOption, FileColumn, Labels, MinPerClass, Pattern, Photos, Target


def fit(
    photos: Photos,
    labels: Labels = None,
    file_column: FileColumn = None,
    pattern: Pattern = None,
    target: Target = None,
    family: FamilyOption = None,
    rungs: Annotated[
        str,
        typer.Option(
            help="Rungs to climb, e.g. features or convnet,features; all if not given. "
            "Variants: convnet:l2=0.001:dropout=0.5."
        ),
    ] = "",
    size: Annotated[int | None, typer.Option(help="Side of the pictures in pixels, for every rung.")] = None,
    augment: Annotated[
        str | None, typer.Option(help="Augmentation policy of the rungs that augment.", show_default=False)
    ] = None,
    base: Annotated[str | None, typer.Option(help="Pretrained base; several joined by +.", show_default=False)] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Head of features and fine-tuned: linear, or dense256.", show_default=False),
    ] = None,
    loss_weights: Annotated[
        str | None,
        typer.Option(help="What several targets' losses count: 1,0.5,2, balanced or uncertainty.", show_default=False),
    ] = None,
    budget: Annotated[str, typer.Option(help="Time for the whole climb, e.g. 90s, 5m, 1h.")] = "5m",
    seed: Annotated[int, typer.Option(help="Root of all chance.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME if not given.")] = None,
    allow_leaks: Annotated[bool, typer.Option("--allow-leaks", help="Go on if given parts share copies.")] = False,
    min_per_class: MinPerClass = 2,
    protocol: Annotated[
        str, typer.Option(help="How recipes are repeated: auto, holdout, 5-fold or 10x5-fold.")
    ] = "auto",
    group_by: Annotated[
        str | None,
        typer.Option(
            help="Keep examples together by column:NAME, folder:LEVEL, name:REGEX, burst or camera.",
            show_default=False,
        ),
    ] = None,
    order_by: Annotated[
        str | None,
        typer.Option(help="Train on the past only: by column:NAME, name:REGEX or time.", show_default=False),
    ] = None,
    slice_by: Annotated[
        str | None,
        typer.Option(
            help="Show the leading figure by column:NAME, folder:LEVEL, name:REGEX or camera.", show_default=False
        ),
    ] = None,
    student: Annotated[
        str | None,
        typer.Option(help="Whom distilled teaches: tiny, small, base, modern or convnet.", show_default=False),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(help="Pictures without labels, of which distilled learns too.", show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Folder or URL of learnwares that from-store builds on; see starshift store.", show_default=False
        ),
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(
            help="In the end, write the model for use elsewhere, e.g. litert:8-bit; several times for several.",
            show_default=False,
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Decisions on labels, made on the page of starshift review.", show_default=False),
    ] = None,
    open_test_again: Annotated[
        bool, typer.Option("--open-test-again", help="Use an opened test part for another model; the report says so.")
    ] = False,
    retrain_on_all: Annotated[
        bool, typer.Option("--retrain-on-all", help="In the end, train the chosen recipe on the validation part too.")
    ] = False,
    merge_stages: Annotated[
        bool, typer.Option("--merge-stages", help="Fine-tune a random head and the opened base at once.")
    ] = False,
) -> None:
    """Climb the ladder on labelled pictures; ends with a table, a model and a report."""
    from starshift.api.console import ConsoleProgress
    from starshift.api.fit import fit as climb
    from starshift.cli.tables import show_run

    wishes = _wishes(export)
    run = climb(
        photos,
        labels=labels,
        file_column=file_column,
        pattern=pattern,
        target=target,
        family=family,
        rungs=rungs,
        size=size,
        augment=augment,
        base=base,
        head=head,
        loss_weights=loss_weights,
        budget=budget,
        seed=seed,
        out=out,
        allow_leaks=allow_leaks,
        min_per_class=min_per_class,
        retrain_on_all=retrain_on_all,
        merge_stages=merge_stages,
        protocol=protocol,
        group_by=group_by,
        order_by=order_by,
        open_test_again=open_test_again,
        overlay=overlay,
        slice_by=slice_by,
        student=student,
        unlabelled=unlabelled,
        store=store,
        progress=ConsoleProgress(),
    )
    show_run(run)
    if wishes:
        from starshift.api.export import export as write
        from starshift.cli.export import show

        progress = ConsoleProgress()
        show([made for format, bits in wishes for made in write(run.path, format, precision=bits, progress=progress)])


def _wishes(texts: list[str] | None) -> list[tuple[str, str]]:
    """The formats that are asked for, before anything long begins."""
    if not texts:
        return []
    from starshift.api.export import parse_wishes

    return parse_wishes(texts)
