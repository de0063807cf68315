"""Errors of numbers, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.evaluation.numbers import score
from starshift.records import NumberPredictions


def answers(targets, values) -> NumberPredictions:
    targets = np.asarray(targets, dtype=float)
    return NumberPredictions(tuple(map(str, range(len(targets)))), targets, np.asarray(values, dtype=float))


@given(st.integers(2, 40), st.integers(0, 999), st.sampled_from([1e-6, 1, 1e6]), st.sampled_from([0, 1e4]))
@settings(max_examples=12, deadline=None)
def test_figures_are_those_of_scikit_learn(count, seed, scale, shift):
    rng = np.random.default_rng(seed)
    true = shift + scale * rng.normal(size=count)
    said = true + scale * rng.normal(size=count)
    found = score(answers(true, said), seed=0, noun="picture")
    assert found.mean_absolute_error.value == pytest.approx(reference.mean_absolute_error(true, said))
    assert found.root_mean_squared_error.value == pytest.approx(reference.root_mean_squared_error(true, said))
    assert found.r_squared.value == pytest.approx(reference.r2_score(true, said), rel=1e-4, abs=1e-4)
    for one in (found.mean_absolute_error, found.root_mean_squared_error):
        assert one.low is None or one.low <= one.value <= one.high


def test_unknown_numbers_are_left_out():
    found = score(answers([1, np.nan, 3], [2, 99, 3]), seed=0, noun="row")
    assert found.mean_absolute_error.value == 0.5 and found.mean_absolute_error.n == 2
    assert "bootstrap over rows" in found.mean_absolute_error.method


def test_of_equal_numbers_no_variance_can_be_explained():
    assert score(answers([2, 2], [1, 2]), seed=0, noun="picture").r_squared is None
    assert score(answers([2], [1]), seed=0, noun="picture").mean_absolute_error.value == 1


def test_the_mean_explains_nothing_and_a_worse_answer_less():
    true = np.arange(100.0)
    assert score(answers(true, np.full(100, true.mean())), seed=0, noun="picture").r_squared.value == pytest.approx(
        0, abs=1e-12
    )
    assert score(answers(true, -true), seed=0, noun="picture").r_squared.value < 0
    assert score(answers(true, true), seed=0, noun="picture").r_squared.value == 1


def test_the_interval_of_the_error_holds_the_truth_as_often_as_it_says():
    rng, inside = np.random.default_rng(0), 0
    for seed in range(30):
        errors = rng.exponential(size=100)
        one = score(answers(np.zeros(100), errors), seed=seed, noun="picture").mean_absolute_error
        inside += one.low <= 1 <= one.high
    assert inside >= 24  # 95 % of 30 are 28.5; fewer than 24 come once in 3,000 times
