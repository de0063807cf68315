from __future__ import annotations

import numpy as np
import pytest

from starshift.errors import UsageError
from starshift.models import scratch
from starshift.records import Target

HEADS = (Target.of_classes(("a", "b")),)
CUT = {"base": "mobilenet_v2", "cut": "block_3_project_BN"}


@pytest.fixture(scope="module")
def network():
    return scratch.build("truncated", (32, 32, 3), HEADS, {**CUT, "opened": "block_1_project_BN"})


def test_it_ends_where_it_is_cut_and_takes_pixels_as_they_are(network):
    names = [layer.name for layer in network.layers]
    assert "block_3_project_BN" in names and "block_4_expand" not in names
    answers = network.predict_on_batch(np.full((2, 32, 32, 3), 255, np.uint8))
    assert answers.shape == (2, 1) and ((answers > 0) & (answers < 1)).all()


def test_only_what_lies_behind_the_opening_is_trained_and_never_batch_normalization(network):
    trained = {variable.path.split("/")[0] for variable in network.trainable_weights}
    assert trained == {"block_2_expand", "block_2_depthwise", "block_2_project", "block_3_expand", "block_3_depthwise",
                       "block_3_project", "head"}  # fmt: skip
    whole = scratch.build("truncated", (32, 32, 3), HEADS, CUT)
    assert "Conv1" in {variable.path.split("/")[0] for variable in whole.trainable_weights}


def test_one_step_moves_what_is_trained_and_nothing_else(network):
    before = {variable.path: variable.numpy() for variable in network.weights}
    network.compile("adam", "binary_crossentropy")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    network.train_on_batch(pixels, np.arange(8)[:, None] % 2)
    moved = {
        variable.path for variable in network.weights if not np.array_equal(before[variable.path], variable.numpy())
    }
    assert moved == {variable.path for variable in network.trainable_weights}


def test_the_top_of_a_base_is_a_cut_too():
    whole = scratch.build("truncated", (32, 32, 3), HEADS, {"base": "mobilenet_v2", "cut": "top", "dropout": 0.2})
    assert whole.layers[-1].kernel.shape[0] == 1280
    assert "dropout" in [layer.name for layer in whole.layers]


def test_pictures_that_are_too_small_are_refused():
    with pytest.raises(UsageError, match="needs pictures of at least 32 px"):
        scratch.build("truncated", (16, 16, 3), HEADS, CUT)
