"""Every learner of tables takes the same examination; then what is each one's own."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from starshift.errors import MissingExtra, RunError
from starshift.models import gaussian, tabular_blend, tabular_forest, tabular_linear, trees
from starshift.models.tabular import Rows, held_out_error
from starshift.models.tabular_blend import LEARNERS, fit, fit_average, predict, predict_average
from tabular import task

CASES = [
    (name, kind) for name in LEARNERS for kind in ("number", "two", "three") if name != "gaussian" or kind == "number"
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few trees, so that each fit is a moment."""
    monkeypatch.setattr(tabular_forest, "TREES", 30)
    monkeypatch.setattr(trees, "MOST_ROUNDS", 60)


def constant_error(given):
    if given.classes:
        shares = np.bincount(given.targets, minlength=given.classes) / len(given.targets)
        return held_out_error(np.tile(shares, (len(given.targets), 1)), given)
    return held_out_error(np.full(len(given.targets), given.targets.mean()), given)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_learner_learns_and_its_tensors_answer(name, kind):
    given = task(kind)
    learned = fit(name, given)
    outputs = predict(name, learned.tensors, given.rows, given.classes)
    assert outputs.shape == given.empty.shape and np.isfinite(outputs).all() and learned.said
    assert not np.isnan(learned.held_out).any()
    assert held_out_error(learned.held_out, given) < constant_error(given)
    if given.classes:
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_seed_gives_the_same_model(name, kind):
    first, second = (fit(name, task(kind, 60)) for _ in range(2))
    assert all(np.array_equal(first.tensors[key], second.tensors[key]) for key in first.tensors)


@pytest.mark.parametrize("name", LEARNERS)
def test_other_tensors_are_refused(name):
    given = task("number", 20)
    with pytest.raises(RunError):
        predict(name, {"wrong": np.zeros(3)}, given.rows, 0)


def test_several_labels_are_a_model_each():
    given = task("labels")
    learned = fit("linear", given)
    outputs = predict("linear", learned.tensors, given.rows, 2, labels=True)
    assert outputs.shape == (120, 2) and ((outputs > 0.5) == given.targets).mean() > 0.8
    assert learned.said.startswith("2 models, one per label")


@pytest.mark.parametrize("kind", ["number", "two", "three", "labels"])
def test_the_average_errs_no_more_than_its_members(kind):
    given = task(kind)
    learned = fit_average(given)
    outputs = predict_average(learned.tensors, given.rows, given.classes, labels=kind == "labels")
    assert np.isfinite(outputs).all() and learned.held_out.shape == given.empty.shape
    weights = [array[0] for name, array in learned.tensors.items() if name.endswith("/weight")]
    assert sum(weights) == pytest.approx(1) and all(weight >= tabular_blend.LEAST_WEIGHT for weight in weights)
    if kind != "labels":
        linear = fit("linear", given)
        assert held_out_error(learned.held_out, given) <= held_out_error(linear.held_out, given) + 1e-6


def test_numbers_of_many_sizes_are_learned_on_logarithms():
    given = task("number", 80)
    from dataclasses import replace

    given = replace(given, targets=np.exp((given.targets - 20) / 3))
    learned = fit_average(given)
    assert learned.said.startswith("on logarithms: ")
    outputs = predict_average(learned.tensors, given.rows, 0)
    assert (outputs > 0).all() and np.abs(outputs - given.targets).mean() < np.abs(
        given.targets - np.median(given.targets)
    ).mean()


def test_an_ensemble_without_members_is_refused():
    with pytest.raises(RunError, match="are not those of an ensemble"):
        predict_average({}, task("number", 10).rows, 0)


def test_ridge_is_scikit_learns():
    from sklearn.linear_model import Ridge

    given = task("number", 50)
    tensors = tabular_linear._ridge(given, (3.0,))[3.0]
    rival = Ridge(alpha=3.0).fit(given.rows.features, given.targets)
    np.testing.assert_allclose(tensors["kernel"][:, 0], rival.coef_, rtol=1e-6)
    np.testing.assert_allclose(tensors["bias"][0], rival.intercept_, rtol=1e-6)


