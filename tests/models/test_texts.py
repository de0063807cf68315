"""Networks over words: what they say without Keras is what they say with it."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.data.words import corpus
from starshift.models import ngrams, texts
from starshift.records import Target

BINARY = Target.of_classes(["a", "b"])
THREE = Target.of_classes(["a", "b", "c"])
NUMBER = Target("price", "regression")
LABELS = Target("tags", "multi-label", ("a", "b"))

WORDS = 20


def weights_of(model) -> dict[str, np.ndarray]:
    """Random weights, biases too, so that nothing is 0 by chance."""
    generator = np.random.default_rng(0)
    from starshift.training.weights import write_weights

    weights = {one.path: generator.normal(0, 0.4, one.shape).astype(np.float32) for one in model.weights}
    write_weights(model, weights)
    return weights


def some_ids(length: int) -> np.ndarray:
    generator = np.random.default_rng(1)
    ids = generator.integers(1, WORDS + 2, (9, length)).astype(np.int32)
    lengths = np.array([0, 1, 2, 3, 5, length // 2, length - 1, length, length])
    ids[np.arange(length) >= lengths[:, None]] = texts.PADDING
    return ids


@pytest.mark.parametrize("target", [BINARY, THREE, NUMBER, LABELS], ids=lambda target: target.kind)
def test_dense_networks_answer_the_same_without_keras(target):
    grams = ngrams.learn(corpus(["a b c d e", "a b c"]), (1,), least=1, most=10)
    rows = texts.bag(grams, corpus(["a b", "", "c c e", "x"]), counted=False)
    model = texts.dense_network(len(grams), target, units=(8, 6))
    weights = weights_of(model)
    found = texts.dense_outputs(rows, weights, target, 2)
    np.testing.assert_allclose(found, model.predict_on_batch(rows.toarray()), atol=1e-5)


@pytest.mark.parametrize("length", [8, 21])
@pytest.mark.parametrize(
    ("block", "filters"),
    [("convolution", (7,)), ("convolution", (7, 5, 6)), ("pooling", ()), ("gru", ()), ("lstm", ())],
)
def test_networks_over_words_answer_the_same_without_keras(block, filters, length):
    model = texts.embedded_network(
        WORDS, length, THREE, block=block, width=6, filters=filters, kernel=4, units=5, dropout=0.1
    )
    weights = weights_of(model)
    ids = some_ids(length)
    found = texts.embedded_outputs(ids, weights, THREE, block=block, filters=len(filters))
    np.testing.assert_allclose(found, model.predict_on_batch(ids), atol=2e-5)


def test_no_text_is_answered_by_no_row():
    model = texts.embedded_network(
        WORDS, 8, BINARY, block="pooling", width=6, filters=(), kernel=4, units=5, dropout=0.0
    )
    found = texts.embedded_outputs(np.empty((0, 8), np.int32), weights_of(model), BINARY, block="pooling", filters=0)
    assert found.shape == (0, 1)


def test_a_bag_says_which_words_or_how_often():
    grams = ngrams.learn(corpus(["a a b"]), (1,), least=1, most=10)
    assert texts.bag(grams, corpus(["a a b"]), counted=False).toarray().tolist() == [[1, 1]]
    np.testing.assert_allclose(texts.bag(grams, corpus(["a a b"]), counted=True).toarray(), [[1 + np.log(2), 1]])


def test_a_sequence_keeps_the_last_words_with_padding_behind():
    grams = ngrams.learn(corpus(["a a b b b c"]), (1,), least=2, most=10)
    assert grams.units == ("b", "a")
    found = texts.sequence(grams, corpus(["a b", "", "c a b b", "b"]), 3)
    assert found.tolist() == [[3, 2, 0], [0, 0, 0], [3, 2, 2], [2, 0, 0]]
    assert texts.sequence(grams, corpus(["c a"]), 3).tolist() == [[texts.UNKNOWN, 3, 0]]
    assert found.dtype == np.int32
