from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, norm, ttest_1samp

from starshift.evaluation import statistics
from starshift.evaluation.statistics import (
    bootstrap_weights,
    clopper_pearson,
    holm,
    mcnemar,
    mean_interval,
    paired_difference,
    percentile_interval,
    resampled_t,
    wilson,
)

# Newcombe, Statistics in Medicine 17 (1998) 857, table I: methods 3 and 5.
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("right", "n", "score", "exact"), NEWCOMBE)
def test_proportions_are_newcombes(right, n, score, exact):
    assert wilson(right, n) == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(right, n) == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_proportions_are_scipys(level):
    for n in (1, 2, 10, 97, 1000):
        for right in sorted({0, 1, n // 3, n - 1, n}):
            result = binomtest(right, n)
            assert wilson(right, n, level=level) == pytest.approx(
                tuple(result.proportion_ci(level, method="wilson")), abs=1e-12
            )
            assert clopper_pearson(right, n, level=level) == pytest.approx(
                tuple(result.proportion_ci(level, method="exact")), abs=1e-9
            )


def test_all_right_and_all_wrong_end_exactly():
    for n in range(1, 200):
        assert wilson(n, n)[1] == 1.0 and wilson(0, n)[0] == 0.0
        assert clopper_pearson(n, n)[1] == 1.0 and clopper_pearson(0, n)[0] == 0.0


def test_without_pictures_there_is_no_interval():
    assert wilson(0, 0) is clopper_pearson(0, 0) is paired_difference(0, 0, 0) is None


def test_wilson_covers_what_it_says():
    """Exact coverage, no draws: mean over true accuracies from 0.5 to 0.99 between 94 and 96 %."""
    from scipy.stats import binom

    for n in (20, 100, 1000):
        ends = np.array([wilson(right, n) for right in range(n + 1)])
        truths = np.linspace(0.5, 0.99, 99)
        held = (ends[:, :1] <= truths) & (truths <= ends[:, 1:])
        coverage = (held * binom.pmf(np.arange(n + 1)[:, np.newaxis], n, truths)).sum(axis=0)
        assert 0.94 < coverage.mean() < 0.96


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5), (0, 5), (6, 0), (12, 3), (150, 110), (900, 1100)])
def test_mcnemar_is_scipys_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(second, first) == mcnemar(first, second)


def test_mcnemar_takes_many_pictures():
    assert 0 <= mcnemar(9_000, 11_000) < 1e-40


def test_the_paired_interval_is_the_published_one():
    """Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) 2850, airway data: 1, 1, 7, 12."""
    assert paired_difference(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("b", "c", "n"), [(1, 7, 21), (40, 20, 160), (0, 3, 30), (6, 0, 20), (142, 20, 1000)])
def test_the_paired_interval_is_that_of_the_likelihood(b, c, n):
    """Tango's own definition, with the restricted maximum of the likelihood searched numerically."""

    def statistic(delta):
        def minus_log_likelihood(q):
            cells = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
            return -sum(k * math.log(max(p, 1e-300)) for k, p in cells if k)

        lowest, highest = max(0.0, -delta), (1 - delta) / 2
        q = minimize_scalar(minus_log_likelihood, bounds=(lowest, highest), options={"xatol": 1e-12}).x
        return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))

    z = norm.ppf(0.975)
    difference = (b - c) / n
    low = brentq(lambda delta: statistic(delta) - z, -0.99, difference - 1e-9)
    high = brentq(lambda delta: statistic(delta) + z, difference + 1e-9, 0.99)
    assert paired_difference(b, c, n) == pytest.approx((low, high), abs=1e-5)


def test_the_paired_interval_without_discordant_pictures():
    z2 = norm.ppf(0.975) ** 2
    for n in (1, 20, 1000):
        assert paired_difference(0, 0, n) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-12)


def test_the_paired_interval_is_antisymmetric_and_holds_the_difference():
    for n in (1, 2, 7, 30):
        for b, c in itertools.product(range(n + 1), repeat=2):
            if b + c <= n:
                low, high = paired_difference(b, c, n)
                assert -1 <= low <= (b - c) / n <= high <= 1
                assert paired_difference(c, b, n) == pytest.approx((-high, -low), abs=1e-12)


def test_everything_discordant_ends_at_one():
    assert paired_difference(20, 0, 20)[1] == 1.0
    assert paired_difference(0, 20, 20)[0] == -1.0


def test_the_paired_interval_covers_what_it_says():
    rng = np.random.default_rng(0)
    known, coverage = {}, []
    for b, c in [(0.02, 0.02), (0.05, 0.02), (0.1, 0.03), (0.2, 0.05), (0.15, 0.15)]:
        draws = rng.multinomial(100, [b, c, 1 - b - c], size=1000)[:, :2]
        for pair in {tuple(draw) for draw in draws.tolist()} - known.keys():
            known[pair] = paired_difference(*pair, 100)
        coverage.append(np.mean([known[tuple(d)][0] <= b - c <= known[tuple(d)][1] for d in draws.tolist()]))
    assert 0.94 < np.mean(coverage) < 0.975
    assert min(coverage) > 0.92


