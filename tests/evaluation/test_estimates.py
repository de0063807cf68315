"""Figures with their intervals, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.evaluation.estimates import FEW_EXAMPLES, FEW_MISTAKES, NO_SPREAD, bootstrapped, estimated, proportion
from starshift.evaluation.statistics import DRAWS, wilson


def mean_of(values):
    return lambda weights: np.asarray(values @ weights / weights.sum(axis=0))


def test_a_mean_has_the_interval_that_the_normal_distribution_gives_it():
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = bootstrapped({"mean": mean_of(values)}, np.zeros(400, dtype=int), seed=1, noun="picture")["mean"]
    assert found.value == pytest.approx(values.mean()) and found.n == 400
    error = 1.96 * values.std(ddof=1) / 20
    assert found.low == pytest.approx(values.mean() - error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + error, abs=0.15 * error)
    assert found.method == f"bootstrap over pictures, {DRAWS} draws"


def test_all_figures_come_from_the_same_draws_and_undefined_ones_stay_so():
    values = np.arange(200.0)
    found = bootstrapped(
        {"one": mean_of(values), "other": mean_of(values), "none": lambda weights: None},
        np.zeros(200, dtype=int),
        seed=3,
        noun="row",
    )
    assert found["one"] == found["other"] and found["none"] is None
    assert found["one"].method == f"bootstrap over rows, {DRAWS} draws"
    assert (
        bootstrapped({"one": mean_of(values)}, np.zeros(200, dtype=int), seed=3, noun="picture")["one"].low
        == found["one"].low
    )


def test_few_examples_and_few_mistakes_are_a_warning():
    drawn = np.linspace(0, 1, 100)
    assert f"fewer than {FEW_EXAMPLES} rows the interval" in estimated(0.5, drawn, 99, noun="row").method
    assert (
        f"fewer than {FEW_MISTAKES} mistakes the" in estimated(0.5, drawn, 500, FEW_MISTAKES - 1, noun="picture").method
    )
    assert "too narrow" not in estimated(0.5, drawn, 500, FEW_MISTAKES, noun="picture").method
    assert "too narrow" not in estimated(0.5, drawn, 500, None, noun="picture").method


def test_without_spread_there_is_no_interval():
    found = estimated(1.0, np.ones(100), 50, noun="picture")
    assert (found.low, found.high, found.method) == (None, None, NO_SPREAD)


def test_shares_have_wilsons_interval_and_0_of_0_has_none():
    found = proportion(8, 10)
    assert (found.value, (found.low, found.high), found.n) == (0.8, wilson(8, 10), 10)
    assert (proportion(0, 0).low, proportion(0, 0).method) == (None, "none of this class")
