"""Every base of the catalogue takes the same examination: it builds, is cut at its blocks, freezes, and is fine-tuned.

Weights are random and pictures as small as Keras allows. Most bases are slow: building one takes 2 to 15 seconds.
"""

from __future__ import annotations

import hashlib

import keras
import numpy as np
import pytest

from hub_bases import HUB, tiny
from starshift.catalogue import BASES, Base, base
from starshift.models import opened, pretrained
from tiny import telling

SEEDS = {"vgg16", "vgg19", "resnet50", "inception_v3", "xception", "mobilenet"}
"""Those that the seeds name."""

QUICK = {*SEEDS, "mobilenet_v2", "mobilenet_v3_small", *(f"tiny {name}" for name in HUB)}
FAMILY = [
    pytest.param(row, id=name, marks=() if name in QUICK else pytest.mark.slow)
    for name, row in {**BASES, **{f"tiny {name}": tiny(name) for name in HUB}}.items()
]


@pytest.fixture(scope="module", params=FAMILY)  # one after the other: the largest has 1.4 GB of weights
def row(request) -> Base:
    if request.param.transformer:
        pytest.importorskip("keras_hub", reason="KerasHub is not installed: it builds this base")
    return request.param


@pytest.fixture(scope="module")
def network(row) -> keras.Model:
    return pretrained.build(row, None, size=row.min_size)


def pixels(size: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.float32)


def compiled(model: keras.Model) -> keras.Model:
    # Random weights let gradients fade from block to block; without epsilon Adam moves all by as much.
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-20), "categorical_crossentropy", run_eagerly=True)
    return model


def fingerprints(*models: keras.Model) -> dict[str, str]:
    """A digest of every weight by its path; copies of all weights would be gigabytes."""
    return {
        variable.path: hashlib.sha256(variable.numpy().tobytes()).hexdigest()
        for model in models
        for variable in model.weights
    }


def test_a_base_builds_at_its_smallest_size(row, network):
    assert network.input_shape == (None, row.min_size, row.min_size, 3)
    assert network.output_shape == (None, row.features)
    if row.transformer is None:  # a file of KerasHub holds more than its network: see test_hub
        assert network.count_params() == row.parameters


def test_trunk_and_tail_are_the_whole_at_every_cut(row, network):
    order = [layer.name for layer in network.layers]
    positions = [order.index(cut) for cut in row.cut_points]
    assert positions == sorted(positions)
    trunks = [opened.trunk(network, cut).output for cut in row.cut_points]
    *activations, features = keras.Model(network.input, [*trunks, network.output])(pixels(row.min_size, 1))
    for cut, activation in zip(row.cut_points, activations, strict=True):
        # Keras refuses a model whose outputs need more than its inputs: a cut past which something flows.
        tail = keras.Model(network.get_layer(cut).output, network.output)
        assert 0 < tail.count_params() < network.count_params()
        np.testing.assert_allclose(tail(activation), features, atol=1e-4 * np.abs(features).max())


def test_a_frozen_base_leaves_only_the_head_to_be_trained(row, network):
    model = opened.with_head(network, cut=row.cut_points[-1], heads=telling(3), frozen=True)
    assert list(opened.opened(model)) == ["head/kernel", "head/bias"]
    assert len(model.trainable_weights) == 2


def test_one_step_moves_what_is_opened_and_nothing_else(row, network):
    cut = row.cut_points[-1]
    activations = np.random.default_rng(0).normal(size=(2, *network.get_layer(cut).output.shape[1:]))
    model = compiled(opened.with_head(network, cut=cut, heads=telling(3)))
    named = opened.opened(model)
    assert len(named) == len(model.trainable_weights) > 2
    before = fingerprints(network, model)
    model.train_on_batch(activations, np.eye(3)[[0, 2]])
    after = fingerprints(network, model)
    # Everything below the cut, and the statistics of batch normalization behind it, are to the bit what they were.
    assert {path for path in before if before[path] != after[path]} == {one.path for one in named.values()}


# --- what needs one base ---


@pytest.mark.parametrize(("frozen", "trainable"), [(True, 2_097_665), (False, 9_177_089)])
def test_vgg16_with_the_seeds_head_has_the_seeds_counts(frozen, trainable):
    row = base("vgg16")
    model = opened.build(
        row, None, size=150, cut="block4_pool", heads=telling(2), head="dense256", from_pixels=True, frozen=frozen
    )
    assert row.parameters == 14_714_688
    assert model.count_params() == 16_812_353
    assert sum(int(np.prod(variable.shape)) for variable in model.trainable_weights) == trainable


def test_a_cut_past_which_a_residual_flows_is_refused_by_keras():
    network = pretrained.build(base("mobilenet_v2"), None, size=32)
    with pytest.raises(ValueError, match="not connected"):
        opened.with_head(network, cut="block_2_project_BN", heads=telling(2))
