from __future__ import annotations

import numpy as np
import pytest

from findings.scenes import scene
from starshift.findings.registration import correlation, cut, lay, lay_roughly, resampler

WHOLE = np.array([[0, 1, 0, 1]], dtype=np.float32)


def test_a_whole_line_at_its_own_size_stays_as_it_is():
    assert np.allclose(resampler(np.zeros(1), np.ones(1), 8, 8)[0], np.eye(8), atol=1e-6)


def test_shrinking_averages_and_weights_sum_to_one():
    weights = resampler(np.array([0.0, 0.2]), np.array([1.0, 0.9]), 64, 16)
    assert np.allclose(weights.sum(axis=2), 1, atol=1e-5) and (weights >= 0).all()
    assert np.allclose(weights[0] @ np.full(64, 7.0), 7, atol=1e-4)


def test_a_window_is_cut_where_it_lies():
    picture = np.tile(np.arange(64, dtype=np.float32), (64, 1))[None]  # grey level is the column
    seen = cut(picture, np.array([[0.25, 0.75, 0, 1]], dtype=np.float32), 32)
    assert seen[0, 5, 0] == pytest.approx(15.5, abs=0.6) and seen[0, 5, -1] == pytest.approx(47.5, abs=0.6)


@pytest.mark.parametrize("window", [(0, 1, 0, 1), (0, 0.86, 0.1, 1), (0.15, 1, 0, 0.85), (0.05, 0.95, 0.02, 0.9)])
def test_the_window_of_a_cut_copy_is_found(window):
    first = scene(3)[None]
    wanted = np.array([window], dtype=np.float32)
    second = cut(first, wanted, 64)
    begin, roughly = lay_roughly(first, second, wanted + np.array([0.04, -0.04, -0.03, 0.03], dtype=np.float32))
    assert roughly[0] > 0.95
    laid = lay(first, second, begin)
    assert np.abs(laid.windows - wanted).max() < 0.01
    assert laid.whole[0] > 0.99 and laid.details[0] > 0.97


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.3, 1.6])
def test_brightness_with_what_it_cuts_off_makes_no_difference(factor):
    first = scene(5)[None]
    laid = lay(first, np.clip(first * factor, 0, 255), WHOLE)
    assert laid.whole[0] > 0.99 and laid.details[0] > 0.97


def test_other_scenes_are_not_alike():
    laid = lay(np.stack([scene(1), scene(2)]), np.stack([scene(11), scene(12)]), np.repeat(WHOLE, 2, axis=0))
    assert (laid.details < 0.5).all()


def test_flat_pictures_correlate_with_nothing():
    flat = np.full((1, 16, 16), 9.0)
    assert correlation(flat, flat).tolist() == [0]
