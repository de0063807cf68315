"""Texts in a report: excerpts with marks, and the heaviest words."""

from __future__ import annotations

import pytest

from starshift.report.render import render
from starshift.report.texts import (
    LONGEST_EXCERPT,
    MARKED,
    Excerpt,
    HeavyWords,
    Piece,
    TextLook,
    excerpt,
    largest,
    view,
)

PIECES = (Piece("It was "), Piece("dull", "for"), Piece(", and "), Piece("moving", "against"))


def look(**changes: object) -> TextLook:
    mistake = Excerpt("row 7", "good", "bad", 0.987, PIECES)
    heavy = HeavyWords("good", (("moving", 2.0), ("very good", 1.0)))
    values = {"rung": "ensemble", "wrong": 1, "examples": 20, "mistakes": (mistake,), "told_by": "linear"}
    return TextLook(**{**values, "heavy": (heavy,), **changes})  # type: ignore[arg-type]


def test_the_heaviest_words_are_marked_for_and_against():
    found = excerpt([("it ", 0.0), ("was ", 0.01), ("dull ", 2.0), ("and ", 0.0), ("moving", -1.0)])
    assert found == (Piece("it was "), Piece("dull", "for"), Piece(" and "), Piece("moving", "against"))


def test_neighbours_that_are_marked_alike_are_one_mark_but_for_the_blank_between():
    found = excerpt([("very ", 1.0), ("dull ", 2.0)])
    assert [(piece.text, piece.speaks) for piece in found] == [("very", "for"), (" ", ""), ("dull", "for"), (" ", "")]


def test_a_long_text_is_cut_to_the_stretch_that_weighed_most():
    pieces = [(f"w{number} ", 1.0 if number == 150 else 0.0) for number in range(300)]
    text = "".join(piece.text for piece in excerpt(pieces))
    assert text.startswith("… ")
    assert text.endswith(" …")  # behind the blank of the last word
    assert "w150" in text
    assert len(text.split()) == LONGEST_EXCERPT + 2


def test_no_more_than_a_few_words_are_marked():
    found = excerpt([(f"w{number} ", 1.0 + number) for number in range(40)])
    assert sum(bool(piece.speaks) for piece in found) == MARKED


def test_an_empty_text_has_an_empty_excerpt():
    assert excerpt([]) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "ensemble is wrong on 1 of 20 validation texts. Here they all are, surest first"),
        ({"wrong": 9}, "Here are the 1 it was surest of"),
        ({"wrong": 0, "mistakes": ()}, "No mistake of ensemble on 20 validation texts."),
    ],
)
def test_the_lead_says_how_many(changes, says):
    found = view(look(**changes))
    assert found is not None
    assert says in found["lead"]


def test_without_a_linear_rung_it_is_said_how_to_mark_words():
    found = view(look(told_by="", heavy=()))
    assert found is not None
    assert "--rungs linear adds it" in found["by"]
    assert view(None) is None


def test_the_largest_classes_are_shown_in_their_order():
    counts = {f"c{number}": number for number in range(20)}
    assert largest(counts) == [f"c{number}" for number in range(8, 20)]


def test_the_section_shows_texts_and_nothing_runs_in_it():
    mistake = Excerpt("row <7>", "good", "bad", 0.987, (Piece("<script>alert(1)</script>"), Piece("dull", "for")))
    page = render({"texts": view(look(mistakes=(mistake,)))}, "texts.html")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert '<mark class="for" title="spoke for bad">dull</mark>' in page
    assert "98.7 %" in page
    assert "The heaviest words" in page
    assert 'style="width: 50.0%"' in page
    assert render({"texts": None}, "texts.html").strip() == ""
