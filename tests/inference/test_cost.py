"""Costs counted in a compiled network's graph, held against those counted in Keras."""

from __future__ import annotations

import numpy as np
import pytest

from starshift import catalogue
from starshift.inference.cost import cost
from starshift.inference.network import Network, folder_of
from starshift.models import pretrained, scratch
from starshift.training import cost as in_keras
from starshift.training.convert import convert
from starshift.training.keras_setup import load_keras
from tiny import telling


def counted(model, folder):
    return cost(Network(convert(model, folder_of(folder, "one")), "f32"))


def test_every_kind_of_layer_that_multiplies(tmp_path):
    layers = load_keras().layers
    x = inputs = load_keras().Input((12, 12, 3))
    x = layers.Conv2D(8, 3, strides=2)(x)
    x = layers.Conv2D(8, 3, groups=2)(x)
    x = layers.DepthwiseConv2D(2, depth_multiplier=2)(x)
    x = layers.SeparableConv2D(6, 2)(x)
    x = layers.Conv2DTranspose(4, 3, strides=2)(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(5)(x)
    model = load_keras().Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    model.set_weights([np.random.default_rng(0).normal(size=one.shape) for one in model.get_weights()])
    found, expected = counted(model, tmp_path), in_keras.cost(model)
    assert found.multiply_adds == expected.multiply_adds
    assert found.parameters == pytest.approx(expected.parameters, abs=4)  # shapes are none, a scale may be one


def test_batch_normalization_is_folded_into_what_is_before_it(tmp_path):
    model = scratch.build("modern", (32, 32, 3), telling(3), {})
    found, expected = counted(model, tmp_path), in_keras.cost(model)
    assert found.multiply_adds == expected.multiply_adds
    assert 0.98 * expected.parameters < found.parameters < expected.parameters


@pytest.mark.slow
def test_mobilenet_v2_as_published(weights_file, tmp_path):
    base = catalogue.base("mobilenet_v2")
    found = counted(pretrained.build(base, weights_file, size=224), tmp_path)
    assert found.multiply_adds == pytest.approx(300e6, rel=0.003)
    assert found.parameters == pytest.approx(2.26e6, rel=0.03)  # without what batch normalization is folded into
