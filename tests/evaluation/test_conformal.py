from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from answers import answers
from starshift.evaluation.calibration import fit_temperature, folds_of, scaled
from starshift.evaluation.conformal import (
    answer_threshold,
    binomial_below,
    least_answers,
    on_sealed_test,
    set_threshold,
    thresholds,
)
from starshift.records import Threshold


@given(n=st.integers(1, 400), share=st.floats(0.001, 0.6), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_binomial_tail_is_scipys(n, share, data):
    at_most = data.draw(st.integers(0, n))
    assert binomial_below(at_most, n, share) == pytest.approx(binom.cdf(at_most, n, share), rel=1e-9)


@pytest.mark.parametrize(("wanted", "least"), [(0.9, 29), (0.95, 59), (0.99, 299)])
def test_a_promise_takes_so_many_right_answers(wanted, least):
    assert least_answers(wanted) == least
    probabilities = np.tile(np.array([[0.99, 0.01]], np.float32), (least - 1, 1))
    found = answer_threshold(probabilities, np.zeros(least - 1, int), wanted, noun="picture")
    assert found == (None, f"it takes at least {least} pictures without a mistake, and {least - 1} set it")


def test_the_set_threshold_is_the_quantile_of_the_scores():
    probabilities, targets = answers(77, 4)
    scores = np.sort(1 - probabilities[np.arange(77), targets].astype(float))
    quantile = np.quantile(scores, np.ceil(78 * 0.9) / 77, method="inverted_cdf")
    assert set_threshold(probabilities, targets, 0.9, noun="picture").threshold == pytest.approx(1 - quantile, abs=1e-6)


@pytest.mark.parametrize(("wanted", "least"), [(0.9, 9), (0.95, 19), (0.99, 99)])
def test_sets_take_so_many_pictures(wanted, least):
    probabilities, targets = answers(least, 2)
    assert (
        set_threshold(probabilities, targets, wanted, noun="picture").threshold
        == probabilities[np.arange(least), targets].min()
    )
    found = set_threshold(probabilities[1:], targets[1:], wanted, noun="picture")
    assert found == (None, f"it takes at least {least} pictures, and {least - 1} set it")


def test_a_model_good_enough_always_answers():
    probabilities, targets = answers(300, 2, signal=4)
    assert answer_threshold(probabilities, targets, 0.9, noun="picture") == (0.0, "")


def test_a_model_that_guesses_promises_nothing():
    guesses = np.random.default_rng(0).dirichlet(np.ones(4), 300).astype(np.float32)
    found = answer_threshold(guesses, np.arange(300) % 4, 0.9, noun="picture")
    assert found == (None, "the 46 pictures that it is surest of hold too many mistakes for it")


def test_what_is_answered_is_the_surest_and_ties_go_together():
    probabilities, targets = answers(500, 3, signal=1.5)
    threshold = answer_threshold(probabilities, targets, 0.95, noun="picture").threshold
    assert 0.5 < threshold < 1
    twice = np.repeat(probabilities, 2, axis=0), np.repeat(targets, 2)
    tied = answer_threshold(*twice, 0.95, noun="picture").threshold
    assert np.sum(twice[0].max(axis=1) > tied) % 2 == 0


def test_right_among_answers_is_kept_in_19_of_20_cases():
    broken, found, big = 0, 0, answers(40_000, 2, signal=1.6, seed=1_000)
    sure, right = big[0].max(axis=1), big[0].argmax(axis=1) == big[1]
    for seed in range(200):
        threshold = answer_threshold(*answers(300, 2, signal=1.6, seed=seed), 0.9, noun="picture").threshold
        if threshold is not None:
            found += 1
            broken += right[sure > threshold].mean() < 0.9
    assert found > 150
    assert broken <= 17  # 10 are allowed on average; more than 17 in 1 of 100 studies


def test_sets_hold_the_true_class_as_often_as_promised():
    covered = []
    for seed in range(150):
        probabilities, targets = answers(101, 4, seed=seed)
        threshold = set_threshold(probabilities[:-1], targets[:-1], 0.9, noun="picture").threshold
        covered.append(probabilities[-1, targets[-1]] >= threshold)
    assert 0.82 < np.mean(covered) < 0.98


# --- how they went ------------------------------------------------------------------------------------------


def test_both_promises_at_every_level_survive_json():
    probabilities, targets = answers(200, 3, temperature=2)
    found = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=2.0, noun="picture")
    assert [(one.kind, one.wanted) for one in found] == [
        (kind, wanted) for kind in ("answers", "sets") for wanted in (0.9, 0.95, 0.99)
    ]
    assert {one.part for one in found} == {"validation"}
    assert {one.n for one in found} == {200}
    assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[Threshold, ...]) == found
    sets = found[3]
    assert sets.threshold == set_threshold(scaled(probabilities, 2.0), targets, 0.9, noun="picture").threshold
    assert sets.covered.value == pytest.approx(0.9, abs=0.03)
    assert sets.right.n == round(sets.answered.value * 200)
    assert found[0].covered is None


def test_measured_fold_by_fold_means_by_others():
    probabilities, targets = answers(120, 2, temperature=2)
    folds = np.arange(120) % 3
    found = thresholds(probabilities, targets, folds, temperature=2.0, noun="picture")[3]
    covered = 0
    for fold in range(3):
        held = folds == fold
        own = fit_temperature(probabilities[~held], targets[~held])
        threshold = set_threshold(scaled(probabilities[~held], own), targets[~held], 0.9, noun="picture").threshold
        asked = scaled(probabilities[held], own)
        covered += int((asked[np.arange(40), targets[held]] >= threshold).sum())
    assert found.covered.value == covered / 120


def test_without_a_threshold_nothing_is_answered_and_sets_hold_everything():
    probabilities, targets = answers(40, 2)
    found = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=1.0, noun="picture")
    answers_99, sets_99 = found[2], found[5]
    assert (answers_99.threshold, answers_99.answered.value, answers_99.right) == (None, 0.0, None)
    assert answers_99.reason == "it takes at least 299 pictures without a mistake, and 40 set it"
    assert (sets_99.threshold, sets_99.covered.value) == (None, 1.0)


def test_an_empty_set_is_no_answer():
    """A model so good that 90 % is reached by naming nothing for the least likely: those are not answered."""
    probabilities, targets = answers(200, 2, signal=3)
    found = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=1.0, noun="picture")[3]
    assert found.threshold > 0.5
    assert found.answered.value < 0.97


def test_on_the_test_part_the_thresholds_stay():
    probabilities, targets = answers(300, 3)
    made = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=1.0, noun="picture")
    others, truth = answers(150, 3, seed=1)
    found = on_sealed_test(made, others, truth)
    assert [one.threshold for one in found] == [one.threshold for one in made]
    assert {(one.part, one.n, one.answered.n) for one in found} == {("test", 300, 150)}
    assert [one.reason for one in found] == [one.reason for one in made]
    answered = others.max(axis=1) > made[0].threshold
    assert found[0].right.value == np.mean((others.argmax(axis=1) == truth)[answered])


def test_reasons_call_examples_what_they_are():
    probabilities, targets = answers(8, 2)
    assert "at least 19 rows, and 8 set it" in set_threshold(probabilities, targets, 0.95, noun="row").reason
    assert "at least 29 texts without" in answer_threshold(probabilities, targets, 0.9, noun="text").reason
    found = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=1.0, noun="sequence")
    assert all("sequences" in one.reason and "picture" not in one.reason for one in found if one.reason)
