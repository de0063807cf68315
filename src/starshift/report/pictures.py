"""Which pictures are worth a look: the mistakes a model was surest of, and those it was least sure about."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from starshift.records import Predictions
from starshift.report import words

SHOWN = 12
"""Pictures in each of the two galleries."""

SMALL_PIXELS = 64
"""Pictures no larger than this are enlarged without smoothing, or nothing could be made out."""

Thumbnail = Callable[[str], bytes | None]
"""A picture's path → its JPEG bytes, or None where there is none."""


def confident_mistakes(predictions: Predictions) -> list[int]:
    """Rows of the wrong answers with the highest probability, highest first."""
    known = np.flatnonzero((predictions.targets >= 0) & ~predictions.right)
    return _first(known, -predictions.confidence[known])


def least_certain(predictions: Predictions) -> list[int]:
    """Rows whose best answer has the lowest probability, lowest first."""
    rows = np.arange(len(predictions.paths))
    return _first(rows, predictions.confidence)


def _first(rows: np.ndarray, keys: np.ndarray) -> list[int]:
    order = np.argsort(keys, kind="stable")  # equals stay in the order of their paths
    return [int(row) for row in rows[order[:SHOWN]]]


def gallery(
    rows: Iterable[int],
    predictions: Predictions,
    thumbnail: Thumbnail,
    sizes: Mapping[str, tuple[int, int]],
    because: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """What is said about each picture, with the picture itself as a data URI ("" where there is none).

    because: what report.why has for some of them, by path.
    """
    cards = [_card(row, predictions, thumbnail, sizes) for row in rows]
    return [card | {"why": (because or {}).get(card["path"])} for card in cards]


def _card(
    row: int, predictions: Predictions, thumbnail: Thumbnail, sizes: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    path, target = predictions.paths[row], int(predictions.targets[row])
    picture = thumbnail(path)
    return {
        "path": path,
        "file": path.rsplit("/", 1)[-1],
        "label": predictions.classes[target] if target >= 0 else "",
        "predicted": predictions.classes[int(predictions.predicted[row])],
        "probability": words.percent(float(predictions.confidence[row])),
        "right": bool(predictions.right[row]),
        "small": max(sizes.get(path, (SMALL_PIXELS + 1,))) <= SMALL_PIXELS,
        "uri": data_uri(picture) if picture else "",
    }


def data_uri(jpeg: bytes) -> str:
    """A JPEG as an address that holds the picture itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
