"""Near copies for the report: pairs of pictures side by side, the most alike first."""

from __future__ import annotations

from typing import Any

from starshift.findings.duplicates import NEAR
from starshift.records import Dataset, Finding, RunRecord
from starshift.report.pictures import SMALL_PIXELS, Thumbnail, data_uri

MOST_PAIRS = 6
"""Pairs whose pictures are shown per finding."""


def wanted(run: RunRecord) -> list[str]:
    """Paths of the pictures that are shown side by side."""
    return [path for finding in run.findings for pair in _shown(finding) for path in pair]


def pairs(finding: Finding, dataset: Dataset, thumbnail: Thumbnail) -> list[list[dict[str, Any]]]:
    """The first pairs of a finding on near copies, both sides with thumbnail, path and class; none of other kinds."""
    known = {picture.path: picture for picture in dataset.pictures}
    sides = []
    for pair in _shown(finding):
        found = [known[path] for path in pair if path in known]
        sides.append([_side(one.path, one.label, min(one.width, one.height), thumbnail) for one in found])
    return sides


def _shown(finding: Finding) -> tuple[tuple[str, ...], ...]:
    return finding.groups[:MOST_PAIRS] if finding.kind.startswith(NEAR) else ()


def _side(path: str, label: str, side: int, thumbnail: Thumbnail) -> dict[str, Any]:
    picture = thumbnail(path)
    return {
        "path": path,
        "label": label,
        "small": side <= SMALL_PIXELS,
        "uri": data_uri(picture) if picture else "",
    }
