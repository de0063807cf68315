"""`starshift check`."""

from __future__ import annotations

from starshift.cli.arguments import FamilyOption, FileColumn, Labels, MinPerClass, Pattern, Photos, Target


def check(
    photos: Photos,
    labels: Labels = None,
    file_column: FileColumn = None,
    pattern: Pattern = None,
    target: Target = None,
    family: FamilyOption = None,
    min_per_class: MinPerClass = 2,
) -> None:
    """Read a source and say what could mislead; trains nothing."""
    from starshift.api.check import check as inspect
    from starshift.api.console import ConsoleProgress
    from starshift.cli.tables import show_check

    show_check(
        inspect(
            photos,
            labels=labels,
            file_column=file_column,
            pattern=pattern,
            target=target,
            family=family,
            min_per_class=min_per_class,
            progress=ConsoleProgress(),
        )
    )
