from __future__ import annotations

import numpy as np
import pytest

from starshift.models.classical import compress, standardize
from starshift.models.heads import Scale
from starshift.models.linear_heads import activated, fit_labels, fit_ridge, outputs_on
from starshift.records import Target

AGE, SHARE = Target("age", "regression"), Target("cloud", "share")
TAGS = Target("tags", "multi-label", ("a", "b"))
STRENGTHS = (1e-2, 1e-1)


def folds(count: int):
    rows = np.arange(count)
    return [(rows[rows % 3 != fold], rows[rows % 3 == fold]) for fold in range(3)]


def task(count: int, width: int):
    """Features, and a number that is linear in their compressed form, with some noise."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, width)).astype(np.float32)
    return features, compress(features) @ rng.normal(size=width) + 0.1 * rng.normal(size=count)


@pytest.mark.parametrize(("count", "width"), [(60, 8), (30, 50)], ids=["tall", "wide"])
def test_numbers_are_fitted_as_by_sklearns_ridge(count, width):
    from sklearn.linear_model import Ridge

    features, numbers = task(count, width)
    head = fit_ridge(features, numbers, strengths=STRENGTHS, folds=folds(count))
    assert set(head.losses) == {1e-4, 1e-3, 1e-2, 1e-1} and head.strength == min(head.losses, key=head.losses.get)
    standardized, mean, scale = standardize(compress(features))
    theirs = Ridge(alpha=1 / head.strength).fit(standardized, numbers)
    expected = theirs.predict((compress(features) - mean) / scale)
    np.testing.assert_allclose(outputs_on(features, head.kernel, head.bias)[:, 0], expected, atol=1e-3)
    assert head.kernel.dtype == np.float32 and head.kernel.shape == (width, 1)


def test_each_label_is_fitted_as_by_sklearns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    features, numbers = task(90, 6)
    table = np.stack([numbers > 0, numbers > 1], axis=1).astype(float)
    head = fit_labels(features, table, strengths=STRENGTHS, folds=folds(90))
    standardized, _, _ = standardize(compress(features))
    for label in range(2):
        theirs = LogisticRegression(C=head.strength, tol=1e-8).fit(standardized, table[:, label])
        found = activated(TAGS, outputs_on(features, head.kernel, head.bias))[:, label]
        np.testing.assert_allclose(found, theirs.predict_proba(standardized)[:, 1], atol=0.02)


def test_views_are_learned_from_and_do_not_make_a_row_count_more():
    features, numbers = task(60, 8)
    plain = fit_ridge(features, numbers, strengths=STRENGTHS, folds=folds(60))
    same = fit_ridge(features, numbers, strengths=STRENGTHS, folds=folds(60), views=[features, features])
    np.testing.assert_allclose(same.kernel, plain.kernel, atol=1e-4)
    other = fit_ridge(features, numbers, strengths=STRENGTHS, folds=folds(60), views=[features + 1])
    assert not np.allclose(other.kernel, plain.kernel, atol=1e-3)


def test_a_feature_that_hardly_fired_in_training_decides_nothing_where_it_is_awake():
    rng = np.random.default_rng(0)
    features = np.zeros((30, 1200), np.float32)
    features[:, :10] = rng.uniform(0, 1, (30, 10))
    features[4, 10] = 0.001
    numbers = features[:, :10] @ rng.normal(size=10)
    numbers[4] += 2
    head = fit_ridge(features, numbers, strengths=STRENGTHS, folds=folds(30))
    awake = features[:1].copy()
    awake[0, 10] = 3
    asleep, found = (outputs_on(rows, head.kernel, head.bias)[0, 0] for rows in (features[:1], awake))
    assert abs(found - asleep) < numbers.std()


def test_a_label_that_a_fold_does_not_have_is_no_problem():
    features, _ = task(30, 4)
    table = np.zeros((30, 2))
    table[0, 0] = 1
    head = fit_labels(features, table, strengths=STRENGTHS, folds=folds(30))
    assert (
        np.isfinite(head.kernel).all() and (activated(TAGS, outputs_on(features, head.kernel, head.bias)) < 0.5).all()
    )


def test_logits_become_answers_of_the_targets_kind():
    logits = np.array([[0.0], [2.0]])
    assert activated(AGE, logits, Scale(30.0, 10.0)).tolist() == [30.0, 50.0]
    np.testing.assert_allclose(activated(SHARE, logits), [0.5, 1 / (1 + np.exp(-2))])
    two = activated(Target("sex", "binary", ("f", "m")), logits)
    assert two.dtype == np.float32 and two[0].tolist() == [0.5, 0.5]
    assert activated(TAGS, np.zeros((3, 2))).dtype == np.float32
