"""Texts as words: what a word is, corpora of numbered words, and the same as characters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.data import words
from starshift.data.words import Corpus, characters, corpus, script, tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I DON'T like it!", ["i", "don't", "like", "it", "!"]),
        ("I don\N{RIGHT SINGLE QUOTATION MARK}t", ["i", "don't"]),
        ("'quoted' rock 'n' roll's", ["quoted", "rock", "n", "roll's"]),
        ("dull.<br /><br />Really?", ["dull", "really", "?"]),
        ("8/10 in 1987", ["8", "10", "in", "1987"]),
        ("profit 1,351,000 dlrs, 22.8 pct", ["profit", "0,000,000", "dlrs", "22.8", "pct"]),
        ("call 5551234 or 1st", ["call", "0000000", "or", "1st"]),
        ("naïve cafe\N{COMBINING ACUTE ACCENT}", ["naïve", "café"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("我喜欢 Python3，很好！", ["我", "喜", "欢", "python3", "很", "好", "!"]),
        ("ＡＢＣ", ["abc"]),
        ("", []),
        (" \t\n ...", []),
    ],
)
def test_what_a_word_is(text, found):
    assert tokens(text) == found


def test_a_corpus_numbers_words_in_the_order_in_which_they_are_met():
    found = corpus(["b a b", "", "a c"])
    assert found.forms == ("b", "a", "c")
    assert found.ids.tolist() == [0, 1, 0, 1, 2]
    assert found.starts.tolist() == [0, 3, 3, 5]
    assert found.lengths.tolist() == [3, 0, 2]
    assert len(found) == 3


def test_rows_of_a_corpus_come_in_the_order_asked_for():
    found = corpus(["b a b", "", "a c"]).rows([2, 1, 0])
    assert _spelt(found) == [["a", "c"], [], ["b", "a", "b"]]
    assert len(corpus(["a"]).rows([])) == 0


def test_characters_have_a_blank_before_each_word():
    found = characters(corpus(["Ab c", "", "c"]))
    assert ["".join(one) for one in _spelt(found)] == [" ab c", "", " c"]


def test_an_empty_corpus_is_one():
    assert len(corpus([])) == 0
    assert len(characters(corpus([]))) == 0
    assert len(characters(corpus(["", ""]))) == 2
    assert not corpus([]).is_dense


def test_scripts_without_blanks_are_known_by_their_characters():
    assert corpus(["我喜欢这部电影 ok"]).is_dense
    assert not corpus(["I like this film 好"]).is_dense


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["A film."], "Latin"),
        (["Это фильм"], "Cyrillic"),
        (["电影很好"], "Chinese characters"),
        (["123"], "none"),
        (["ⴰⵎⴰⵣⵉⵖ"], "other"),
    ],
)
def test_the_script_is_told(texts, told):
    assert script(texts) == told


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_text_is_numbered_and_spelt_back(texts):
    found = corpus(texts)
    assert _spelt(found) == [tokens(text) for text in texts]
    assert _spelt(characters(found)) == [list("".join(f" {word}" for word in tokens(text))) for text in texts]


@given(st.text(max_size=60))
def test_words_are_found_again_in_their_own_words(text):
    once = tokens(text)
    assert tokens(" ".join(once)) == once


def _spelt(found: Corpus) -> list[list[str]]:
    return [
        [found.forms[place] for place in found.ids[start:end]]
        for start, end in zip(found.starts[:-1], found.starts[1:], strict=True)
    ]


def test_the_words_of_a_corpus_are_32_bit_numbers():
    assert corpus(["a b"]).ids.dtype == np.int32
    assert words.corpus(["a b"]).starts.dtype == np.int64
