from __future__ import annotations

import numpy as np
import pytest

from starshift.training.weights import Average, are_finite, read_weights, write_weights


def network():
    from keras import Input, Model, layers

    inputs = Input((3,))
    return Model(inputs, layers.BatchNormalization(name="norm")(layers.Dense(2, name="dense")(inputs)))


def test_what_is_read_does_not_change_with_the_network():
    model = network()
    before = read_weights(model)
    kernel = before["dense/kernel"].copy()
    model.get_layer("dense").kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(before["dense/kernel"], kernel)


def test_weights_go_out_of_one_network_and_into_another():
    one, two = network(), network()
    write_weights(two, read_weights(one))
    for path, array in read_weights(two).items():
        np.testing.assert_array_equal(array, read_weights(one)[path])


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="weights differ in names"):
        write_weights(network(), {"dense/kernel": np.zeros((1, 1))})


def test_a_weight_that_is_no_number_is_seen():
    assert are_finite({"a": np.zeros(3), "b": np.ones((2, 2))})
    assert not are_finite({"a": np.zeros(3), "b": np.array([1, np.nan])})
    assert not are_finite({"a": np.array([np.inf])})


def test_the_average_follows_the_weights_and_the_statistics_of_batch_norm():
    model = network()
    average = Average(model, 0.9)
    model.get_layer("norm").moving_mean.assign([1.0, 1.0])
    average.update()
    taken = 1 - 2 / 11  # in the first steps more is taken in than momentum says
    np.testing.assert_allclose(average.weights["norm/moving_mean"], taken, rtol=1e-6)
    kept = average.copy()
    for _ in range(200):
        average.update()
    np.testing.assert_allclose(average.weights["norm/moving_mean"], 1, atol=1e-6)
    np.testing.assert_allclose(kept["norm/moving_mean"], taken, rtol=1e-6)


def test_after_the_first_steps_a_step_takes_in_what_momentum_leaves():
    model = network()
    average = Average(model, 0.5)
    average.steps = 100
    model.get_layer("norm").moving_mean.assign([1.0, 1.0])
    average.update()
    np.testing.assert_allclose(average.weights["norm/moving_mean"], 0.5)


def test_a_long_average_takes_weights_in_now_and_then_and_comes_to_the_same():
    model = network()
    often, seldom = Average(model, 0.99), Average(model, 0.99)
    seldom.stride, seldom.momentum = 5, 0.99**5
    assert (often.stride, Average(model, 0.998).stride) == (1, 5)
    for step in range(2000):
        model.get_layer("norm").moving_mean.assign([step / 2000, 1.0])
        often.update()
        seldom.update()
    np.testing.assert_allclose(often.weights["norm/moving_mean"], seldom.weights["norm/moving_mean"], atol=2e-3)
