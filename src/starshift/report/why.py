"""Beside a mistake: what it hung on, and the training pictures that it is most like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from starshift.records import Alike, Why
from starshift.report import overlays, words
from starshift.report.pictures import Thumbnail, data_uri


def reasons(why: Why | None, thumbnail: Thumbnail) -> dict[str, dict[str, Any]]:
    """What cards show more, by the picture's path. thumbnail: a picture's path → its JPEG bytes, or None."""
    if why is None:
        return {}
    return {
        one.path: {"map": _map(why, one.cells, one.explained, thumbnail(one.path)), "alike": alike(one.alike)}
        for one in why.reasons
    }


def _map(why: Why, cells: Sequence[Sequence[float]], explained: str, picture: bytes | None) -> dict[str, str] | None:
    if not cells or picture is None:
        return None
    field = np.array(cells, np.float32)
    full = overlays.full_of(field, why.unit)
    return {
        "uri": data_uri(overlays.overlaid(picture, field, full, why.fit)),
        "words": overlays.in_words(field, why.unit, explained),
    }


def alike(found: Sequence[Alike]) -> list[dict[str, str]]:
    """Training pictures as they are shown."""
    return [
        {
            "path": one.path,
            "label": one.label,
            "likeness": f"{one.likeness:.2f}".replace("-", words.MINUS),
            "uri": data_uri(one.thumbnail) if one.thumbnail else "",
        }
        for one in found
    ]


def legend(why: Why | None, shown: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the cards' further pictures mean, in sentences; none where there are none."""
    if why is None:
        return []
    said = []
    if any(one["map"] for one in shown.values()):
        said.append(MAPS)
    if why.by:
        said.append(f"Below each stand the training pictures that it is most like, with their labels, by {why.by}")
    return [words.sentence(one) for one in (*said, *why.lacks)]


MAPS = (
    "Beside each picture, in grey, is what its answer hung on, found by hiding squares of a quarter of its side one "
    "after another: orange parts spoke for the answer, blue ones against it"
)
