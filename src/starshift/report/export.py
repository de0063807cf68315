"""Exports as rows of a table, for the terminal and for benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from starshift.records import Estimate
from starshift.records.export import ExportRecord
from starshift.report.words import counted

COLUMNS = ("export", "MB", "ms", "largest difference", "same", "same from file", "figure (95 % interval)")


def rows(records: Sequence[ExportRecord]) -> list[tuple[str, ...]]:
    """One for each export; `sentence` says what the columns are."""
    return [
        (
            f"{one.format} {one.precision}",
            f"{one.file_bytes / 1e6:.1f}",
            f"{one.milliseconds:.1f}",
            f"{one.graph.largest:.1g}",
            f"{one.graph.same:.2%}",
            f"{one.files.same:.2%}",
            _figure(one.figure, one.metric),
        )
        for one in records
    ]


def sentence(records: Sequence[ExportRecord]) -> str:
    """What the figures rest on, and what the original's is. records: at least one, of one model."""
    one = records[0]
    found = (
        f"On {counted(one.graph.n, 'picture')} of the validation part. Largest difference of a probability, and "
        "share of same answers: against Keras in float32 on the same pixels; from file: against `starshift predict` "
        f"in float32. Figure: {one.metric}; of the original {_told(one.original, one.metric)}. ms: median for a "
        f"picture, one at a time, on {one.machine}."
    )
    if one.here is not None:
        found += (
            f" As `starshift predict` answers on this machine, in bfloat16, {one.here.same:.2%} of the answers of "
            f"{one.format} {one.precision} are the same."
        )
    return found


def _figure(figure: Estimate, metric: str) -> str:
    if figure.low is None or figure.high is None:
        return _told(figure.value, metric)
    return f"{_told(figure.value, metric)} ({_told(figure.low, metric)} to {_told(figure.high, metric)})"


def _told(value: float, metric: str) -> str:
    return f"{value:.1%}" if metric.endswith("accuracy") else f"{value:.4g}"
