"""Grad-CAM, on networks whose every reason is known, and over every builder that makes a map."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from starshift import catalogue
from starshift.compose.occlusion import occlusion
from starshift.errors import RunError
from starshift.models import depths, opened, pretrained, scratch
from starshift.records import Target
from starshift.training import explain
from starshift.training.explain import grad_cam, map_layers

CLASSES = Target.of_classes(["cat", "dog"])
SIDE = 32


def bright_corner() -> np.ndarray:
    picture = np.random.default_rng(0).integers(40, 80, (SIDE, SIDE, 3)).astype(np.uint8)
    picture[:8, :8] = 220
    return picture


def both(second):
    return layers.Concatenate()([1 - second, second])


ONLY_CORNER = np.zeros((1, SIDE, SIDE, 1), np.float32)
ONLY_CORNER[:, :8, :8] = 1 / 255


def corner_network(strength: float = 30.0):
    """All but the upper left corner is blacked out; the brighter that is, by a convolution, the more it is a dog."""
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(1, 1, name="brightness")(pixels * ONLY_CORNER)
    x = layers.AveragePooling2D(4, name="cells")(x)
    x = layers.GlobalAveragePooling2D()(x)
    network = keras.Model(pixels, both(layers.Dense(1, activation="sigmoid", name="head")(x)))
    network.get_layer("brightness").set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1)])
    network.get_layer("head").set_weights([np.full((1, 1), strength), np.full(1, -strength / 32)])
    return network


class Answering:
    """A Keras network as occlusion asks a predictor."""

    targets = (CLASSES,)

    def __init__(self, network):
        self.network = network

    def __call__(self, pixels, progress=None):
        return self.network.predict(pixels[np.arange(len(pixels))].astype(np.float32), verbose=0)


def test_both_methods_explain_a_network_that_looks_at_a_corner_by_the_corner():
    network, picture = corner_network(), bright_corner()
    by_slope, by_hiding = grad_cam(network, picture[None], CLASSES, 1)[0], occlusion(Answering(network), picture, 1)
    for found in (by_slope, by_hiding):
        assert found.dtype == np.float32 and found.shape == (SIDE, SIDE)
        assert max(np.unravel_index(found.argmax(), found.shape)) < 8
        assert found[:8, :8].mean() > 0.5 * found.max()
        assert np.abs(found[12:]).max() < 0.05 * found.max() and np.abs(found[:, 12:]).max() < 0.05 * found.max()


def test_a_network_that_flattens_its_map_is_explained_place_by_place():
    """All places are equally bright, but the answer hangs on the one at the upper left alone."""
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.AveragePooling2D(8)(layers.Conv2D(1, 1, name="brightness")(pixels))
    network = keras.Model(pixels, both(layers.Dense(1, activation="sigmoid", name="head")(layers.Flatten()(x))))
    network.get_layer("brightness").set_weights([np.full((1, 1, 3, 1), 1 / 3 / 255), np.zeros(1)])
    network.get_layer("head").set_weights([np.eye(16)[:, :1], np.zeros(1)])
    found = grad_cam(network, np.full((1, SIDE, SIDE, 3), 200, np.uint8), CLASSES, 1)[0]
    assert found[:4, :4].min() == 1 and not found[12:].any() and not found[:, 12:].any()


def test_a_map_goes_from_0_to_1_and_is_0_where_nothing_spoke_for_the_answer():
    network, picture = corner_network(), bright_corner()
    found = grad_cam(network, np.stack([picture, picture]), CLASSES, 1)
    assert found.shape == (2, SIDE, SIDE) and found.min() == 0 and found.max() == 1
    np.testing.assert_array_equal(found[0], found[1])
    assert not grad_cam(network, picture[None], CLASSES, 0).any()


def test_the_network_is_left_as_it_was():
    network, picture = corner_network(), bright_corner()
    before = network.predict(picture[None].astype(np.float32), verbose=0)
    grad_cam(network, picture[None], CLASSES, 1)
    assert all("call" not in vars(layer) for layer in network.layers)
    np.testing.assert_array_equal(network.predict(picture[None].astype(np.float32), verbose=0), before)


def test_a_network_with_random_weights_is_explained_otherwise():
    """The check of Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018: a method must see the weights."""
    keras.utils.set_random_seed(3)
    trained = scratch.build("convnet-28px", (28, 28, 3), (CLASSES,), {})
    chance = np.random.default_rng(0)
    pictures = chance.integers(0, 60, (64, 28, 28, 3)).astype(np.float32)
    targets = np.arange(64) % 2
    pictures[targets == 1, :10, :10] += 180  # dogs have a bright corner
    start = trained.get_weights()
    trained.compile("adam", "binary_crossentropy")
    trained.fit(pictures, targets, epochs=6, batch_size=8, verbose=0)
    answering = keras.Model(trained.input, both(trained.output))
    dog = pictures[1:2]
    learned = grad_cam(answering, dog, CLASSES, 1)[0]
    trained.set_weights(start)
    random = grad_cam(answering, dog, CLASSES, 1)[0]
    assert np.abs(learned - random).mean() > 0.1
    assert learned[:12, :12].mean() > 2 * learned[14:, 14:].mean()


def test_maps_of_networks_side_by_side_are_added():
    """One looks at the upper left corner, the other at all of the picture."""
    pixels = keras.Input((SIDE, SIDE, 3))
    corner, x = corner_network(), layers.Conv2D(1, 4, strides=4, use_bias=False, name="all")(pixels)
    whole = keras.Model(pixels, both(layers.Dense(1, "sigmoid", name="head")(layers.GlobalAveragePooling2D()(x))))
    whole.get_layer("all").set_weights([np.full((4, 4, 3, 1), 1 / 48 / 255)])
    whole.get_layer("head").set_weights([np.full((1, 1), 2.0), np.zeros(1)])
    corner.name, whole.name = "corner", "whole"
    network = keras.Model(pixels, layers.Average()([corner(pixels), whole(pixels)]))
    assert [layer.name for layer in map_layers(network)] == ["cells", "all"]
    picture = np.full((1, SIDE, SIDE, 3), 200, np.uint8)
    found = grad_cam(network, picture, CLASSES, 1)[0]
    assert 0.02 < found[24, 24] < 0.5 * found[2, 2]
    assert grad_cam(whole, picture, CLASSES, 1)[0].min() > 0.99


def test_a_number_is_explained_by_what_raises_it():
    pixels = keras.Input((SIDE, SIDE, 3))
    cells = layers.AveragePooling2D(8)(layers.Conv2D(1, 1, name="brightness")(pixels))
    network = keras.Model(pixels, ops.squeeze(layers.Dense(1, name="head")(layers.Flatten()(cells)), axis=1))
    network.get_layer("brightness").set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1)])
    weights = np.zeros((16, 1))
    weights[15] = 1
    network.get_layer("head").set_weights([weights, np.zeros(1)])
    found = grad_cam(network, np.full((1, SIDE, SIDE, 3), 90, np.uint8), Target("age", "regression"))
    assert found.shape == (1, SIDE, SIDE) and found.max() == 1


def test_a_network_without_convolutions_is_refused_in_words():
    pixels = keras.Input((8, 8, 3))
    network = keras.Model(pixels, both(layers.Dense(1, activation="sigmoid")(layers.Flatten()(pixels))), name="flat")
    assert map_layers(network) == []
    with pytest.raises(RunError, match=r"flat makes no convolutional map .* as a transformer does not; occlusion"):
        grad_cam(network, np.zeros((1, 8, 8, 3), np.uint8), CLASSES)


def test_a_certain_answer_is_explained_as_well():
    """A probability of 1 in float32 has no gradient, but its logit has."""
    network, picture = corner_network(strength=3000), bright_corner()[None]
    assert network.predict(picture.astype(np.float32), verbose=0)[0, 1] == 1
    expected = grad_cam(corner_network(), picture, CLASSES, 1)
    np.testing.assert_allclose(grad_cam(network, picture, CLASSES, 1), expected, atol=1e-5)


def test_an_answer_without_a_gradient_is_refused_in_words():
    with pytest.raises(RunError, match="has no gradient by the network's last map"):
        grad_cam(corner_network(strength=0), bright_corner()[None], CLASSES, 1)


def test_another_backend_is_refused_in_words(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "numpy")
    with pytest.raises(RunError, match=r"Keras runs on numpy\. Occlusion needs none"):
        grad_cam(corner_network(), bright_corner()[None], CLASSES, 1)


def frozen(**further):
    base = catalogue.base("mobilenet_v2")
    network = pretrained.build(base, None, size=SIDE)
    cuts = further.get("cuts")
    seen = depths.pooled_at(network, cuts) if cuts else network
    (head,) = opened.linear_head([seen.output], (CLASSES,))
    return keras.Model(network.input, both(head))


def fine_tuned():
    base = catalogue.base("mobilenet_v2")
    model = opened.build(base, None, size=SIDE, cut=base.cut_points[-1], heads=(CLASSES,), from_pixels=True)
    return keras.Model(model.input, both(model.output))


def from_scratch(builder: str, **arguments):
    network = scratch.build(builder, (64, 64, 3), (CLASSES,), arguments)
    return keras.Model(network.input, both(network.output))


NETWORKS = {
    "convnet": lambda: from_scratch("convnet", channels=(8, 8, 8)),
    "convnet, no pooling": lambda: from_scratch("convnet", channels=(8, 8), dense=8, pooling=False),
    "convnet-28px": lambda: from_scratch("convnet-28px"),
    "modern": lambda: from_scratch("modern", width=8, blocks=(1, 1)),
    "modern, inception": lambda: from_scratch("modern", width=8, blocks=(1, 1), kind="inception", skip=False),
    "frozen": frozen,
    "frozen at depths": lambda: frozen(cuts=("block_6_expand_relu", "block_13_expand_relu")),
    "fine-tuned": fine_tuned,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_ladder_is_explained(name):
    network = NETWORKS[name]()
    side = network.input.shape[1]
    pictures = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    for output in (0, 1):
        found = grad_cam(network, pictures, CLASSES, output)
        assert found.dtype == np.float32 and found.shape == (2, side, side)
        assert found.min() >= 0 and set(found.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}
    (last,) = map_layers(network)
    assert explain.LEAST_PLACES <= last.output.shape[1] < side
