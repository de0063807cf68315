"""The map of the pictures: like ones together, as an SVG picture with points, thumbnails, names and marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from starshift.records import Finding, NamedHeap, PictureMap, Place, Suspects
from starshift.report import words
from starshift.report.pictures import data_uri

WIDTH, HEIGHT, EDGE = 1000, 660, 28
"""Of the drawing, in its own units, and what stays free all around."""

COLOURS = 10
"""Classes with a colour of their own; of more, colours follow the classes' order around the colour circle."""

MOST_NAMES = 30
"""Heaps that are named, the largest."""

LETTER, LINE = 8.5, 20
"""Width of a letter and height of a name, about, by which names that would lie on each other are left out."""

LIFTED = 24
"""How far a name stands above the densest place of its heap, where a thumbnail may be."""

PURE = 0.9
"""Share of one class from which a heap counts as unmixed."""

Mark = Literal["suspect", "copy"]


def marks(findings: Sequence[Finding], suspects: Suspects | None) -> dict[str, Mark]:
    """Pictures worth a look, by path: labels that look wrong, and copies of others."""
    found: dict[str, Mark] = {}
    for finding in findings:
        if "cop" in finding.kind or finding.kind == "leak":
            found |= {path: "copy" for group in finding.groups for path in group}
    if suspects:
        found |= {one.path: "suspect" for one in suspects.ranked if one.looks_wrong}
    return found


def drawn(found: PictureMap | None, classes: Sequence[str], marked: Mapping[str, Mark]) -> dict[str, Any] | None:
    """What is drawn and said; None without a map. classes: of the data set, in order. marked: as `marks` gives it."""
    if found is None or not found.places:
        return None
    colours = {label: number for number, label in enumerate(classes)}
    hues = {label: round(360 * number / len(classes)) for label, number in colours.items()}
    few = len(classes) <= COLOURS
    shown = Counter(place.label for place in found.places)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "lead": _lead(found, few),
        "words": _in_words(found),
        "few": few,
        "classes": [
            {"label": label, "colour": colours[label], "count": words.count(shown[label])}
            for label in (classes if few else ())
        ],
        "groups": [
            {"colour": colours[label] if few else "", "hue": hues[label], "points": _points(found.places, label)}
            for label in classes
            if shown[label]
        ],
        "stamps": [_stamp(place, colours, hues, few) for place in found.places if place.thumbnail],
        "names": _names(found.heaps),
        "marks": [_mark(place, marked[place.path]) for place in found.places if place.path in marked],
        "marked": _legend([marked[place.path] for place in found.places if place.path in marked]),
    }


def _at(place: Place | NamedHeap) -> tuple[int, int]:
    return round(EDGE + place.x * (WIDTH - 2 * EDGE)), round(EDGE + place.y * (HEIGHT - 2 * EDGE))


def _points(places: Sequence[Place], label: str) -> str:
    """All points of a class as one path of strokes of no length, which round ends make dots: a tenth of the bytes."""
    return "".join("M{} {}h0".format(*_at(place)) for place in places if place.label == label)


def _stamp(place: Place, colours: Mapping[str, int], hues: Mapping[str, int], few: bool) -> dict[str, Any]:
    x, y = _at(place)
    return {
        "x": x,
        "y": y,
        "colour": colours.get(place.label, "") if few else "",
        "hue": hues.get(place.label, 0),
        "uri": data_uri(place.thumbnail),
        "words": f"{place.path}, labelled {place.label}",
    }


def _mark(place: Place, mark: Mark) -> dict[str, Any]:
    x, y = _at(place)
    said = {"suspect": "its label looks wrong", "copy": "there is a copy of it"}[mark]
    return {"x": x, "y": y, "kind": mark, "words": f"{place.path}, labelled {place.label}: {said}"}


def _names(heaps: Sequence[NamedHeap]) -> list[dict[str, Any]]:
    """The names of the largest heaps, as far as none lies on another."""
    taken: list[tuple[float, int]] = []  # middles
    widths: list[float] = []
    named: list[dict[str, Any]] = []
    for heap in heaps:
        x, y = _at(heap)
        width = LETTER * min(len(heap.label), 24)
        x = round(min(max(x, width / 2 + 4), WIDTH - width / 2 - 4))
        free = all(
            abs(x - left) > (width + other) / 2 or abs(y - top) > LINE
            for (left, top), other in zip(taken, widths, strict=True)
        )
        if free and len(named) < MOST_NAMES:
            taken.append((x, y))
            widths.append(width)
            label = heap.label if len(heap.label) <= 24 else f"{heap.label[:23]}…"
            named.append({"x": x, "y": max(y - LIFTED, LINE), "label": label, "title": _heap(heap)})
    return named


def _heap(heap: NamedHeap) -> str:
    return f"{words.counted(heap.pictures, 'picture')} that lie together, {words.percent(heap.share)} {heap.label}"


def _lead(found: PictureMap, few: bool) -> str:
    shown = len(found.places)
    which = "Each dot is a picture" if shown == found.pictures else (
        f"Each of {words.count(shown)} dots is a picture, drawn at random from {words.count(found.pictures)}"
    )  # fmt: skip
    colour = "its colour is its class" if few else "its colour follows the order of the classes"
    return (
        f"{which} outside the sealed test part; {colour}. Pictures lie near each other where they are alike by "
        f"{found.by}; how far apart two heaps are says little. A dot among those of another class is worth a look."
    )


def _in_words(found: PictureMap) -> str:
    """The drawing in a sentence, for those who cannot see it."""
    if not found.heaps:
        return "No heaps stand out."
    pure = sum(heap.share >= PURE for heap in found.heaps)
    largest = ", ".join(f"{heap.label} ({words.count(heap.pictures)})" for heap in found.heaps[:8])
    several = len(found.heaps) != 1
    return (
        f"{words.counted(len(found.heaps), 'heap')} {'stand' if several else 'stands'} out, {words.count(pure)} of "
        f"{'them' if several else 'it'} nine tenths or more of one class. The largest, by the class that leads: "
        f"{largest}."
    )


def _legend(kinds: Collection[Mark]) -> list[dict[str, str]]:
    said: dict[Mark, str] = {"suspect": "label looks wrong", "copy": "has a copy"}
    counts = Counter(kinds)
    return [
        {"kind": kind, "words": f"{text} ({words.count(counts[kind])})"} for kind, text in said.items() if counts[kind]
    ]
