"""Pictures that findings name one by one, shown small: blank, dark, bright, blurred, far from all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starshift.records import Dataset, Finding, RunRecord
from starshift.report.pictures import SMALL_PIXELS, Thumbnail, data_uri

KINDS = ("blank", "very dark", "very bright", "blurred", "far out")
"""Findings whose pictures are shown; the first in a finding is the worst."""

SHOWN = 12
"""Pictures per finding."""


def _shown(finding: Finding) -> Iterator[str]:
    if finding.kind in KINDS:
        yield from (group[0] for group in finding.groups[:SHOWN])


def wanted(run: RunRecord) -> list[str]:
    """Paths of the pictures whose thumbnails `cards` will ask for."""
    return [path for finding in run.findings for path in _shown(finding)]


def cards(finding: Finding, dataset: Dataset, thumbnail: Thumbnail) -> list[dict[str, Any]]:
    """The pictures that a finding names one by one; none for findings of other kinds."""
    if finding.kind not in KINDS:
        return []
    known = {picture.path: picture for picture in dataset.pictures}
    found = []
    for path in _shown(finding):
        picture, jpeg = known.get(path), thumbnail(path)
        found.append(
            {
                "path": path,
                "file": path.rsplit("/", 1)[-1],
                "label": picture.label if picture else "",
                "small": picture is not None and max(picture.width, picture.height) <= SMALL_PIXELS,
                "uri": data_uri(jpeg) if jpeg else "",
            }
        )
    return found
