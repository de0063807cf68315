from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.training.muon import REST_RATE, Muon

SHAPE = (3, 3, 8, 6)


def moved(gradient: np.ndarray, **settings) -> np.ndarray:
    """What the first step takes away from a variable."""
    variable = keras.Variable(np.zeros(gradient.shape, np.float32))
    Muon(0.1, **settings).apply([gradient.astype(np.float32)], [variable])
    return -np.asarray(variable)


def test_a_convolution_moves_in_all_directions_alike():
    generator = np.random.default_rng(0)
    # A gradient that has one direction far above all others.
    gradient = generator.normal(size=SHAPE) + 20 * generator.normal(size=(3, 3, 8, 1))
    before = np.linalg.svd(gradient.reshape(-1, 6), compute_uv=False)
    after = np.linalg.svd(moved(gradient).reshape(-1, 6), compute_uv=False)
    assert before.max() / before.min() > 10
    assert after.max() / after.min() < 2.5


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_length_of_a_step_is_that_of_the_learning_rate_whatever_the_gradients(scale):
    step = moved(scale * np.random.default_rng(1).normal(size=SHAPE))
    # Root mean square 0.2 times the learning rate for a square matrix (arXiv:2502.16982); fewer columns, shorter.
    assert np.sqrt(np.mean(step**2)) == pytest.approx(0.1 * 0.2, rel=0.35)


def test_everything_else_moves_as_with_adam():
    np.testing.assert_allclose(moved(np.array([3.0, -0.5, 40.0])), 0.1 * REST_RATE * np.array([1, -1, 1]), rtol=1e-3)
    np.testing.assert_allclose(moved(np.array([[3.0, -0.5]])), 0.1 * REST_RATE * np.array([[1, -1]]), rtol=1e-3)


def test_momentum_carries_on():
    variable = keras.Variable(np.zeros(SHAPE, np.float32))
    optimizer, gradient = Muon(0.1), np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    optimizer.apply([gradient], [variable])
    first = np.asarray(variable).copy()
    optimizer.apply([np.zeros(SHAPE, np.float32)], [variable])
    np.testing.assert_allclose(np.asarray(variable) - first, first, atol=0.004)
