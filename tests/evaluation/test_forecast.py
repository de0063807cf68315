from __future__ import annotations

import numpy as np
import pytest

from starshift.errors import DataError
from starshift.evaluation.forecast import (
    FAMILIES,
    Measured,
    carried_on,
    class_drops,
    class_errors,
    doubling,
    extrapolate,
    family_weights,
    pictures_for,
    subset_sizes,
    total_errors,
    training_variance,
)

SIZES = np.array([63, 109, 190, 330, 574, 1000])


def measured(
    errors=lambda n: 0.1 + 2 * n**-0.5, *, pictures=1200, classes=3, repetitions=2, seed=0, luck=0.2
) -> Measured:
    """A curve whose true errors are known: every picture is told wrong with its own chance, most of it its own."""
    rng = np.random.default_rng(seed)
    true = np.array([errors(size) for size in SIZES.astype(float)])
    hard = rng.random(pictures)
    drawn = rng.random((repetitions, len(SIZES), pictures))
    # Of each picture's uniform number, a share is drawn anew for every head.
    again = rng.random((repetitions, len(SIZES), pictures)) < luck
    wrong = np.where(again, drawn, hard) < true[None, :, None]
    wrong[:, -1] = wrong[0, -1]
    return Measured(SIZES, wrong, np.arange(pictures) % classes, np.arange(pictures) % 4)


def drawn(of: Measured, seed=1):
    return total_errors(of, class_errors(of, seed=seed))


# ---- sizes ----------------------------------------------------------------------------------------


def test_sizes_are_geometric_and_end_with_all_pictures():
    assert subset_sizes(1600, 2) == (100, 174, 303, 528, 919, 1600)


def test_many_classes_shorten_the_span():
    assert subset_sizes(1000, 101)[0] == 202 and subset_sizes(1000, 101)[-1] == 1000


def test_too_few_pictures_are_refused_with_the_number_that_it_takes():
    with pytest.raises(DataError, match=r"with 20 classes that takes 160 training pictures; there are 159\. Add"):
        subset_sizes(159, 20)
    assert len(subset_sizes(160, 20)) >= 5
    with pytest.raises(DataError, match="with 2 classes that takes 80 training pictures; there are 60"):
        subset_sizes(60, 2)


# ---- draws ----------------------------------------------------------------------------------------


def test_draws_lie_around_the_curve_with_the_spread_of_a_binomial():
    of = measured(luck=0.0, repetitions=1)
    draws = drawn(of)
    np.testing.assert_allclose(draws.mean(axis=0), of.errors, atol=0.003)
    expected = np.sqrt(of.errors * (1 - of.errors) / 1200)
    np.testing.assert_allclose(draws.std(axis=0), expected, rtol=0.12)


def test_class_errors_weigh_up_to_the_total():
    of = measured(classes=5)
    by_class = class_errors(of, seed=0, draws=3)
    assert by_class.shape == (3, len(SIZES), 5)
    np.testing.assert_allclose(total_errors(of, by_class), by_class.mean(axis=2))


def test_the_same_seed_draws_the_same():
    of = measured()
    np.testing.assert_array_equal(drawn(of), drawn(of))


def test_repetitions_that_differ_widen_the_draws():
    # Whole repetitions lucky or unlucky: the pictures alone do not show it.
    of = measured(luck=0.0)
    wrong = of.wrong.copy()
    wrong[0, 0] = True
    wrong[1, 0] = False
    assert drawn(Measured(of.sizes, wrong, of.targets, of.folds)).std(axis=0)[0] > 0.2


def test_the_luck_of_the_training_pictures_is_found_and_not_made_up():
    rng = np.random.default_rng(3)
    of = measured(luck=0.0)
    assert training_variance(measured(luck=0.2)) < 0.01**2
    lucky = of.wrong.copy()
    for repetition in range(2):
        for size in range(4):
            for fold in range(4):  # a head that errs for a fifth of the pictures more or less
                here = of.folds == fold
                lucky[repetition, size, here] ^= rng.random(here.sum()) < 0.2 * rng.random()
    assert training_variance(Measured(of.sizes, lucky, of.targets, of.folds)) > 0.015**2


# ---- families -------------------------------------------------------------------------------------

TRUE = {
    "power law": lambda x: 0.2 * x**-0.4,
    "power law to a quarter of today's error": lambda x: 0.05 + 0.15 * x**-0.8,
    "power law to half of today's error": lambda x: 0.1 + 0.1 * x**-0.8,
    "power law to three quarters of today's error": lambda x: 0.09 + 0.03 * x**-1.1,
    "exponential": lambda x: 0.08 + 0.3 * np.exp(-x / 0.3),
    "logarithm": lambda x: 0.2 - 0.04 * np.log(x),
}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_carries_on_what_is_its_own(family):
    x, at = SIZES / 1000, np.array([1.0, 2.0, 4.0])
    found = carried_on(family, x, TRUE[family.name](x)[None], at)
    np.testing.assert_allclose(found[0], TRUE[family.name](at), atol=0.003)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_fits_are_least_squares_and_stay_between_0_and_1(family):
    rng = np.random.default_rng(0)
    curves = rng.random((40, len(SIZES)))
    found = carried_on(family, SIZES / 1000, curves, np.array([0.1, 4.0]))
    assert found.min() >= 0 and found.max() <= 1
    falling = np.diff(found, axis=1) <= 1e-9
    assert falling.all(), "no family rises"


