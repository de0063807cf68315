from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.models.blocks import (
    RELU_GAIN,
    RESIDUAL_SHARE,
    Style,
    activated,
    convolution,
    inception_block,
    preactivated_block,
    residual_block,
)
from starshift.recipe import NORMS

PIXELS = np.random.default_rng(0).normal(size=(2, 9, 8, 6)).astype(np.float32)


def built(make, **settings) -> keras.Model:
    inputs = keras.Input((None, None, 6))
    return keras.Model(inputs, make(inputs, 16, name="b", **settings))


@pytest.mark.parametrize("make", [residual_block, inception_block])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("norm", NORMS)
def test_a_block_has_the_filters_asked_for_and_sides_rounded_up(make, stride, norm):
    model = built(make, style=Style(norm), stride=stride)
    assert model(PIXELS).shape == (2, -(-9 // stride), -(-8 // stride), 16)
    assert all(layer.name.startswith("b_") for layer in model.layers[1:])


@pytest.mark.parametrize("norm", NORMS)
def test_a_residual_block_begins_as_the_way_past_it(norm):
    inputs = keras.Input((None, None, 6))
    model = keras.Model(inputs, residual_block(inputs, 6, Style(norm), name="b"))
    np.testing.assert_allclose(model(PIXELS), np.maximum(PIXELS, 0), atol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_without_skip_a_block_is_two_convolutions_that_let_something_through(norm):
    model = built(residual_block, style=Style(norm), skip=False)
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 2
    assert not any(isinstance(layer, keras.layers.Add) for layer in model.layers)
    assert float(np.abs(model(PIXELS)).max()) > 0


def test_batch_norm_takes_the_place_of_the_bias():
    inputs = keras.Input((None, None, 6))
    for norm in NORMS:
        model = keras.Model(inputs, convolution(inputs, 4, Style(norm), name=f"c{norm}"))
        names = {variable.name for variable in model.weights}
        assert ("bias" in names) is (norm != "batch")
        assert ("gamma" in names) is (norm == "batch") and ("gain" in names) is (norm == "weights")


def test_a_penalty_is_on_every_kernel():
    model = built(inception_block, style=Style(penalty=keras.regularizers.L2(0.1)))
    assert len(model.losses) == sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 7


def test_standardized_kernels_keep_the_variance_of_what_went_through_a_relu():
    pixels = np.random.default_rng(1).normal(size=(4, 32, 32, 32)).astype(np.float32)
    inputs = keras.Input((32, 32, 32))
    active = keras.layers.ReLU()(inputs)
    model = keras.Model(inputs, convolution(active, 64, Style("weights"), name="c"))
    inner = np.asarray(model(pixels))[:, 1:-1, 1:-1]  # the frame of zeros around the picture takes some away
    assert float(inner.var()) == pytest.approx(1, rel=0.15)


def test_a_standardized_kernel_does_not_depend_on_its_scale_or_offset():
    inputs = keras.Input((None, None, 6))
    model = keras.Model(inputs, convolution(inputs, 4, Style("weights"), name="c"))
    layer = model.get_layer("c_conv")
    before = np.asarray(model(PIXELS))
    layer.kernel.assign(3 * np.asarray(layer.kernel) + 0.5)
    np.testing.assert_allclose(np.asarray(model(PIXELS)), before, atol=1e-4)


def test_a_preactivated_block_begins_as_the_way_past_it_and_foretells_its_variance():
    inputs = keras.Input((None, None, 6))
    outputs, variance = preactivated_block(inputs, 6, Style("weights"), name="b", variance=1.5)
    np.testing.assert_allclose(keras.Model(inputs, outputs)(PIXELS), PIXELS, atol=1e-6)
    assert variance == pytest.approx(1.5 + RESIDUAL_SHARE**2)
    changed, variance = preactivated_block(inputs, 16, Style("weights"), name="d", variance=1.5, stride=2)
    assert keras.Model(inputs, changed)(PIXELS).shape == (2, 5, 4, 16)
    assert variance == pytest.approx(1 + RESIDUAL_SHARE**2)


def test_drop_path_leaves_blocks_out_only_while_training():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 6))
    model = keras.Model(inputs, residual_block(inputs, 6, Style("none", drop_path=0.5), name="b"))
    model.get_layer("b_2_conv").kernel.assign(np.ones(model.get_layer("b_2_conv").kernel.shape))
    many = np.repeat(PIXELS[:1], 40, axis=0)
    left_out = np.isclose(np.asarray(model(many, training=True)), np.maximum(many, 0)).all(axis=(1, 2, 3))
    assert 5 < left_out.sum() < 35
    assert not np.isclose(np.asarray(model(many)), np.maximum(many, 0)).all()


def test_a_network_of_standardized_kernels_survives_its_configuration():
    inputs = keras.Input((8, 8, 6))
    model = keras.Model(inputs, activated(inputs, 4, Style("weights"), name="c", scale=RELU_GAIN))
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    eight = np.random.default_rng(2).normal(size=(2, 8, 8, 6)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(eight)), np.asarray(model(eight)), atol=1e-6)
