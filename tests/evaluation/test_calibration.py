from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from answers import answers
from starshift.evaluation import metrics
from starshift.evaluation.calibration import (
    FOLDS,
    LARGEST_TEMPERATURE,
    check_temperature,
    cross_scaled,
    fit_temperature,
    folds_of,
    reliability,
    scaled,
)
from starshift.records import Reliability, Temperature

# --- the temperature ----------------------------------------------------------------------------------------


def test_a_temperature_of_1_leaves_probabilities_bit_for_bit():
    probabilities, _ = answers(20, 3)
    assert scaled(probabilities, 1.0) is probabilities


@pytest.mark.parametrize("classes", [2, 7])
@pytest.mark.parametrize("temperature", [0.3, 4.0])
def test_scaling_divides_logits_and_changes_no_answer(classes, temperature):
    probabilities, _ = answers(200, classes)
    found = scaled(probabilities, temperature)
    wanted = probabilities.astype(float) ** (1 / temperature)
    np.testing.assert_allclose(found, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-5)
    assert found.dtype == np.float32
    assert np.array_equal(found.argmax(axis=1), probabilities.argmax(axis=1))


@given(
    rows=st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3).filter(any), min_size=1, max_size=5),
    temperature=st.floats(0.05, 20),
)
@settings(max_examples=50, deadline=None)
def test_whatever_is_scaled_sums_to_one_and_keeps_its_answer(rows, temperature):
    drawn = np.array(rows)
    probabilities = (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)  # a temperature of 1 changes nothing
    found = scaled(probabilities, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    first = probabilities.argmax(axis=1)
    assert np.all(found[np.arange(len(found)), first] >= found.max(axis=1) - 1e-6)


def test_a_saturated_answer_can_be_made_less_sure():
    assert 0.01 < scaled(np.array([[0, 1], [1, 0]], np.float32), 4.0).min() < 0.02


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("classes", [2, 10])
def test_the_temperature_that_was_planted_is_found(temperature, classes):
    assert fit_temperature(*answers(4000, classes, temperature=temperature)) == pytest.approx(temperature, rel=0.1)


def test_the_temperature_is_that_of_the_lowest_smoothed_loss():
    probabilities, targets = answers(60, 3, temperature=2)
    logits, n = np.log(probabilities.astype(float)), 60

    def loss(inverse):
        given = np.log(np.exp(inverse * logits).sum(axis=1, keepdims=True))
        own = inverse * logits - given
        wrong = probabilities.astype(float)
        wrong[np.arange(n), targets] = 0
        wrong /= wrong.sum(axis=1, keepdims=True)
        truth = np.eye(3)[targets] * (1 - 1 / (n + 2)) + wrong / (n + 2)
        return -(truth * own).sum()

    found = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10})
    assert fit_temperature(probabilities, targets) == pytest.approx(1 / found.x, rel=1e-3)


def test_all_right_does_not_ask_for_full_certainty():
    """50 of 50 right: Laplace's rule of succession says 51 of 52."""
    probabilities = np.tile(np.array([[0.9, 0.1]], np.float32), (50, 1))
    temperature = fit_temperature(probabilities, np.zeros(50, int))
    assert scaled(probabilities, temperature)[0, 0] == pytest.approx(51 / 52, abs=1e-4)


def test_probabilities_without_any_bond_to_the_truth_end_at_the_largest_temperature():
    probabilities = np.tile(np.array([[0.9, 0.1]], np.float32), (40, 1))
    assert fit_temperature(probabilities, np.arange(40) % 2) == LARGEST_TEMPERATURE
    assert fit_temperature(np.full((10, 4), 0.25, np.float32), np.arange(10) % 4) == 1.0


def test_folds_are_stratified_and_keep_groups_together():
    targets = np.arange(200) % 2
    folds = folds_of(targets, groups=[[0, 3, 7], [7, 11]], seed=1)
    assert len(np.unique(folds)) == FOLDS
    assert len(set(folds[[0, 3, 7, 11]])) == 1
    assert all(9 <= np.sum((folds == fold) & (targets == 1)) <= 11 for fold in range(FOLDS))
    assert len(np.unique(folds_of(np.zeros(3, int), seed=0))) == 3


def test_each_fold_is_scaled_by_the_others():
    probabilities, targets = answers(90, 3, temperature=3)
    folds = folds_of(targets, seed=0)
    found = cross_scaled(probabilities, targets, folds)
    held = folds == 4
    own = fit_temperature(probabilities[~held], targets[~held])
    assert np.array_equal(found[held], scaled(probabilities[held], own))
    turned = targets.copy()
    turned[held] = (turned[held] + 1) % 3  # its own labels have no say
    assert np.array_equal(cross_scaled(probabilities, turned, folds)[held], found[held])