def test_a_rising_error_is_carried_on_as_flat():
    rising = np.linspace(0.1, 0.3, len(SIZES))[None]
    found = carried_on(FAMILIES[1], SIZES / 1000, rising, np.array([1.0, 4.0]))
    assert found[0, 0] == pytest.approx(found[0, 1], rel=0.01)


def test_the_family_that_foretold_the_largest_sizes_weighs_most():
    weights = weights_of(TRUE["exponential"](SIZES / 1000))
    assert sum(weights.values()) == pytest.approx(1)
    assert max(weights, key=weights.__getitem__) == "exponential"


def test_what_never_levels_off_counts_half_and_what_misses_far_not_at_all():
    flat = weights_of(np.full(len(SIZES), 0.2))
    assert flat["logarithm"] == pytest.approx(flat["exponential"] / 2)
    assert weights_of([0.6, 0.6, 0.4, 0.2, 0.11, 0.1])["logarithm"] < 0.01


def weights_of(errors):
    return dict(zip([family.name for family in FAMILIES], family_weights(SIZES / 1000, np.array(errors)), strict=True))


# ---- the forecast ---------------------------------------------------------------------------------


def test_what_is_foretold_is_near_the_truth_and_its_interval_widens():
    of = measured()
    at = np.array([1000, 2000, 4000])
    found = extrapolate(of, drawn(of), at, seed=0)
    true = 0.1 + 2 * at**-0.5
    np.testing.assert_allclose(found.errors, true, atol=0.025)
    low, high = found.interval(0.8)
    assert ((low <= found.errors) & (found.errors <= high)).all()
    assert (np.diff(high - low) > 0).all()
    lowest, highest = found.interval(0.95)
    assert (lowest < low).all() and (high < highest).all()


def test_a_measurement_spreads_more_than_the_truth_and_less_with_more_pictures():
    of = measured()
    found = extrapolate(of, drawn(of), np.array([2000, 2000]), seed=0)
    true = np.subtract(*found.interval(0.8)[::-1])
    shown = np.subtract(*found.measured_interval(0.8, np.array([100, 10_000]), seed=0)[::-1])
    assert shown[0] > 1.5 * true[0] and shown[1] == pytest.approx(true[1], rel=0.1)


def test_coverage_on_curves_of_a_known_kind():
    true, inside = 0.1 + 2 * 2000**-0.5, []
    for seed in range(30):
        of = measured(seed=seed, pictures=600)
        found = extrapolate(of, total_errors(of, class_errors(of, seed=seed, draws=200)), np.array([2000]), seed=seed)
        low, high = found.interval(0.8)
        inside.append(low[0] <= true <= high[0])
    assert np.mean(inside) >= 0.6


def test_the_gain_of_a_doubling_is_that_of_the_largest_sizes():
    of = measured(lambda n: 0.3 if n > 100 else 0.9)
    change, changes = doubling(of, drawn(of))
    assert change == pytest.approx(0, abs=0.02) and (changes > 0).any() and (changes < 0).any()
    change, changes = doubling(measured(), drawn(measured()))
    assert change == pytest.approx(-0.03, abs=0.02) and np.quantile(changes, 0.975) < 0


def test_the_class_that_still_learns_drops_most():
    of = measured(lambda n: 0.0)
    wrong = of.wrong.copy()
    for size, share in enumerate([0.9, 0.75, 0.6, 0.45, 0.3, 0.2]):
        learning = np.flatnonzero(of.targets == 2)
        wrong[:, size, learning[: int(share * len(learning))]] = True
    changed = Measured(of.sizes, wrong, of.targets, of.folds)
    values, draws = class_drops(changed, class_errors(changed, seed=0), np.array([400, 300, 300]))
    assert values.argmax() == 2 and values[0] == 0 and draws.shape == (1000, 3)
    # From 190 to 1,000 pictures the error of this third of all pictures falls from 0.6 to 0.2: 0.24 per unit of log n.
    assert values[2] == pytest.approx(0.24 / 3 / 300, rel=0.1)


def test_how_many_pictures_an_error_takes():
    of = measured(lambda n: 2 * n**-0.5)
    found = extrapolate(of, drawn(of), np.geomspace(1000, 4000, 25).round().astype(int), seed=0)
    pictures, low, high = pictures_for(found, float(found.errors[12]))
    assert pictures == found.at[12] and low <= pictures <= high
    assert pictures_for(found, 0.9) == (1000, 1000, 1000)
    assert pictures_for(found, 0.0) == (None, None, None)