def test_an_equal_model_is_seldom_called_better():
    """Interval above or below 0 and exact p < 0.05: at most 5 % of equal pairs, by exact enumeration."""
    from scipy.stats import binom

    n = 60
    for share in (0.05, 0.1, 0.2):
        called = 0.0
        for discordant in range(n + 1):
            for b in range(discordant + 1):
                low, high = paired_difference(b, discordant - b, n)
                if (low > 0 or high < 0) and mcnemar(b, discordant - b) < 0.05:
                    called += binom.pmf(discordant, n, share) * binom.pmf(b, discordant, 0.5)
        assert called <= 0.05


def together(strata, **options):
    return np.concatenate(list(bootstrap_weights(np.asarray(strata), **options)), axis=1)


def test_bootstrap_weights_keep_every_class():
    strata = [0] * 30 + [1] * 5 + [2] * 2 + [3]
    weights = together(strata, seed=0)
    assert weights.shape == (38, 1000)
    for stratum, count in [(0, 30), (1, 5), (2, 2), (3, 1)]:
        assert weights[np.asarray(strata) == stratum].sum(axis=0) == pytest.approx(np.full(1000, count))
    assert (weights[-1] == 1).all()


def test_bootstrap_weights_come_from_the_seed_alone():
    assert np.array_equal(together([0, 0, 1, 1], seed=3), together([0, 0, 1, 1], seed=3))
    assert not np.array_equal(together([0, 0, 1, 1], seed=3), together([0, 0, 1, 1], seed=4))


def test_bootstrap_weights_come_in_blocks(monkeypatch):
    monkeypatch.setattr(statistics, "_BLOCK_VALUES", 60)
    assert [block.shape for block in bootstrap_weights(np.zeros(10, int), seed=0, draws=14)] == [
        (10, 6),
        (10, 6),
        (10, 2),
    ]


def test_the_bootstrap_variance_is_unbiased_in_small_classes():
    values, strata = np.array([0.0, 1.0, 0.0, 1.0, 1.0]), [0, 0, 1, 1, 1]
    means = values @ together(strata, seed=0, draws=40_000) / 5
    expected = (2 * 2 * (1 / 2) / 2 + 3 * 3 * (1 / 3) / 3) / 25  # sum of n² s² / n over the classes
    assert means.var() == pytest.approx(expected, rel=0.03)


def test_the_percentile_interval_of_a_normal_distribution():
    drawn = np.random.default_rng(0).normal(size=100_000)
    assert percentile_interval(0.0, drawn) == pytest.approx((-1.96, 1.96), abs=0.03)
    assert percentile_interval(0.0, drawn, level=0.8) == pytest.approx((-1.2816, 1.2816), abs=0.03)


def test_the_percentile_interval_takes_the_bias_back():
    drawn = np.random.default_rng(0).normal(size=100_000) - 0.5
    assert percentile_interval(0.0, drawn) == pytest.approx((-1.46, 2.46), abs=0.15)


@pytest.mark.parametrize("value", [-10.0, 0.0, 10.0])
def test_the_percentile_interval_holds_its_value(value):
    low, high = percentile_interval(value, np.random.default_rng(0).normal(size=1000))
    assert low <= value <= high


# ---- resampling -----------------------------------------------------------------------------------


def test_without_correction_it_is_the_ordinary_t_test_and_with_it_less_sure():
    differences = np.random.default_rng(0).normal(0.02, 0.03, 10)
    low, high, p_value = resampled_t(differences, 0.0)
    oracle = ttest_1samp(differences, 0)
    assert p_value == pytest.approx(oracle.pvalue)
    assert (low, high) == pytest.approx(tuple(oracle.confidence_interval()))
    wider = resampled_t(differences, 0.25)
    assert wider[0] < low < high < wider[1]
    assert wider[2] > p_value
    # Nadeau and Bengio's standard error is that of the t-test times sqrt(1 + J * test_share).
    assert (wider[1] - wider[0]) / (high - low) == pytest.approx(math.sqrt(1 + 10 * 0.25))


def test_differences_without_spread_are_certain_and_a_single_one_says_nothing():
    assert resampled_t(np.zeros(5), 0.25) == (0.0, 0.0, 1.0)
    assert resampled_t(np.full(5, 0.5), 0.25) == (0.5, 0.5, 0.0)
    with pytest.raises(ValueError, match="at least 2 differences, not 1"):
        resampled_t(np.zeros(1), 0.25)


def test_holm_multiplies_by_what_is_left_and_never_falls_with_the_rank():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.2]) == [0.2]


def test_the_interval_of_a_mean_is_students():
    values = np.random.default_rng(1).normal(size=30)
    assert mean_interval(values) == pytest.approx(tuple(ttest_1samp(values, 0).confidence_interval()))
    assert mean_interval(values[:1]) == (None, None)