@pytest.mark.parametrize("kind", ["number", "three"])
def test_extra_trees_as_arrays_answer_as_scikit_learns(kind):
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    given = task(kind, 80)
    tensors = tabular_forest._grown(given, 1)
    made = ExtraTreesClassifier if given.classes else ExtraTreesRegressor
    rival = made(tabular_forest.TREES, min_samples_leaf=1, random_state=given.seed).fit(
        given.rows.features, given.targets
    )
    fresh = task(kind, 40, seed=5).rows
    outputs = tabular_forest.predict(tensors, fresh, given.classes)
    if given.classes:
        expected = (30 * rival.predict_proba(fresh.features) + 1 / 3) / 31
    else:
        expected = rival.predict(fresh.features)
    np.testing.assert_allclose(outputs, expected, rtol=1e-9)


def test_trees_that_lead_nowhere_are_refused():
    tensors = tabular_forest._grown(task("number", 20), 1)
    with pytest.raises(RunError, match=r"lead to nodes that are not there \(left\)"):
        tabular_forest.predict({**tensors, "left": tensors["left"] + 10**6}, task("number", 5).rows, 0)


def test_trees_in_a_ring_come_to_an_end():
    tensors = tabular_forest._grown(task("number", 20), 5)
    ring = {**tensors, "left": np.zeros_like(tensors["left"]), "right": np.zeros_like(tensors["right"])}
    assert tabular_forest.predict(ring, task("number", 5).rows, 0).shape == (5,)


def test_a_gaussian_process_is_scikit_learns_for_the_same_scales():
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    given = task("number", 40)
    found = np.log([1.5, 2.0, 3.0, 4.0, 1.2, 0.2])
    tensors = gaussian._solved(given, found)
    kernel = ConstantKernel(1.2**2) * Matern([1.5, 2, 3, 4], nu=2.5) + WhiteKernel(0.2**2)
    rival = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True, alpha=1e-12)
    fresh = task("number", 15, seed=3).rows
    expected = rival.fit(given.rows.features, given.targets).predict(fresh.features)
    np.testing.assert_allclose(gaussian.predict(tensors, fresh, 0), expected, rtol=1e-6)


def test_the_slope_of_the_posterior_is_that_of_its_values():
    from scipy.optimize import approx_fprime

    given = task("number", 25)
    center = np.array([1.0] * 4 + [0.0, -1.0])
    targets = (given.targets - given.targets.mean()) / given.targets.std()

    def value(found):
        return gaussian._minus_log_posterior(given.rows.features, targets, center, found)[0]

    at = np.array([0.5, 0.8, 1.5, 1.2, 0.1, -0.7])
    slope = gaussian._minus_log_posterior(given.rows.features, targets, center, at)[1]
    np.testing.assert_allclose(slope, approx_fprime(at, value, 1e-6), rtol=1e-3, atol=1e-3)


def test_text_that_is_no_model_is_refused():
    text = np.frombuffer(b"tree\nno trees here", dtype=np.uint8)
    with pytest.raises(RunError, match="The trees of the model cannot be read"):
        trees.predict({"text": text}, task("number", 5).rows, 0)


@pytest.mark.parametrize(
    ("error", "words"),
    [(ImportError("none"), "pip install lightgbm"), (OSError("libgomp.so.1: cannot open"), "apt install libgomp1")],
)
def test_lightgbm_that_cannot_be_loaded_says_what_to_install(monkeypatch, error, words):
    original = builtins.__import__

    def refuse(name, *rest, **named):
        if name == "lightgbm":
            raise error
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=words):
        trees.load()


def test_no_rows_have_no_answers():
    given = task("three", 60)
    for name in ("linear", "trees", "extra-trees"):
        learned = fit(name, given)
        assert predict(name, learned.tensors, given.rows.taken(np.array([], int)), 3).shape == (0, 3)


def test_trees_over_other_columns_are_refused():
    given = task("number", 60)
    learned = fit("trees", given)

    with pytest.raises(RunError, match="number of features"):
        predict("trees", learned.tensors, Rows(given.rows.features, given.rows.raw[:, :2]), 0)
