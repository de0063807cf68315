from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from starshift.models.classical import (
    SHRINKAGE,
    compress,
    discriminant,
    fit_alike,
    fit_head,
    head_probabilities,
    held_out_probabilities,
    logistic,
    majority,
    probabilities_of,
    standardize,
)
from starshift.models.heads import class_weights

STRENGTHS = (3e-3, 1e-2, 3e-2)


def clouds(classes: int, per_class: int, features: int = 20, *, apart: float = 1.0, draw: int = 1):
    """Features float32 (N, features) in clouds around class centres, and targets int (N,)."""
    targets = np.repeat(np.arange(classes), per_class)
    centres = np.random.default_rng(0).normal(0, apart, (classes, features))
    noise = np.random.default_rng(draw).normal(size=(len(targets), features))
    return (centres[targets] + noise).astype(np.float32), targets


def folds_of(targets: np.ndarray, count: int = 3, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inner folds with every class on the fitted side."""
    part = np.empty(len(targets), int)
    for label in np.unique(targets):
        rows = np.flatnonzero(targets == label)
        part[np.random.default_rng(seed).permutation(rows)] = np.arange(len(rows)) % count
    return [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(count)]


def fitted(features, targets, classes, **changes):
    settings = {"classes": classes, "strengths": STRENGTHS, "folds": folds_of(targets)} | changes
    return fit_head(features, targets, **settings)


def says(head, features):
    return head_probabilities(features, head.kernel, head.bias)


def test_compression_keeps_signs_and_order_and_shortens_tails():
    values = np.array([-3.0, -0.5, 0.0, 0.5, 3.0, 100.0], np.float32)
    compressed = compress(values)
    assert compressed.dtype == np.float32
    np.testing.assert_allclose(compressed, np.sign(values) * np.log1p(np.abs(values)), rtol=1e-6)
    assert (np.diff(compressed) > 0).all()


@pytest.mark.parametrize("rows", [30, 61, 120])
def test_few_rows_and_many_solve_the_same_equations(rows):
    features, targets = clouds(3, rows // 3 + 1, features=60)
    kernel, _ = discriminant(features, targets, 3)
    means = np.stack([features[targets == label].mean(axis=0) for label in range(3)])
    residuals = (features - means[targets]).astype(np.float64)
    covariance = residuals.T @ residuals / len(residuals)
    variance = np.trace(covariance) / len(covariance)
    shrunken = (1 - SHRINKAGE) * covariance + SHRINKAGE * variance * np.eye(len(covariance))
    np.testing.assert_allclose(kernel, np.linalg.solve(shrunken, means.T), rtol=2e-3, atol=2e-4)


# --- the majority class ---


def test_the_majority_is_the_classes_frequencies_with_one_more_picture_each():
    np.testing.assert_allclose(majority(np.array([0, 0, 0, 2]), 4), np.array([4, 1, 2, 1]) / 8)


def test_no_class_of_the_majority_has_probability_zero():
    frequencies = majority(np.zeros(1000, int), 3)
    assert frequencies.dtype == np.float32
    assert frequencies.min() > 0
    assert frequencies.sum() == pytest.approx(1)


# --- logits to probabilities ---


def test_one_logit_goes_through_a_sigmoid_and_several_through_a_softmax():
    np.testing.assert_allclose(probabilities_of(np.array([[np.log(3)]])), [[0.25, 0.75]], rtol=1e-6)
    logits = np.random.default_rng(0).normal(0, 5, (9, 4)).astype(np.float32)
    np.testing.assert_allclose(probabilities_of(logits), softmax(logits, axis=1), rtol=1e-5)


def test_huge_logits_overflow_nowhere():
    assert probabilities_of(np.array([[1e4], [-1e4]], np.float32)).tolist() == [[0, 1], [1, 0]]


# --- logistic regression, held against scikit-learn's ---


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("strength", [1e-3, 1e-2, 1.0])
def test_logistic_agrees_with_scikit_learn(classes, strength):
    features, targets = clouds(classes, 40)
    kernel, bias = logistic(features, targets, classes, strength)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(features, targets)
    assert kernel.shape == (20, 1 if classes == 2 else classes) and kernel.dtype == np.float32
    difference = probabilities_of(features @ kernel + bias) - theirs.predict_proba(features)
    assert np.abs(difference).max() < 0.03  # both stop near the lowest point, ours sooner (TOLERANCE)


def test_logistic_reaches_the_same_loss_as_scikit_learn():
    features, targets = clouds(4, 50)
    kernel, bias = logistic(features, targets, 4, 0.1)
    theirs = LogisticRegression(C=0.1, tol=1e-10, max_iter=5000).fit(features, targets)

    def objective(kernel, bias):
        probabilities = softmax(features @ kernel + bias, axis=1)
        return 0.1 * log_loss(targets, probabilities, normalize=False) + 0.5 * (kernel**2).sum()

    assert objective(kernel, bias) == pytest.approx(objective(theirs.coef_.T, theirs.intercept_), rel=1e-3)


def test_a_start_elsewhere_leads_to_the_same_place():
    features, targets = clouds(3, 30)
    cold = logistic(features, targets, 3, 0.01)
    warm = logistic(features, targets, 3, 0.01, start=(np.full((20, 3), 0.3), np.zeros(3)))
    np.testing.assert_allclose(
        probabilities_of(features @ cold[0] + cold[1]), probabilities_of(features @ warm[0] + warm[1]), atol=0.01
    )


# --- the discriminant, held against its formula ---


@pytest.mark.parametrize("classes", [2, 5])
def test_the_discriminant_follows_its_formula(classes):
    features, targets = clouds(classes, 15, 6)
    means = np.stack([features[targets == label].mean(axis=0) for label in range(classes)])
    within = (features - means[targets]).T @ (features - means[targets]) / len(features)
    shrunken = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / 6 * np.eye(6)
    kernel = np.linalg.solve(shrunken, means.T)
    bias = -0.5 * np.einsum("cf,fc->c", means, kernel)
    if classes == 2:
        kernel, bias = kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]
    found = discriminant(features, targets, classes)
    np.testing.assert_allclose(found[0], kernel, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[1], bias, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_discriminant_agrees_with_scikit_learn_at_the_same_shrinkage(classes):
    features, targets = clouds(classes, 25, 6)
    # Of equal spread in every direction, so that scikit-learn's standardizing before it shrinks changes nothing.
    residuals = features - np.stack([features[targets == label].mean(axis=0) for label in range(classes)])[targets]
    features = (features / residuals.std(axis=0)).astype(np.float32)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=[1 / classes] * classes)
    theirs.fit(features, targets)
    kernel, bias = discriminant(features, targets, classes)
    np.testing.assert_allclose(probabilities_of(features @ kernel + bias), theirs.predict_proba(features), atol=2e-3)


def test_more_features_than_pictures_are_no_obstacle():
    features, targets = clouds(3, 4, 200)
    kernel, bias = discriminant(features, targets, 3)
    assert np.isfinite(kernel).all() and ((features @ kernel + bias).argmax(axis=1) == targets).all()


# --- the head ---


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_a_head_learns_and_its_rows_sum_to_one(classes):
    features, targets = clouds(classes, 20)
    new, new_targets = clouds(classes, 20, draw=2)
    head = fitted(features, targets, classes)
    probabilities = says(head, new)
    assert head.kernel.shape == (20, 1 if classes == 2 else classes)
    assert head.kernel.dtype == head.bias.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == new_targets).mean() > 0.95


@pytest.mark.parametrize("apart", [0.0, 0.3, 2.0])
def test_the_weights_of_both_models_are_never_negative(apart):
    features, targets = clouds(3, 15, apart=apart)
    head = fitted(features, targets, 3)
    assert head.logistic_weight >= 0 and head.discriminant_weight >= 0


def test_the_strength_is_that_of_the_lowest_loss_over_the_folds():
    features, targets = clouds(3, 15)
    head = fitted(features, targets, 3)
    assert set(head.losses) == set(STRENGTHS)
    assert head.losses[head.strength] == min(head.losses.values())


def test_features_that_tell_nothing_give_the_frequencies_and_no_confidence():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(300, 20)).astype(np.float32), np.arange(300) % 3
    probabilities = says(fitted(features, targets, 3), rng.normal(size=(100, 20)).astype(np.float32))
    assert probabilities.max() < 0.7
    assert np.abs(probabilities.mean(axis=0) - 1 / 3).max() < 0.1


def test_the_probabilities_are_calibrated_on_new_pictures():
    features, targets = clouds(2, 400, apart=0.25)
    new, new_targets = clouds(2, 2000, apart=0.25, draw=2)
    probabilities = says(fitted(features, targets, 2), new)
    sure = probabilities.max(axis=1)
    assert abs(sure.mean() - (probabilities.argmax(axis=1) == new_targets).mean()) < 0.05


@pytest.mark.parametrize("kind", ["one feature", "all features"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_constant_features_do_no_harm(kind, value):
    features, targets = clouds(3, 10)
    features[:, 0 if kind == "one feature" else slice(None)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head = fitted(features, targets, 3)
        probabilities = says(head, features)
    assert np.isfinite(head.kernel).all() and np.isfinite(probabilities).all()
    if kind == "all features":
        np.testing.assert_allclose(probabilities, 1 / 3, atol=0.02)
    else:
        assert (probabilities.argmax(axis=1) == targets).mean() > 0.9


def test_a_feature_that_hardly_fires_is_not_blown_up_however_many_never_do():
    features = np.random.default_rng(0).uniform(0, 1, (20, 8)).astype(np.float32)
    features[:, 0] = 0
    features[3, 0] = 0.002  # hardly, and in one row alone
    standardized, mean, scale = standardize(features)
    dead = np.concatenate([features, np.zeros((20, 500), np.float32)], axis=1)
    among_dead, _, scales = standardize(dead)
    np.testing.assert_allclose(scales[:8], scale, rtol=1e-5)
    np.testing.assert_allclose(among_dead[:, :8], standardized, rtol=1e-4, atol=1e-5)
    assert abs(1 - mean[0]) / scales[0] < 50  # where it is awake, by 1
    none, _, scales = standardize(np.zeros((4, 3), np.float32))
    assert not none.any() and (scales > 0).all()


def test_a_class_that_no_fold_holds_out_does_no_harm():
    features, targets = clouds(3, 8)
    features, targets = features[:17], targets[:17]  # one picture of the third class
    folds = [(np.setdiff1d(np.arange(17), held), held) for held in (np.arange(0, 16, 2), np.arange(1, 16, 2))]
    head = fitted(features, targets, 3, folds=folds)
    np.testing.assert_allclose(says(head, features).sum(axis=1), 1, atol=1e-5)
    assert (says(head, features[:16]).argmax(axis=1) == targets[:16]).all()


def test_two_pictures_per_class_are_enough():
    features, targets = clouds(2, 2, apart=3)
    head = fitted(
        features, targets, 2, folds=[(np.array([0, 2]), np.array([1, 3])), (np.array([1, 3]), np.array([0, 2]))]
    )
    assert (says(head, features).argmax(axis=1) == targets).all()


def test_the_scale_of_the_features_does_not_matter():
    features, targets = clouds(3, 15)
    one, thousand = fitted(features, targets, 3), fitted(1000 * features + 5000, targets, 3)
    np.testing.assert_allclose(says(one, features), says(thousand, 1000 * features + 5000), atol=0.03)


def test_views_that_repeat_the_pictures_change_nothing():
    features, targets = clouds(3, 15)
    plain, repeated = fitted(features, targets, 3), fitted(features, targets, 3, views=[features, features])
    assert plain.strength == repeated.strength
    np.testing.assert_allclose(says(plain, features), says(repeated, features), atol=0.02)


def test_views_teach_what_does_not_matter():
    rng = np.random.default_rng(0)

    def seen(features):
        """Another view of the same things: what stands beside them is another."""
        return np.hstack([features, rng.normal(0, 3, features.shape)]).astype(np.float32)

    features, targets = clouds(2, 12, apart=0.4)
    new, new_targets = clouds(2, 500, apart=0.4, draw=2)
    plain, others, tested = seen(features), [seen(features) for _ in range(6)], seen(new)

    def loss(head):
        return log_loss(new_targets, says(head, tested))

    assert loss(fitted(plain, targets, 2, views=others)) < 0.95 * loss(fitted(plain, targets, 2))


def test_what_a_fold_holds_out_is_judged_by_its_plain_view_and_no_view_of_it_is_learned_from():
    """Views that give the class away would make held-out losses fall to nothing if they were on both sides."""
    features, targets = clouds(2, 30, apart=0.0)
    own = np.random.default_rng(3).normal(size=features.shape).astype(np.float32)  # a mark of each picture alone
    marked = features + 20 * own
    head = fitted(marked, targets, 2, views=[marked, marked])
    assert min(head.losses.values()) > 0.6


def test_progress_counts_the_folds():
    features, targets = clouds(2, 9)
    seen = []
    fitted(features, targets, 2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4)]


def test_the_same_data_give_the_same_head():
    features, targets = clouds(3, 15)
    one, two = fitted(features, targets, 3), fitted(features, targets, 3)
    assert (one.kernel == two.kernel).all() and (one.bias == two.bias).all()


def uneven(classes: int = 2):
    """Overlapping clouds, the first class ten times as large as each of the others."""
    features, targets = clouds(classes, 100, 8, apart=0.4)
    rng = np.random.default_rng(0)
    keep = (targets == 0) | (rng.random(len(targets)) < 0.1)
    return features[keep], targets[keep]


@pytest.mark.parametrize("classes", [2, 3])
def test_weighted_rows_are_those_of_scikit_learn(classes):
    features, targets = uneven(classes)
    weights = class_weights(targets, classes)
    theirs = LogisticRegression(C=0.1, class_weight="balanced", tol=1e-8, max_iter=2000).fit(features, targets)
    assert weights == pytest.approx(len(targets) / (classes * np.bincount(targets)))
    kernel, bias = logistic(features, targets, classes, 0.1, counting=weights[targets])
    assert np.allclose(kernel.T, theirs.coef_, atol=0.02)
    assert np.allclose(bias - bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=0.05)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_balanced_head_recognizes_more_of_the_small_classes(classes):
    features, targets = uneven(classes)
    recalls = {}
    for balance in (False, True):
        answers = says(fitted(features, targets, classes, balance=balance), features).argmax(axis=1)
        recalls[balance] = np.mean([np.mean(answers[targets == label] == label) for label in range(classes)])
    assert recalls[True] > recalls[False] + 0.05


def test_balance_changes_nothing_where_all_classes_are_of_one_size():
    features, targets = clouds(3, 30)
    plain, balanced = fitted(features, targets, 3), fitted(features, targets, 3, balance=True)
    assert np.allclose(plain.kernel, balanced.kernel, atol=1e-4)


def test_a_balanced_head_takes_views_as_well():
    features, targets = uneven(3)
    views = [features + np.random.default_rng(1).normal(0, 0.1, features.shape).astype(np.float32)]
    assert np.isfinite(fitted(features, targets, 3, views=views, balance=True).kernel).all()


# --- what is said of pictures that were not fitted on ---


@pytest.mark.parametrize("classes", [2, 4])
def test_held_out_probabilities_are_those_whose_loss_chose_the_head(classes):
    features, targets = clouds(classes, 30, apart=0.5)
    head = fitted(features, targets, classes)
    said = held_out_probabilities(features, targets, classes=classes, strengths=STRENGTHS, folds=folds_of(targets))
    assert said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-5)
    assert log_loss(targets, said) == pytest.approx(min(head.losses.values()), rel=1e-4)


def test_a_picture_is_judged_without_its_own_label():
    features, targets = clouds(2, 30)
    folds = folds_of(targets)[:2]
    said = held_out_probabilities(features, targets, classes=2, strengths=(1e-2,), folds=folds)
    seen = np.concatenate([held for _, held in folds])
    assert np.isnan(said[np.setdiff1d(np.arange(60), seen)]).all() and not np.isnan(said[seen]).any()
    wrong = targets.copy()
    wrong[seen[0]] = 1 - wrong[seen[0]]
    judged = held_out_probabilities(features, wrong, classes=2, strengths=(1e-2,), folds=folds)
    assert judged[seen[0], targets[seen[0]]] > 0.9  # whatever it is called, it looks like its class


def test_a_head_fitted_alike_on_the_same_rows_is_the_same_head():
    features, targets = clouds(3, 20)
    head = fit_head(features, targets, classes=3, strengths=STRENGTHS, folds=folds_of(targets))
    kernel, bias = fit_alike(head, features, targets, classes=3)
    np.testing.assert_allclose(kernel, head.kernel, atol=1e-5)
    np.testing.assert_allclose(bias, head.bias, atol=1e-5)
