"""N-grams as columns: found, counted and weighed as scikit-learn does it, and kept without pickles."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.data.words import characters, corpus, tokens
from starshift.errors import RunError
from starshift.models import ngrams
from starshift.models.ngrams import VIEWS, Grams
from starshift.recipe import VIEWS as NAMES

TEXTS = [
    "the film was good, the film was very good",
    "the film was bad",
    "a good film",
    "bad bad bad film",
    "",
    "unseen words only",
]


def test_the_views_are_those_that_recipes_know():
    assert tuple(VIEWS) == NAMES


def test_tf_idf_is_that_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = corpus(TEXTS)
    grams = ngrams.learn(words, (1, 2), least=1, most=1000)
    counts = ngrams.count(grams, words)
    found = ngrams.weighed(counts, ngrams.inverse_frequencies(counts), counted=True).toarray()
    rival = TfidfVectorizer(tokenizer=tokens, token_pattern=None, lowercase=False, ngram_range=(1, 2))
    rival.set_params(sublinear_tf=True)
    expected = rival.fit_transform(TEXTS).toarray()
    places = [rival.vocabulary_[grams.spelt(column)] for column in range(len(grams))]
    assert sorted(places) == list(range(expected.shape[1]))
    np.testing.assert_allclose(found, expected[:, places], atol=1e-6)


def test_characters_in_a_row_are_columns_too():
    letters = characters(corpus(["aba", "ab"]))
    grams = ngrams.learn(letters, (2, 3), least=1, most=100)
    assert {grams.spelt(column, "") for column in range(len(grams))} == {" a", "ab", "ba", " ab", "aba"}


def test_rare_and_uncommon_n_grams_are_left_out():
    words = corpus(["a b", "a b", "a c"])
    assert _spelt(ngrams.learn(words, (1, 2), least=2, most=10)) == {"a", "b", "a b"}
    assert _spelt(ngrams.learn(words, (1, 2), least=1, most=1)) == {"a"}
    assert _spelt(ngrams.learn(words, (1,), least=1, most=2)) == {"a", "b"}


def test_the_order_of_texts_plays_no_part():
    one, other = (ngrams.learn(corpus(texts), (1, 2), least=1, most=6) for texts in (TEXTS, TEXTS[::-1]))
    assert one.units == other.units
    assert one.keys.tolist() == other.keys.tolist()


def test_n_grams_end_with_their_text_and_skip_no_unknown_word():
    grams = ngrams.learn(corpus(["a b", "a b"]), (2,), least=1, most=10)
    counts = ngrams.count(grams, corpus(["a", "b a b", "a x b"]))
    assert counts.toarray().ravel().tolist() == [0, 1, 0]


def test_log_ratios_are_those_of_the_paper():
    words = corpus(["good good film", "good film", "bad film"])
    grams = ngrams.learn(words, (1,), least=1, most=10)
    found = ngrams.log_ratios(ngrams.count(grams, words), np.array([True, True, False]))
    by_word = {grams.spelt(column): float(value) for column, value in enumerate(found)}
    one, other = 3 + 1 + 3, 2 + 1 + 2  # good, bad, film; 1 is added to each
    assert by_word["good"] == pytest.approx(np.log(3 / one) - np.log(1 / other), abs=1e-6)
    assert by_word["bad"] == pytest.approx(np.log(1 / one) - np.log(2 / other), abs=1e-6)


def test_rows_have_the_length_of_1_or_0():
    words = corpus(TEXTS)
    grams = ngrams.learn(words, (1,), least=2, most=10)
    counts = ngrams.count(grams, words)
    rows = ngrams.weighed(counts, np.zeros(len(grams), np.float32), counted=False).toarray()
    assert not rows.any()
    rows = ngrams.weighed(counts, np.ones(len(grams), np.float32), counted=False).toarray()
    np.testing.assert_allclose((rows**2).sum(axis=1), [1, 1, 1, 1, 0, 0], atol=1e-6)


def test_a_vocabulary_is_kept_as_tensors():
    grams = ngrams.learn(corpus([*TEXTS, "我喜欢 naïve"]), (1, 2), least=1, most=100)
    tensors = grams.tensors("words")
    assert {name: array.dtype for name, array in tensors.items()} == {"words/units": np.uint8, "words/keys": np.int64}
    again = Grams.of(tensors, "words", (1, 2))
    assert again.units == grams.units
    assert again.keys.tolist() == grams.keys.tolist()


def test_an_empty_vocabulary_is_kept_too():
    grams = ngrams.learn(corpus(["", ""]), (1, 2), least=1, most=100)
    again = Grams.of(grams.tensors("words"), "words", (1, 2))
    assert ngrams.count(again, corpus(["a b"])).shape == (1, 0)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda tensors: tensors.pop("words/keys"), "lacks the vocabulary 'words'"),
        (lambda tensors: tensors.update({"words/keys": tensors["words/keys"][::-1].copy()}), "not in order"),
        (lambda tensors: tensors.update({"words/units": np.array([255, 254], np.uint8)}), "not UTF-8"),
        (lambda tensors: tensors.update({"words/keys": tensors["words/keys"].astype(np.float64)}), "is no vocabulary"),
    ],
)
def test_a_damaged_vocabulary_is_refused(spoil, says):
    tensors = ngrams.learn(corpus(TEXTS), (1, 2), least=1, most=100).tensors("words")
    spoil(tensors)
    with pytest.raises(RunError, match=says):
        Grams.of(tensors, "words", (1, 2))


def _spelt(grams: Grams) -> set[str]:
    return {grams.spelt(column) for column in range(len(grams))}
