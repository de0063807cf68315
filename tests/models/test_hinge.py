"""Linear models on sparse features: against scikit-learn, condensed and not, and weighed into one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import hstack
from scipy.sparse import random as sparse_random

from starshift.models import hinge
from starshift.records import Target

BINARY = Target.of_classes(["a", "b"])
THREE = Target.of_classes(["a", "b", "c"])
LABELS = Target("tags", "multi-label", ("a", "b"))
NUMBER = Target("price", "regression")


def some(rows: int = 60, columns: int = 200, outputs: int = 3):
    features = sparse_random(rows, columns, density=0.1, random_state=0, dtype=np.float32).tocsr()
    truth = np.arange(rows) % outputs
    features = (features + sparse_random(rows, columns, density=0.01, random_state=1, dtype=np.float32)).tocsr()
    return features, truth


def test_the_squared_hinge_is_that_of_linear_svc():
    from sklearn.svm import LinearSVC

    features, truth = some(outputs=2)
    wanted, _, _ = hinge.wanted_of(BINARY, truth)
    kernel, bias = hinge.solve(features, wanted, np.ones_like(wanted), 1.0)
    # Its bias has a penalty, which a large scaling takes away.
    rival = LinearSVC(C=1.0, intercept_scaling=100, tol=1e-6, max_iter=100_000, dual=True).fit(features, truth)
    np.testing.assert_allclose(kernel[:, 0], rival.coef_[0], atol=0.02)
    assert bias[0] == pytest.approx(rival.intercept_[0], abs=0.05)


def test_numbers_are_those_of_ridge():
    from sklearn.linear_model import Ridge

    features, _ = some()
    values = np.asarray(features.sum(axis=1)).ravel().astype(np.float64)
    wanted, mean, scale = hinge.wanted_of(NUMBER, values)
    kernel, bias = hinge.solve(features, wanted, np.ones_like(wanted), 0.5, is_number=True)
    rival = Ridge(alpha=1.0).fit(features.toarray(), values)  # ½ ‖w‖² + ½ Σ r² has the same minimum
    found = (features @ kernel + bias)[:, 0] * scale + mean
    np.testing.assert_allclose(found, rival.predict(features.toarray()), atol=0.02)


@pytest.mark.parametrize("balance", [0.0, 0.5])
@pytest.mark.parametrize("strength", [0.3, 4.0])
def test_products_of_rows_give_the_same_model(strength, balance):
    features, truth = some()
    ones = hstack([features, np.ones((len(truth), 1), np.float32)], format="csr")  # their bias has a penalty
    wanted, _, _ = hinge.wanted_of(THREE, truth)
    counting = hinge.counting_of(wanted, balance)
    products = hinge.products_of(features)
    np.testing.assert_allclose(products, (ones @ ones.T).toarray(), atol=1e-4)
    adds = hinge.solve_products(products, wanted, counting, strength)
    kernel, bias = features.T @ adds, adds.sum(axis=0)
    found = objective(features, kernel, bias, wanted, counting, strength)
    free = hinge.solve(ones, wanted, counting, strength)[0]  # the penalty stands in the kernel
    assert found <= objective(features, free[:-1], free[-1], wanted, counting, strength) * (1 + 1e-4)
    again = hinge.solve_products(
        products, wanted, counting, strength, start=hinge.solve_products(products, wanted, counting, 1.0)
    )
    np.testing.assert_allclose(again, adds, atol=1e-3)


def objective(features, kernel, bias, wanted, counting, strength) -> float:
    missing = np.maximum(0, 1 - wanted * (features @ kernel + bias))
    return float(0.5 * (np.sum(kernel**2) + np.sum(bias**2)) + strength * np.sum(counting * missing**2))


def test_copies_of_a_text_are_no_hindrance_to_products():
    features, truth = some(rows=6)
    wanted, _, _ = hinge.wanted_of(THREE, truth)
    doubled = np.array([0, 0, 1, 1, 2, 3, 4, 5])
    adds = hinge.solve_products(
        hinge.products_of(features[doubled]), wanted[doubled], np.ones((8, 3), np.float32), 64.0
    )
    said = hinge.products_of(features[doubled]) @ adds
    np.testing.assert_allclose(said[[0, 2]], said[[1, 3]], atol=1e-4)
    assert (said.argmax(axis=1) == truth[doubled]).all()


def test_rare_classes_count_more_the_more_balance():
    wanted, _, _ = hinge.wanted_of(THREE, np.array([0] * 8 + [1] * 2))
    assert hinge.counting_of(wanted, 0.0).max() == 1
    full = hinge.counting_of(wanted, 1.0)
    assert full[-1].tolist() == [1, 2.5, 1]  # 10 rows over 2 times 2 of the class
    assert full[0].tolist() == [1, 1, 1]  # a class of most rows is not made rarer
    half = hinge.counting_of(wanted, 0.5)
    assert half[-1, 1] == pytest.approx(2.5**0.5)


def test_a_class_without_rows_is_never_answered():
    features, truth = some(outputs=2)
    wanted, _, _ = hinge.wanted_of(THREE, truth)
    kernel, bias = hinge.solve(features, wanted, hinge.counting_of(wanted, 0.5), 1.0)
    assert ((features @ kernel + bias).argmax(axis=1) < 2).all()


def test_weights_prefer_the_model_that_knows():
    truth = np.array([0, 1] * 20)
    knows, guesses = (2.0 * truth - 1)[:, None], np.ones((40, 1))
    knows[:2] *= -1
    loss, weights = hinge.weigh([knows, guesses], BINARY, truth)
    assert weights[0] > 1
    assert weights[1] < 0.2
    assert loss < 0.3


def test_weights_hear_small_classes():
    truth = np.array([0] * 90 + [1] * 10)
    outputs = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)[:, None]
    loss, _ = hinge.weigh([outputs], BINARY, truth)
    assert loss == pytest.approx(np.log(2), abs=0.02)


def test_outputs_become_answers_of_each_kind():
    outputs = np.array([[0.0], [100.0]], np.float32)
    np.testing.assert_allclose(hinge.probabilities(outputs, BINARY), [[0.5, 0.5], [0, 1]], atol=1e-6)
    assert hinge.probabilities(np.zeros((2, 3), np.float32), THREE).sum() == pytest.approx(2)
    np.testing.assert_allclose(hinge.probabilities(np.array([[0.0, -100]], np.float32), LABELS), [[0.5, 0]], atol=1e-6)
    assert hinge.probabilities(np.array([[7.5]], np.float32), NUMBER).tolist() == [7.5]
    assert hinge.probabilities(np.array([[7.5]], np.float32), Target("s", "share")).tolist() == [1.0]


def test_labels_are_weighed_by_their_own_loss():
    truth = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8)
    loss, weights = hinge.weigh([2.0 * truth - 1], LABELS, truth)
    assert weights[0] > 3
    assert loss < 0.2
