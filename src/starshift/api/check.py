"""`starshift.check`: what is in a source, without training anything and without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starshift.api.given import Given, as_files
from starshift.api.options import Targets, family_and_targets, labels_of
from starshift.api.readers import read_content
from starshift.data.cache import cache_root
from starshift.data.decode import Frame
from starshift.data.read import read
from starshift.errors import UsageError
from starshift.findings import duplicates, imbalance
from starshift.findings.inspect import inspect
from starshift.findings.measures import measures_of
from starshift.findings.near import near_copies
from starshift.progress import Progress, Silent
from starshift.records import Dataset, Finding

FRAME = Frame(64)
"""What pictures are decoded to: enough to see that they are whole and which are copies."""


@dataclass(frozen=True)
class Checked:
    """What a check came to."""

    dataset: Dataset
    findings: tuple[Finding, ...]


def check(
    source: Given,
    *,
    labels: str | Path | None = None,
    file_column: str | None = None,
    pattern: str | None = None,
    target: Targets = None,
    family: str | None = None,
    min_per_class: int = 2,
    progress: Progress | None = None,
) -> Checked:
    """Read a source as `fit` would (decoding every picture once), and look for what could mislead.

    The arguments are those of `fit`. Raises UsageError or DataError with all problems at once.
    """
    progress = progress or Silent()
    source, labels, file_column = as_files(source, labels, file_column)
    problems: list[str] = []
    kind, wanted = family_and_targets(problems, Path(source), target, family)
    label_file, names = labels_of(problems, labels, pattern, file_column, wanted, kind)
    if problems:
        raise UsageError(problems)
    progress.start("reading", 0)
    try:
        if kind != "pictures":
            dataset = read_content(kind, Path(source), wanted, min_per_class).dataset
            return Checked(dataset, (*duplicates.findings(dataset), *imbalance.findings(dataset)))
        pictures = read(
            source,
            labels=label_file,
            pattern=names,
            targets=wanted,
            frame=FRAME,
            min_per_class=min_per_class,
            cache=cache_root(),
            progress=progress.update,
        )
        progress.start("looking for near copies", 0)
        near = near_copies(pictures, FRAME)
        measures = measures_of(pictures, FRAME)
    finally:
        progress.finish()
    return Checked(pictures.dataset, inspect(pictures.dataset, near, measures))
