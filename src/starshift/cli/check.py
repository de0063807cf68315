"""`starshift check`."""

from __future__ import annotations

from starshift.cli.arguments import FileColumn, Labels, MinPerClass, Photos, Target


def check(
    photos: Photos,
    labels: Labels = None,
    file_column: FileColumn = None,
    target: Target = None,
    min_per_class: MinPerClass = 2,
) -> None:
    """Read pictures and say what could mislead; trains nothing."""
    from starshift.api.check import check as inspect
    from starshift.api.console import ConsoleProgress
    from starshift.cli.tables import show_check

    show_check(
        inspect(
            photos,
            labels=labels,
            file_column=file_column,
            target=target,
            min_per_class=min_per_class,
            progress=ConsoleProgress(),
        )
    )
