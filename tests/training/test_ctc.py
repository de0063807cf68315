"""Connectionist temporal classification: the loss by all paths, and the figure against two other ways to decode."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from starshift.models.reader import BLANK, LONGEST, shape_strings, spelled
from starshift.records import Target
from starshift.training import ctc
from starshift.training.keras_setup import load_keras
from starshift.training.losses import figure_for, loss_for, masked

LETTERS = Target("text", "string", ("a", "b"))


def strings(*texts: str) -> np.ndarray:
    return shape_strings(LETTERS, np.array(texts, dtype=object))


def logits(seed: int, count: int = 1, columns: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns, 3)).astype(np.float32)


def probability_of(text: str, given: np.ndarray) -> float:
    """The sum over all paths that spell a text: 3 to the power of 5 of them."""
    each = np.exp(given) / np.exp(given).sum(axis=-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(3), repeat=len(given)):
        said = "".join("-ab"[place] for place, _ in itertools.groupby(path)).replace("-", "")
        total += float(np.prod(each[np.arange(len(given)), path])) if said == text else 0.0
    return total


@pytest.mark.parametrize("text", ["a", "ab", "aa", "bab"])
def test_the_loss_is_of_all_paths_that_spell_the_string(text):
    given = logits(1)
    found = float(np.asarray(ctc.loss(strings(text), given))[0])
    assert found == pytest.approx(-np.log(probability_of(text, given[0])), rel=1e-4)


def test_the_figure_is_that_of_the_spelled_string():
    given = logits(2, count=200)
    texts = ["".join(parts) for parts in itertools.product("ab", repeat=2)] * 50
    said = spelled(given, LETTERS.classes)
    right = np.asarray(ctc.right(strings(*texts), given))
    np.testing.assert_array_equal(right, (said[:, 0] == np.array(texts, dtype=object)).astype(np.float32))
    assert 0 < right.sum() < 200


def test_decoding_is_that_of_keras():
    ops, given = load_keras().ops, logits(3, count=50, columns=9)
    [decoded], _ = ops.ctc_decode(given, np.full(50, 9), strategy="greedy", mask_index=BLANK)
    theirs = ["".join("-ab"[place] for place in row if place > BLANK) for row in np.asarray(decoded)]
    assert theirs == spelled(given, LETTERS.classes)[:, 0].tolist()


def test_a_missing_string_teaches_nothing():
    loss, figure = (masked(one) for one in (loss_for("crossentropy", LETTERS).call, figure_for(LETTERS)))
    given = logits(4, count=2)
    found = np.asarray(loss(strings("ab", ""), given))
    assert found[0] > 0 and found[1] == 0
    assert np.asarray(figure(strings("ab", ""), given))[1] == 0


def test_more_than_a_string_may_hold_is_wrong():
    path = np.tile([1, 2], LONGEST)  # twice as long as the longest
    given = 9.0 * np.eye(3, dtype=np.float32)[path][None]
    assert float(np.asarray(ctc.right(strings("ab" * (LONGEST // 2)), given))[0]) == 0
