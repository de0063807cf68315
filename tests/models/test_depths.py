from __future__ import annotations

import numpy as np
import pytest

from starshift import catalogue
from starshift.models import depths, pretrained


@pytest.fixture(scope="module")
def network():
    return pretrained.build(catalogue.base("mobilenet_v2"), None, size=32)


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)


def test_depths_stand_side_by_side_and_end_in_the_bases_own_features(network):
    found = depths.pooled_at(network, ("block_2_add", "top")).predict(pixels(), verbose=0)
    assert found.shape == (3, 24 + 1280) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 24:], network.predict(pixels(), verbose=0), atol=1e-5)


def test_a_depth_is_its_activation_averaged_over_the_picture_and_nothing_lies_behind_it(network):
    import keras

    cut = depths.pooled_at(network, ("block_2_add",))
    activation = keras.Model(network.input, network.get_layer("block_2_add").output).predict(pixels(), verbose=0)
    np.testing.assert_allclose(cut.predict(pixels(), verbose=0), activation.mean(axis=(1, 2)), atol=1e-5)
    assert cut.count_params() < network.count_params() / 50


def test_unpooled_is_what_the_base_averages(network):
    maps = depths.unpooled(network).predict(pixels(), verbose=0)
    assert maps.shape == (3, 1, 1, 1280)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), network.predict(pixels(), verbose=0), atol=1e-5)
