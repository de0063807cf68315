"""Blocks over steps: shapes, padding that changes nothing, and the same numbers without Keras."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.models import recurrence

LENGTHS = np.array([12, 7, 1, 0])


def sequences(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values and mask of four sequences of 12, 7, 1 and 0 steps."""
    mask = (np.arange(12) < LENGTHS[:, None]).astype(np.float32)[..., None]
    return np.random.default_rng(seed).normal(size=(4, 12, 3)).astype(np.float32), mask


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def network(keras, block, **arguments):
    from starshift.models import series

    x, mask = keras.Input((12, 3)), keras.Input((12, 1))
    return keras.Model([x, mask], getattr(series, block)(x, mask, **arguments))


CASES = [
    ("convolution", {"filters": (5, 6), "kernel": 3}, 12),
    ("convolution", {"filters": (4,), "dropout": 0.5}, 8),
    ("recurrent", {"cell": "gru", "units": 5}, 20),
    ("recurrent", {"cell": "lstm", "units": 5, "bidirectional": False}, 10),
]


@pytest.mark.parametrize(("block", "arguments", "features"), CASES)
def test_what_is_padding_changes_nothing(keras, block, arguments, features):
    model, (x, mask) = network(keras, block, **arguments), sequences()
    said = np.asarray(model.predict_on_batch([x, mask]))
    assert said.shape == (4, features) and said.dtype == np.float32
    other = np.where(mask > 0, x, 99).astype(np.float32)
    np.testing.assert_array_equal(said, model.predict_on_batch([other, mask]))
    alone = model.predict_on_batch([x[1:2], mask[1:2]])
    np.testing.assert_allclose(said[1:2], alone, atol=1e-6)


def test_without_a_mask_all_steps_are_there(keras):
    from starshift.models import series

    x, _ = sequences()
    plain = keras.Input((12, 3))
    for block in (series.convolution, series.recurrent):
        model = keras.Model(plain, block(plain))
        assert np.isfinite(model.predict_on_batch(x)).all()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_same_numbers_without_keras(keras, cell, bidirectional):
    model = network(keras, "recurrent", cell=cell, units=5, bidirectional=bidirectional, name="it")
    generator = np.random.default_rng(1)
    for variable in model.weights:  # biases too, which begin at 0
        variable.assign(generator.normal(size=variable.shape))
    tensors = {variable.path: np.asarray(variable.value) for variable in model.weights}
    x, mask = sequences()
    states = recurrence.states(x, LENGTHS, tensors, cell=cell, name="it", bidirectional=bidirectional)
    want = model.predict_on_batch([x, mask])
    np.testing.assert_allclose(recurrence.pooled(states, LENGTHS), want, atol=1e-5)


@pytest.mark.parametrize("steps", [12, 16, 37])
def test_convolutions_have_the_same_numbers_without_keras(keras, steps):
    from starshift.models import series

    lengths = np.array([steps, steps // 2, 1])
    mask = (np.arange(steps) < lengths[:, None]).astype(np.float32)[..., None]
    generator = np.random.default_rng(2)
    x = generator.normal(size=(3, steps, 2)).astype(np.float32)
    values, there = keras.Input((steps, 2)), keras.Input((steps, 1))
    model = keras.Model([values, there], series.convolution(values, there, filters=(4, 5, 6), kernel=4, name="it"))
    for variable in model.weights:
        variable.assign(generator.normal(size=variable.shape))
    tensors = {variable.path: np.asarray(variable.value) for variable in model.weights}
    said = recurrence.convolution(x, lengths, tensors, count=3, name="it")
    np.testing.assert_allclose(said, model.predict_on_batch([x, mask]), rtol=1e-4, atol=1e-5)
    assert series.POOLED_FROM == recurrence.HALVED_FROM
    assert model.get_layer("it_norm1").epsilon == recurrence.NORM_EPSILON


def test_a_sequence_is_turned_within_its_length():
    x = np.arange(8, dtype=np.float32).reshape(2, 4, 1)
    turned = recurrence._turned(x, np.array([4, 2]))
    assert turned[..., 0].tolist() == [[3, 2, 1, 0], [5, 4, 6, 7]]
