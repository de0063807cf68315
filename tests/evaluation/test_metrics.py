from __future__ import annotations

import time

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from starshift.evaluation import metrics
from starshift.evaluation.statistics import bootstrap_weights

EPS = metrics.SMALLEST_PROBABILITY


def part(n, classes, *, seed=0, digits=None, present=None):
    """Targets, probabilities (float64) and predicted classes; `digits` rounds, for ties."""
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(present or classes), rng.integers(present or classes, size=n)])[:n]
    scores = rng.normal(size=(n, classes))
    scores[np.arange(n), targets] += 1
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if digits is not None:
        probabilities = np.round(probabilities, digits) + 1e-9
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return targets, probabilities, probabilities.argmax(axis=1)


def weights_for(targets, draws=5):
    drawn = np.concatenate(list(bootstrap_weights(targets, seed=1, draws=draws)), axis=1)
    return np.concatenate([np.ones((len(targets), 1)), drawn], axis=1)


def in_sklearn(function, weights):
    """scikit-learn's figure for each column of weights."""
    return np.array([function(sample_weight=column) for column in weights.T])


CASES = [
    dict(n=200, classes=2),
    dict(n=200, classes=2, digits=1),
    dict(n=300, classes=7),
    dict(n=300, classes=7, digits=1),
    dict(n=90, classes=30),
    dict(n=100, classes=5, present=3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_counting_metrics_are_sklearns(case):
    targets, _, predicted = part(**case)
    weights, present = weights_for(targets), np.unique(targets)

    def f1(sample_weight):
        return reference.f1_score(
            targets, predicted, labels=present, average="macro", sample_weight=sample_weight, zero_division=0
        )

    def recall(sample_weight):
        return reference.recall_score(
            targets, predicted, labels=present, average="macro", sample_weight=sample_weight, zero_division=0
        )

    def accuracy(sample_weight):
        return reference.accuracy_score(targets, predicted, sample_weight=sample_weight)

    np.testing.assert_allclose(metrics.accuracy(targets, predicted, weights), in_sklearn(accuracy, weights), atol=1e-12)
    np.testing.assert_allclose(
        metrics.balanced_accuracy(targets, predicted, weights), in_sklearn(recall, weights), atol=1e-12
    )
    np.testing.assert_allclose(metrics.macro_f1(targets, predicted, weights), in_sklearn(f1, weights), atol=1e-12)
    assert np.array_equal(
        metrics.confusion(targets, predicted, case["classes"]),
        reference.confusion_matrix(targets, predicted, labels=range(case["classes"])),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_metrics_of_probabilities_are_sklearns(case):
    targets, probabilities, _ = part(**case)
    weights, labels = weights_for(targets), np.arange(case["classes"])
    truth = np.eye(case["classes"])[targets]

    def auc(sample_weight):
        if case["classes"] == 2:
            return reference.roc_auc_score(targets, probabilities[:, 1], sample_weight=sample_weight)
        return np.mean(
            [
                reference.roc_auc_score(targets == label, probabilities[:, label], sample_weight=sample_weight)
                for label in np.unique(targets)
            ]
        )

    def log_loss(sample_weight):
        clipped = np.clip(probabilities, EPS, 1)
        return reference.log_loss(targets, clipped / clipped.sum(axis=1, keepdims=True), labels=labels,
                                  sample_weight=sample_weight)  # fmt: skip

    def brier(sample_weight):
        return np.average(((probabilities - truth) ** 2).sum(axis=1), weights=sample_weight)

    np.testing.assert_allclose(metrics.roc_auc(targets, probabilities, weights), in_sklearn(auc, weights), atol=1e-12)
    np.testing.assert_allclose(metrics.brier(targets, probabilities, weights), in_sklearn(brier, weights), atol=1e-12)
    if case["classes"] > 5 and "digits" not in case:  # with ties it depends on the order of the classes there

        def top(sample_weight):
            return reference.top_k_accuracy_score(
                targets, probabilities, k=5, labels=labels, sample_weight=sample_weight
            )

        np.testing.assert_allclose(metrics.top(targets, probabilities, weights), in_sklearn(top, weights), atol=1e-12)
    if "digits" not in case:  # else the clip is at work, and renormalizing after it differs
        np.testing.assert_allclose(
            metrics.log_loss(targets, probabilities, weights), in_sklearn(log_loss, weights), atol=1e-12
        )


def test_one_against_the_rest_is_sklearns():
    targets, probabilities, _ = part(300, 7, digits=2)
    expected = reference.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert metrics.roc_auc(targets, probabilities, np.ones((300, 1)))[0] == pytest.approx(expected, abs=1e-12)


def test_the_brier_score_is_sklearns():
    targets, probabilities, _ = part(300, 7)
    expected = reference.brier_score_loss(targets, probabilities, labels=range(7), scale_by_half=False)
    assert metrics.brier(targets, probabilities, np.ones((300, 1)))[0] == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=30))
def test_ties_count_half(pictures):
    targets = np.array([int(label) for label, _ in pictures])
    values = np.array([value for _, value in pictures]) / 4
    area = metrics.roc_auc(targets, np.stack([1 - values, values], axis=1), np.ones((len(targets), 1)))
    if len(np.unique(targets)) < 2:
        assert area is None
    else:
        assert area[0] == pytest.approx(reference.roc_auc_score(targets, values), abs=1e-12)


def test_a_certain_mistake_costs_16_nats_and_not_infinity():
    targets, probabilities = np.array([0, 1]), np.array([[1, 0], [1, 0]], dtype=np.float32)
    loss = metrics.log_loss(targets, probabilities, np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert loss == pytest.approx([0, 15.942385 / 2], abs=1e-6)
    assert loss[1] == pytest.approx(reference.log_loss(targets, probabilities), rel=1e-6)


def test_all_right_and_all_wrong():
    targets, ones = np.array([0, 0, 1, 2]), np.ones((4, 1))
    for predicted, figure in ((targets, 1.0), (np.array([1, 2, 0, 0]), 0.0)):
        for metric in (metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1):
            assert metric(targets, predicted, ones) == [figure]


@pytest.mark.parametrize(("n", "classes", "seconds"), [(1000, 2, 0.25), (850, 101, 1.5)])
def test_a_thousand_draws_are_fast(n, classes, seconds):
    targets, probabilities, predicted = part(n, classes)

    def took():
        began = time.process_time()  # not the clock's: other processes share this machine
        for weights in bootstrap_weights(targets, seed=0):
            metrics.accuracy(targets, predicted, weights)
            metrics.balanced_accuracy(targets, predicted, weights)
            metrics.macro_f1(targets, predicted, weights)
            metrics.roc_auc(targets, probabilities, weights)
            metrics.log_loss(targets, probabilities, weights)
        return time.process_time() - began

    assert any(took() < seconds for _ in range(3))