def test_a_model_that_is_too_sure_gets_its_temperature():
    probabilities, targets = answers(400, 5, temperature=2.5)
    found = check_temperature(probabilities, targets, folds_of(targets, seed=0), doubtful=False, seed=0, noun="picture")
    assert found.applied == found.fitted == pytest.approx(2.5, rel=0.2)
    assert found.folds == FOLDS
    assert found.log_loss_change.high < 0
    assert found.brier_change.high < 0
    assert found.log_loss_change.value == pytest.approx(found.log_loss_scaled.value - found.log_loss.value)
    assert found.brier.value == pytest.approx(metrics.brier(targets, probabilities, np.ones((400, 1)))[0])
    assert found.log_loss.low < found.log_loss.value < found.log_loss.high
    assert msgspec.json.decode(msgspec.json.encode(found), type=Temperature) == found


def test_what_is_calibrated_already_is_mostly_left_alone():
    applied = {True: 0, False: 0}
    for seed in range(20):
        probabilities, targets = answers(150, 2, seed=seed)
        for doubtful in applied:
            found = check_temperature(
                probabilities, targets, folds_of(targets, seed=seed), doubtful=doubtful, seed=seed, noun="picture"
            )
            applied[doubtful] += found.applied != 1
    assert applied[True] <= 2
    assert applied[True] <= applied[False] <= 12


def test_few_pictures_are_said_and_equal_losses_have_no_interval():
    probabilities, targets = answers(40, 2, temperature=2)
    found = check_temperature(probabilities, targets, folds_of(targets, seed=0), doubtful=False, seed=0, noun="picture")
    assert "tends to be too narrow" in found.brier.method
    alone = check_temperature(probabilities, targets, np.zeros(40, int), doubtful=False, seed=0, noun="picture")
    assert (alone.applied, alone.log_loss_change.value, alone.log_loss_change.low) == (1.0, 0.0, None)


# --- confidence against truth -------------------------------------------------------------------------------


def test_bins_hold_equally_many_and_are_sklearns():
    probabilities, targets = answers(500, 2)
    found = reliability(probabilities, targets, part="validation", seed=0)
    assert [one.right.n for one in found.bins] == [50] * 10
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    shares, means = calibration_curve(right, sure, n_bins=10, strategy="quantile")
    assert [one.right.value for one in found.bins] == pytest.approx(list(shares), abs=0.021)  # an edge may differ by 1
    assert [one.confidence for one in found.bins] == pytest.approx(list(means), abs=0.01)
    assert found.error == pytest.approx(
        np.mean([abs(one.right.value - one.confidence) for one in found.bins]), abs=1e-9
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Reliability) == found


def test_equal_confidences_share_a_bin():
    probabilities = np.tile(np.array([[0.8, 0.2]], np.float32), (300, 1))
    probabilities[:40] = [0.6, 0.4]
    found = reliability(probabilities, np.arange(300) % 5 == 0, part="validation", seed=0)
    assert [one.right.n for one in found.bins] == [40, 260]
    assert (found.bins[1].lowest, found.bins[1].highest) == pytest.approx((0.8, 0.8))


def test_few_pictures_make_few_bins():
    assert len(reliability(*answers(30, 2), part="test", seed=0).bins) == 1
    assert len(reliability(*answers(110, 2), part="test", seed=0).bins) == 4


@pytest.mark.parametrize(
    ("temperature", "n", "outcome"),
    [
        (1.0, 3000, "as sure as right"),
        (3.0, 1000, "too sure"),
        (0.3, 1000, "not sure enough"),
        (1.0, 30, "cannot be told"),
    ],
)
def test_the_verdict(temperature, n, outcome):
    found = reliability(*answers(n, 4, temperature=temperature, signal=1.2), part="test", seed=0)
    assert found.outcome == outcome
    assert found.gap.value == pytest.approx(found.confidence - found.accuracy.value)
    assert found.gap.low < found.gap.value < found.gap.high


def test_right_on_the_whole_and_wrong_at_every_confidence_is_uneven():
    """Half of the pictures too sure, half not sure enough."""
    rng = np.random.default_rng(0)
    sure = np.repeat([0.6, 0.95], 1000)
    right = rng.random(2000) < np.repeat([0.72, 0.83], 1000)
    probabilities = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    found = reliability(probabilities, np.where(right, 0, 1), part="test", seed=0)
    assert found.outcome == "uneven"
    assert found.error > found.error_limit > found.error_perfect > 0


def test_perfectly_calibrated_models_lie_in_the_band_and_have_the_error_that_is_foretold():
    errors, foretold, outside, alarms = [], [], 0, 0
    for seed in range(60):
        found = reliability(*answers(200, 3, seed=seed), part="test", seed=seed)
        errors.append(found.error)
        foretold.append(found.error_perfect)
        outside += sum(not one.band_low <= one.right.value <= one.band_high for one in found.bins)
        alarms += found.outcome in ("too sure", "not sure enough", "uneven")
    assert np.mean(errors) == pytest.approx(np.mean(foretold), rel=0.1)
    assert outside <= 0.08 * 60 * 8
    assert alarms <= 8


def test_the_same_seed_gives_the_same_band():
    first, second, other = (reliability(*answers(100, 2), part="test", seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert first.bins[0].band_low != other.bins[0].band_low or first.error_perfect != other.error_perfect
