"""Suspects that nobody found, for everything that shows them."""

from __future__ import annotations

import json
import re

from starshift.records import Dataset, Estimate, Suspect, Suspects


def fake_suspects(dataset: Dataset, *, wrong: int = 3, others: int = 2) -> Suspects:
    """The first pictures of a data set, under suspicion of being of the next class."""
    classes = dataset.classes
    ranked = []
    for row, picture in enumerate(dataset.pictures[: wrong + others]):
        other = [name for name in (*classes, *classes)[classes.index(picture.label) + 1 :] if name != picture.label]
        likely = tuple(dict.fromkeys(other))[:5]
        shares = tuple(round(0.97 / 2 ** (place + 1 if place else 0), 4) for place in range(len(likely)))
        ranked.append(
            Suspect(
                path=picture.path,
                digest=picture.digest,
                part="train" if row % 2 else "validation",
                given=picture.label,
                likely=likely,
                given_probability=0.013,
                likely_probabilities=shares,
                looks_wrong=row < wrong,
            )
        )
    estimate = Estimate(0.05, 0.03, 0.08, len(dataset.pictures), "confident joint; bootstrap")
    by = "a linear head on 1,280 features of MobileNetV2"
    return Suspects(1, "key", len(dataset.pictures), 0, 0, wrong, estimate, by, tuple(ranked))


def data_of(html: str) -> dict:
    """What the review page's script works on."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])
