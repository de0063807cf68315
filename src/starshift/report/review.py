"""A run's suspects → one offline page on which a person decides, picture by picture, what their labels should be."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from starshift.records import Dataset, RunRecord, Suspect
from starshift.report import words
from starshift.report.pictures import SMALL_PIXELS, data_uri


def review(
    run: RunRecord,
    dataset: Dataset,
    suspects: Sequence[Suspect],
    *,
    decisions: Sequence[Mapping[str, str]],
    decisions_digest: str,
    picture: Callable[[str], bytes | None],
    place: str,
    key: str,
    command: str,
) -> dict[str, Any]:
    """Everything that the page says, and the data that its script works on.

    decisions: those made before, each with file, digest, decision, label, by and when; decisions_digest: of their
    file, "" without one. picture: a picture's path → its JPEG bytes, or None. place: where the saved file belongs.
    key: under which the browser keeps decisions until they are saved. command: that applies them.
    """
    index = {name: place for place, name in enumerate(dataset.classes)}
    sizes = {one.path: max(one.width, one.height) for one in dataset.pictures}
    return {
        "language": "en",
        "title": words.visible(f"Labels to decide · {run.name}"),
        "name": words.visible(run.name),
        "script": script(),
        "script_digest": base64.b64encode(hashlib.sha256(script().encode()).digest()).decode(),
        "data": {
            "key": key,
            "place": words.visible(place),
            "command": words.visible(command),
            "classes": [{"name": name, "shown": words.visible(name)} for name in dataset.classes],
            "decisions": [dict(one) for one in decisions],
            "decisionsDigest": decisions_digest,
            "suspects": [_suspect(one, index, sizes.get(one.path), picture(one.path)) for one in suspects],
        },
    }


def _suspect(one: Suspect, index: Mapping[str, int], side: int | None, picture: bytes | None) -> dict[str, Any]:
    return {
        "path": one.path,
        "shown": words.visible(one.path),
        "digest": one.digest,
        "part": one.part,
        "looksWrong": one.looks_wrong,
        "given": index[one.given],
        "givenProbability": words.percent(one.given_probability),
        "likely": [
            {"label": index[label], "probability": words.percent(probability)}
            for label, probability in zip(one.likely, one.likely_probabilities, strict=True)
        ],
        "small": side is not None and side <= SMALL_PIXELS,
        "picture": data_uri(picture) if picture else "",
    }


@cache
def script() -> str:
    """The page's script; it is allowed to run by its digest, so that nothing that a name holds can."""
    return (files("starshift.report") / "templates" / "review.js").read_text(encoding="utf-8")
