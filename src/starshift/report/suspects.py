"""Labels that look wrong, as pictures with both labels; and what decisions on them bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starshift.records import Dataset, RunRecord, Suspect, Suspects
from starshift.report import words
from starshift.report.pictures import SMALL_PIXELS, Thumbnail, data_uri

SHOWN = 24
"""Pictures in the gallery."""


def shown(suspects: Suspects | None) -> list[Suspect]:
    """Those that are shown in the report: of the labels that look wrong the most suspicious."""
    return [one for one in suspects.ranked if one.looks_wrong][:SHOWN] if suspects else []


def labels(run: RunRecord, suspects: Suspects | None, dataset: Dataset, thumbnail: Thumbnail) -> dict[str, Any] | None:
    """What was found about the labels, and what was done about it; None where there is nothing to show."""
    cards = _cards(shown(suspects), dataset, thumbnail)
    if not cards and run.overlay is None:
        return None
    found = [finding.sentence for finding in run.findings if finding.kind == "suspected labels"]
    more = suspects.looks_wrong - len(cards) if suspects else 0
    return {
        "lead": [words.sentence(sentence) for sentence in found],
        "by": words.sentence(f"Judged by {suspects.by}") if suspects else "",
        "cards": cards,
        "more": f"And {words.count(more)} more" if more > 0 else "",
        "overlay": [words.sentence(one) for one in _overlay(run) if one],
    }


def _overlay(run: RunRecord) -> Sequence[str]:
    return (run.overlay.sentence, run.overlay.effect_sentence) if run.overlay else ()


def _cards(suspects: Sequence[Suspect], dataset: Dataset, thumbnail: Thumbnail) -> list[dict[str, Any]]:
    sizes = {picture.path: (picture.width, picture.height) for picture in dataset.pictures}
    return [_card(one, sizes.get(one.path), thumbnail(one.path)) for one in suspects]


def _card(one: Suspect, size: tuple[int, int] | None, picture: bytes | None) -> dict[str, Any]:
    return {
        "path": one.path,
        "file": one.path.rsplit("/", 1)[-1],
        "given": one.given,
        "suggested": one.suggested,
        "probability": words.percent(one.likely_probabilities[0]),
        "part": one.part,
        "small": size is not None and max(size) <= SMALL_PIXELS,
        "uri": data_uri(picture) if picture else "",
    }
