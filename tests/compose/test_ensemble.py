from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.compose import ensemble
from starshift.compose.ensemble import combined, disagreement, greedy, pool_weights, variance, weighted, without_each
from starshift.evaluation.metrics import log_losses


def answers(members: int, pictures: int = 40, classes: int = 3, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.dirichlet(np.ones(classes), pictures).astype(np.float32) for _ in range(members)]


@given(members=st.integers(1, 4), classes=st.integers(2, 5), seed=st.integers(0, 99), vote=st.booleans())
def test_an_answer_is_always_probabilities(members, classes, seed, vote):
    said = answers(members, 7, classes, seed)
    found = combined(said, [1 + place for place in range(members)], vote=vote)
    assert found.shape == (7, classes) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found >= 0).all()


def test_weights_that_sum_to_one_take_the_mean_of_logits():
    first, second = np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])
    odds = (9 * 1) ** 0.5
    np.testing.assert_allclose(combined([first, second], [0.5, 0.5]), [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-6)
    np.testing.assert_allclose(combined([first, second], [1, 0]), first, rtol=1e-6)


def test_a_vote_counts_classes_and_leaves_none_impossible():
    said = [np.array([[0.9, 0.1, 0.0]]), np.array([[0.4, 0.3, 0.3]]), np.array([[0.0, 1.0, 0.0]])]
    found = combined(said, [1, 1, 1], vote=True)
    np.testing.assert_allclose(found, [[(2 + 1 / 3) / 4, (1 + 1 / 3) / 4, 1 / 12]], rtol=1e-6)


def test_an_answer_of_nothing_is_a_large_loss_and_no_infinite_one():
    found = combined([np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])], [1, 1])
    np.testing.assert_allclose(found, [[0.5, 0.5]])
    assert combined([np.array([[1.0, 0.0]])] * 2, [0.5, 0.5])[0, 1] == pytest.approx(1e-7, rel=1e-3)


def told_apart(skill: float, seed: int, pictures: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A member that is right to some degree, with errors of its own; and the classes."""
    targets = np.arange(pictures) % 2
    generator = np.random.default_rng(seed)
    logits = skill * (2 * targets - 1) + generator.normal(size=pictures)
    second = 1 / (1 + np.exp(-logits))
    return np.stack([1 - second, second], axis=1).astype(np.float32), targets


@pytest.mark.parametrize("how", [greedy, weighted])
def test_members_that_err_on_other_pictures_all_count(how):
    said, targets = [told_apart(1.0, seed)[0] for seed in (1, 2, 3)], told_apart(1.0, 1)[1]
    weights = how(said, targets)
    assert (weights > 0.1).all()
    together = log_losses(targets, combined(said, weights.tolist())).mean()
    assert together < min(log_losses(targets, one).mean() for one in said)


@pytest.mark.parametrize("how", [greedy, weighted])
def test_a_member_that_knows_nothing_hardly_counts(how):
    good, targets = told_apart(2.0, 1)
    noise = told_apart(0.0, 2)[0]
    weights = how([good, noise], targets)
    assert weights[0] > 4 * weights[1]


def test_greedy_choice_is_never_worse_than_the_best_single_member_where_it_was_made():
    said, targets = [*answers(3, 60, 2, seed=4), told_apart(1.0, 5, 60)[0]], np.arange(60) % 2
    weights = greedy(said, targets)
    assert weights.sum() == pytest.approx(1)
    chosen = log_losses(targets, combined(said, weights.tolist())).mean()
    assert chosen <= min(log_losses(targets, one).mean() for one in said) + 1e-6


def test_disagreement_is_the_share_of_pictures_called_by_other_names():
    first, second = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.8, 0.2], [0.6, 0.4]])
    np.testing.assert_allclose(disagreement([first, second]), [[0, 0.5], [0.5, 0]])


def test_what_is_left_without_each_member():
    good, targets = told_apart(2.0, 1)
    noise = told_apart(0.0, 2)[0]
    left = without_each([good, noise], [0.5, 0.5], targets)
    np.testing.assert_allclose(left, [log_losses(targets, noise).mean(), log_losses(targets, good).mean()], rtol=1e-4)
    assert np.isnan(without_each([good], [1.0], targets)[0])


def test_ensembles_of_five_unrelated_models_vary_a_fifth_as_much():
    generator = np.random.default_rng(0)
    said = [np.clip(0.5 + 0.1 * generator.normal(size=(200, 2)), 0, 1) for _ in range(40)]
    single, together = variance(said, 1), variance(said, 5)
    assert single == pytest.approx(0.01, rel=0.1)
    assert together / single == pytest.approx(1 / 5, rel=0.2)
    assert np.isnan(variance(said[:7], 5))


def test_members_are_kept_as_one_model_and_found_again():
    tensors = [{"head/kernel": np.ones((2, 1), np.float32)}, {"head/kernel": np.zeros((2, 1), np.float32)}]
    whole = ensemble.together(tensors, [0.25, 0.75])
    assert sorted(whole) == ["member/head/kernel", "member_2/head/kernel", "weights"]
    assert whole["weights"].tolist() == [0.25, 0.75]


def test_weights_stay_with_the_own_head_where_nothing_says_otherwise():
    rng = np.random.default_rng(0)
    targets = np.arange(40) % 4
    own, other = 3 * np.eye(4)[targets] + rng.standard_normal((40, 4)), rng.standard_normal((40, 4))
    start, steady = np.array([1.0, 0.0]), 4.0
    found = pool_weights(np.stack([own, other]), targets, start, steady)
    assert found[0] > 0.8 and found[1] < 0.2 and (found >= 0).all()
    assert np.allclose(pool_weights(np.stack([own, other]), targets, start, 1e9), start, atol=1e-4)
