from __future__ import annotations

import numpy as np
import pytest

from starshift.recipe import OPTIMIZERS, Stage
from starshift.training.optimizers import optimizer_for, rate_at


def network():
    from keras import Input, Model, layers

    inputs = Input((3,))
    return Model(inputs, layers.BatchNormalization(name="b")(layers.Dense(2, name="a")(inputs)))


def rates(steps_per_epoch: int, **stage) -> list[float]:
    made = Stage(**{"learning_rate": 0.1, "epochs": 4} | stage)
    return [rate_at(made, steps_per_epoch, step) for step in range(4 * steps_per_epoch)]


def test_a_constant_rate_stays():
    assert rates(2) == [0.1] * 8


def test_a_warm_up_rises_linearly_and_then_stays():
    np.testing.assert_allclose(rates(4, warmup_epochs=1), [0.025, 0.05, 0.075, *[0.1] * 13], rtol=1e-5)


def test_half_a_cosine_falls_to_nothing_after_the_warm_up():
    found = rates(5, schedule="cosine", warmup_epochs=0.8)
    np.testing.assert_allclose(found[:5], [0.025, 0.05, 0.075, 0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(found[4:], 0.05 * (1 + np.cos(np.pi * np.arange(16) / 16)), rtol=1e-4)
    assert found[-1] < 0.01 * 0.1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_of_kernels_only_and_times_the_learning_rate(name):
    model = network()
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    optimizer = optimizer_for(Stage(optimizer=name, learning_rate=0.5, weight_decay=0.1), 1, model)
    optimizer.apply([np.zeros(one.shape, np.float32) for one in model.trainable_variables], model.trainable_variables)
    found = {variable.path: float(np.mean(variable)) for variable in model.trainable_variables}
    assert found == {"a/kernel": pytest.approx(0.95), "a/bias": 1, "b/gamma": 1, "b/beta": 1}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_decay_means_none_even_where_keras_has_one_by_default(name):
    assert not optimizer_for(Stage(optimizer=name), 1, network()).weight_decay


def test_sgd_has_nesterovs_momentum():
    optimizer = optimizer_for(Stage(optimizer="sgd"), 1, network())
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


@pytest.mark.parametrize("gradient", [1e-6, 1e-4, 1e-2])
def test_rmsprop_steps_as_the_keras_of_the_seeds_did_also_where_gradients_are_small(gradient):
    """Keras 2.0: a = 0.9 a + 0.1 g², w -= rate · g / (sqrt(a) + 1e-7). Keras 3 by itself makes far smaller steps."""
    model = network()
    kernel = model.get_layer("a").kernel
    kernel.assign(np.zeros((3, 2)))
    optimizer = optimizer_for(Stage(optimizer="rmsprop", learning_rate=1e-3), 1, model)
    mean_square = expected = 0.0
    for _ in range(3):
        optimizer.apply([np.full((3, 2), gradient, np.float32)], [kernel])
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        expected -= 1e-3 * gradient / (mean_square**0.5 + 1e-7)
    np.testing.assert_allclose(kernel.numpy(), expected, rtol=0.25 if gradient < 1e-5 else 1e-2)
