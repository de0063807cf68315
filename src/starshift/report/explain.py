"""Explanations → one page: each picture, what its answer hangs on, and the training pictures that it is most like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starshift.records import Explanation
from starshift.report import overlays, words
from starshift.report.pictures import data_uri
from starshift.report.why import alike

SHOWN = 5
"""Classes whose probabilities are named, the likeliest."""


def images(one: Explanation) -> dict[str, bytes]:
    """The pictures of an explanation, by name: JPEGs of the picture and of each map over it."""
    if one.reason:
        return {}
    found = {"picture": one.picture}
    if one.occlusion is not None:
        full = overlays.full_of(one.occlusion, one.unit)
        found["occlusion"] = overlays.overlaid(one.picture, one.occlusion, full, one.fit)
    if one.grad_cam is not None:
        found["grad-cam"] = overlays.overlaid(one.picture, one.grad_cam, 1.0, one.fit)
    return found


def said(one: Explanation) -> str:
    """An explanation in a line: `cat.jpg: dogs, 99.1 %. Strongest at the upper left: hiding it …`"""
    if one.reason:
        return f"{one.file}: {words.sentence(one.reason)}"
    return " ".join([f"{one.file}: {_answer(one)}.", *_map_words(one)])


def view(found: Sequence[Explanation], name: str) -> dict[str, Any]:
    """Everything that the page says. name: of the run or the model."""
    shown = [one for one in found if not one.reason]
    notes = list(dict.fromkeys(note for one in found for note in one.notes))
    cleaned: dict[str, Any] = words.cleaned(
        {
            "language": "en",
            "title": f"{words.counted(len(found), 'picture')} explained · {name}",
            "name": name,
            "headline": f"What {words.counted(len(shown), 'answer')} {'hangs' if len(shown) == 1 else 'hang'} on",
            "legend": _legend(shown),
            "notes": [words.sentence(note) for note in notes],
            "cards": [_card(one) for one in found],
        }
    )
    return cleaned


def _card(one: Explanation) -> dict[str, Any]:
    pictures = {name: data_uri(jpeg) for name, jpeg in images(one).items()}
    chances = sorted((one.probabilities or {}).items(), key=lambda pair: -pair[1])[:SHOWN]
    return {
        "path": one.file,
        "file": one.file.rsplit("/", 1)[-1],
        "reason": words.sentence(one.reason),
        "answer": "" if one.reason else _answer(one),
        "explained": one.explained if one.explained != one.label else "",
        "chances": [
            {"label": label, "x": round(100 * chance, 1), "figure": words.percent(chance)} for label, chance in chances
        ],
        "pictures": [
            {"title": title, "uri": pictures[name], "words": text}
            for name, title, text in (
                ("picture", "The picture", one.file),
                ("occlusion", "Occlusion", " ".join(_map_words(one))),
                ("grad-cam", "Grad-CAM", _camera_words(one)),
            )
            if name in pictures
        ],
        "alike": alike(one.alike),
    }


def _answer(one: Explanation) -> str:
    if one.probability is not None:
        return f"{one.label}, {words.percent(one.probability)}"
    return one.label or "none of the labels"


def _map_words(one: Explanation) -> list[str]:
    return [overlays.in_words(one.occlusion, one.unit, one.explained)] if one.occlusion is not None else []


def _camera_words(one: Explanation) -> str:
    if one.grad_cam is None:
        return ""
    where, value = overlays.place(one.grad_cam)
    if value == 0:
        return f"Nothing in the network's last map spoke for {one.explained}."
    return f"The answer {one.explained} hangs most on what is {overlays.at(where)}."


def _legend(shown: Sequence[Explanation]) -> list[str]:
    said = []
    if any(one.occlusion is not None for one in shown):
        said.append(
            "Occlusion: squares of a quarter and of an eighth of the side are hidden one after another, and the model "
            "is asked again. Where its evidence falls, the part spoke for the answer (orange); where it rises, against "
            "it (blue). Full colour is the strongest of each picture"
        )
    if any(one.grad_cam is not None for one in shown):
        said.append(
            "Grad-CAM: what in the network's last map raised the answer, by its gradients; it shows nothing that spoke "
            "against it, and only as finely as that map is"
        )
    if by := next((one.by for one in shown if one.by), ""):
        said.append(f"Training pictures beside it are the most alike by {by}")
    return [words.sentence(one) for one in said]
