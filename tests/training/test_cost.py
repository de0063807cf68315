"""Costs, held against figures that papers and the seeds print."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from starshift import catalogue
from starshift.models import pretrained, scratch
from starshift.training.cost import cost
from tiny import telling


def of_layer(layer, *shape):
    inputs = keras.Input(shape)
    return cost(keras.Model(inputs, layer(inputs))).layers[-1]


def test_the_seeds_convnet():
    counted = cost(scratch.build("convnet", (150, 150, 3), telling(2), {}))
    assert counted.parameters == counted.trainable == 3_453_121
    rows = {layer.name: layer for layer in counted.layers}
    assert rows["conv1"].shape == (148, 148, 32) and rows["conv1"].parameters == 896
    assert rows["conv4"].shape == (15, 15, 128) and rows["conv4"].parameters == 147_584
    assert rows["dense"].parameters == 3_211_776 and rows["dense"].multiply_adds == 6272 * 512
    assert counted.multiply_adds == 236_095_488  # the sum of the four convolutions' and the two dense layers'


@pytest.mark.parametrize(
    ("name", "millions"),
    [("vgg16", 15_347), ("mobilenet_v2", 299.5), ("mobilenet", 567.7), ("resnet50", 3_856)],
)
def test_published_multiply_adds_without_the_classifier(name, millions):
    base = catalogue.base(name)
    counted = cost(pretrained.build(base, None, size=base.size))
    assert counted.multiply_adds / 1e6 == pytest.approx(millions, rel=1e-3)
    assert counted.parameters == base.parameters


@pytest.mark.parametrize(
    ("layer", "multiply_adds"),
    [
        (layers.Conv2D(8, 3, groups=2), 6 * 6 * 9 * 2 * 8),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 6 * 6 * 9 * 4 * 2),
        (layers.SeparableConv2D(8, 3), 6 * 6 * (9 * 4 + 4 * 8)),
        (layers.Conv2DTranspose(8, 3, strides=2), 8 * 8 * 9 * 4 * 8),
        (layers.Dense(8), 8 * 8 * 4 * 8),
        (layers.MaxPooling2D(2), 0),
        (layers.BatchNormalization(), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else "",
)
def test_each_kind_of_layer(layer, multiply_adds):
    assert of_layer(layer, 8, 8, 4).multiply_adds == multiply_adds


def test_what_is_frozen_is_not_trainable_and_models_inside_are_opened():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="inner")], name="base")
    inner.trainable = False
    inputs = keras.Input((4,))
    counted = cost(keras.Model(inputs, layers.Dense(2, name="outer")(inner(inputs))))
    assert [(layer.name, layer.parameters, layer.trainable) for layer in counted.layers if layer.parameters] == [
        ("inner", 15, 0),
        ("outer", 8, 8),
    ]


def test_statistics_of_batch_normalization_are_parameters_but_not_trained():
    row = of_layer(layers.BatchNormalization(), 8, 8, 4)
    assert (row.parameters, row.trainable) == (16, 8)
