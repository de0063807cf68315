"""Texts in a report: the most confident mistakes with the words that weighed most, and each class's heaviest words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from starshift.report import words

LONGEST_EXCERPT = 70
"""Pieces (words, mostly) of a text that are shown: the stretch that weighed most."""

MARKED = 12
"""Pieces of an excerpt that are marked at most, the heaviest."""

MOST_CLASSES, MOST_WORDS = 12, 12
"""Classes whose heaviest words are shown, the largest, and how many words of each."""


class Piece(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of an excerpt."""

    text: str
    speaks: str = ""  # "for" the answer, "against" it, or "" where it hardly weighed


class Excerpt(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that was answered wrongly."""

    path: str
    label: str
    predicted: str
    probability: float
    pieces: tuple[Piece, ...]


class HeavyWords(Struct, frozen=True, forbid_unknown_fields=True):
    """What speaks most for a class."""

    label: str
    words: tuple[tuple[str, float], ...]  # n-grams and their weights, heaviest first


class TextLook(Struct, frozen=True, forbid_unknown_fields=True):
    """texts.json: what a run's report shows of its texts."""

    rung: str  # whose mistakes these are
    wrong: int
    examples: int  # of the validation part
    mistakes: tuple[Excerpt, ...]  # surest first
    told_by: str = ""  # the linear rung whose words are marked; "" where none was climbed
    heavy: tuple[HeavyWords, ...] = ()


def excerpt(pieces: Sequence[tuple[str, float]]) -> tuple[Piece, ...]:
    """The stretch of a text that weighed most, with its heaviest pieces marked; "…" where it is cut.

    pieces: text and weight, which is above 0 where it speaks for the answer.
    """
    start = _heaviest_stretch([abs(weight) for _, weight in pieces])
    shown = list(pieces[start : start + LONGEST_EXCERPT])
    heavy = sorted((abs(weight) for _, weight in shown if weight), reverse=True)[:MARKED]
    least = max(heavy[-1], 0.05 * heavy[0]) if heavy else 0.0
    found = [
        Piece(text, ("for" if weight > 0 else "against") if weight and abs(weight) >= least else "")
        for text, weight in shown
    ]
    before = [Piece("… ")] if start else []
    after = [Piece("…")] if start + LONGEST_EXCERPT < len(pieces) else []
    return (*before, *_joined(found), *after)


def _heaviest_stretch(weights: Sequence[float]) -> int:
    """Where the LONGEST_EXCERPT neighbours of the greatest sum begin; the first of equals."""
    if len(weights) <= LONGEST_EXCERPT:
        return 0
    total = best = sum(weights[:LONGEST_EXCERPT])
    start = 0
    for at in range(1, len(weights) - LONGEST_EXCERPT + 1):
        total += weights[at + LONGEST_EXCERPT - 1] - weights[at - 1]
        if total > best + 1e-12:
            best, start = total, at
    return start


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours that are marked alike as one; blanks stay outside of marks."""
    found: list[Piece] = []
    for piece in pieces:
        bare = piece.text.rstrip()
        for part in (Piece(bare, piece.speaks), Piece(piece.text[len(bare) :])):
            if found and part.speaks == found[-1].speaks:
                found[-1] = Piece(found[-1].text + part.text, part.speaks)
            elif part.text:
                found.append(part)
    return found


def view(look: TextLook | None) -> dict[str, Any] | None:
    """What the section says; None without texts."""
    if look is None:
        return None
    n = words.counted(look.examples, "validation text")
    return {
        "lead": _lead(look, n),
        "by": f"Marked by the weights of {look.told_by}: words that spoke for the wrong answer, and words against it."
        if look.told_by
        else "No linear rung was climbed, whose weights could say which words weighed most; --rungs linear adds it.",
        "marked": bool(look.told_by),
        "cards": [_card(one) for one in look.mistakes],
        "heavy": [_bars(one) for one in look.heavy],
    }


def _lead(look: TextLook, n: str) -> str:
    if not look.wrong:
        return f"No mistake of {look.rung} on {n}."
    which = (
        "Here they all are"
        if look.wrong == len(look.mistakes)
        else f"Here are the {len(look.mistakes)} it was surest of"
    )
    return (
        f"{look.rung} is wrong on {words.count(look.wrong)} of {n}. {which}, surest first: the text is hard, the model "
        "is blind to something, or the label is wrong."
    )


def _card(one: Excerpt) -> dict[str, Any]:
    return {
        "path": one.path,
        "label": one.label,
        "predicted": one.predicted,
        "probability": words.percent(one.probability),
        "pieces": [{"text": piece.text, "speaks": piece.speaks} for piece in one.pieces],
    }


def _bars(one: HeavyWords) -> dict[str, Any]:
    most = max((weight for _, weight in one.words), default=1.0)
    return {
        "label": one.label,
        "words": [
            {"word": word, "bar": round(100 * weight / most, 1), "weight": f"{weight:.3g}"}
            for word, weight in one.words
        ],
    }


def largest(counts: Mapping[str, int]) -> list[str]:
    """The classes whose words are shown, in the classes' own order."""
    chosen = sorted(counts, key=lambda name: -counts[name])[:MOST_CLASSES]
    return [name for name in counts if name in chosen]
