from __future__ import annotations

import numpy as np
import pytest

from starshift import catalogue
from starshift.models import depths, heads, opened, pretrained
from starshift.models.classical import probabilities_of
from starshift.models.dense import DENSE_UNITS, dense_logits, dense_network
from starshift.training.weights import read_weights
from tiny import telling


def test_the_units_are_the_seeds():
    assert opened.DENSE_UNITS == DENSE_UNITS == 256


@pytest.mark.parametrize("classes", [2, 5])
def test_without_keras_it_says_the_same(classes):
    network = dense_network((3, 3, 8), telling(classes))
    maps = np.random.default_rng(0).normal(size=(7, 3, 3, 8)).astype(np.float32)
    expected = heads.probabilities(network.predict(maps, verbose=0), classes)
    found = probabilities_of(dense_logits(maps.reshape(7, -1), read_weights(network)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_on_vgg16_at_150_px_it_has_the_seeds_parameters():
    base = depths.unpooled(pretrained.build(catalogue.base("vgg16"), None, size=150))
    head = dense_network(base.output_shape[1:], telling(2))
    assert base.output_shape == (None, 4, 4, 512)
    assert (base.count_params(), head.count_params()) == (14_714_688, 2_097_665)
    assert base.count_params() + head.count_params() == 16_812_353
