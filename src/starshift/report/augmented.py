"""Augmented pictures, so that a person sees what a network sees, and whether a label survives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starshift.augmentation import Augmentation, amounts, title
from starshift.report import words
from starshift.report.pictures import SMALL_PIXELS, data_uri


@dataclass(frozen=True)
class Sheet:
    """Some training pictures under one policy."""

    policy: Augmentation
    size: int  # side of what the network takes, in pixels
    rungs: tuple[str, ...]  # that were trained so
    labels: tuple[str, ...]  # class of each row
    rows: Sequence[Sequence[bytes]]  # JPEGs: a picture as it is, then changed in several ways


def augmented(sheets: Sequence[Sheet]) -> list[dict[str, Any]]:
    """What is said and shown of each policy."""
    return [
        {
            "title": title(sheet.policy),
            "rungs": words.listed(list(sheet.rungs)),
            "size": f"{sheet.size} px",
            "amounts": words.sentence(", ".join(amounts(sheet.policy))),
            "small": sheet.size <= SMALL_PIXELS,
            "rows": [
                {"label": label, "uris": [data_uri(picture) for picture in row]}
                for label, row in zip(sheet.labels, sheet.rows, strict=True)
            ],
        }
        for sheet in sheets
    ]
