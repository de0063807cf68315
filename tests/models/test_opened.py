from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.catalogue import base
from starshift.errors import RunError
from starshift.models import opened, pretrained
from starshift.models.classical import head_probabilities
from starshift.models.heads import probabilities
from starshift.records import Target
from tiny import telling

ROW, CUT = base("mobilenet_v2"), "block_15_add"
ACTIVATION = (1, 1, 160)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return pretrained.build(ROW, None, size=32)


@pytest.fixture
def model(network) -> keras.Model:
    return opened.with_head(network, cut=CUT, heads=telling(3))


def activations(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *ACTIVATION)).astype(np.float32)


def step(model: keras.Model, rows: np.ndarray, weights: list[float]) -> list[np.ndarray]:
    """One step, from where the model is; returns the weights after it and sets the old ones back."""
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(rows, np.eye(3)[np.arange(len(rows)) % 3], sample_weight=np.array(weights))
    after = model.get_weights()
    model.set_weights(before)
    return after


def test_it_starts_where_the_features_head_ended(network):
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(1280, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    pixels = rng.integers(0, 256, (5, 32, 32, 3)).astype(np.float32)
    for from_pixels, seen in ((True, pixels), (False, np.asarray(opened.trunk(network, CUT)(pixels)))):
        model = opened.with_head(network, cut=CUT, heads=telling(3), from_pixels=from_pixels)
        opened.start(model, {"head/kernel": kernel, "head/bias": bias})
        expected = head_probabilities(np.asarray(network(pixels)), kernel, bias)
        np.testing.assert_allclose(probabilities(np.asarray(model(seen)), 3), expected, atol=1e-5)


def test_weights_of_pictures_in_a_batch_act(model):
    rows = activations()
    all_count, first_alone = step(model, rows, [1, 1, 1, 1]), step(model, rows, [1, 0, 0, 0])
    assert any(not np.array_equal(one, other) for one, other in zip(all_count, first_alone, strict=True))
    rows[1:] = 9.0  # what has no weight may be anything
    for one, other in zip(first_alone, step(model, rows, [1, 0, 0, 0]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    nothing = step(model, rows, [0, 0, 0, 0])
    assert all(np.array_equal(one, other) for one, other in zip(nothing, model.get_weights(), strict=True))


def test_batch_normalization_is_neither_trained_nor_updated(model):
    frozen = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert frozen and not any(layer.trainable_weights for layer in frozen)
    before = [layer.get_weights() for layer in frozen]
    model.compile("adam", "categorical_crossentropy", run_eagerly=True)
    for _ in range(3):
        model.train_on_batch(activations(), np.eye(3)[[0, 1, 2, 0]])
    for layer, weights in zip(frozen, before, strict=True):
        for one, other in zip(layer.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
    # Inference mode: an answer does not depend on which other pictures are in the batch, in training either.
    np.testing.assert_allclose(
        model(activations(), training=True)[:1], model(activations()[:1], training=True), atol=1e-5
    )


def test_names_are_the_same_for_every_model_of_a_base():
    row = base("convnext_tiny")  # Keras numbers some of its weights through the session
    names = [
        list(opened.opened(opened.build(row, None, size=32, cut=row.cut_points[-1], heads=telling(2))))
        for _ in range(2)
    ]
    assert names[0] == names[1]
    assert any(name.endswith("layer_scale/weight_0") for name in names[0])


def test_tensors_are_set_by_name_and_come_back(model):
    tensors = {name: np.full(variable.shape, 0.5, np.float32) for name, variable in opened.opened(model).items()}
    opened.write_opened(model, tensors)
    for name, variable in opened.opened(model).items():
        np.testing.assert_array_equal(variable, tensors[name])


def test_tensors_that_do_not_fit_are_refused_all_at_once_and_none_is_set(model):
    tensors = {name: np.zeros(variable.shape, np.float32) for name, variable in opened.opened(model).items()}
    del tensors["head/bias"]
    tensors["head/kernel"] = np.zeros((7, 3), np.float32)
    tensors["block_16_expand/kernel"] = tensors["block_16_expand/kernel"].astype(np.float64)
    tensors["Conv1/kernel"] = np.zeros((3, 3, 3, 32), np.float32)
    before = model.get_weights()
    with pytest.raises(RunError) as caught:
        opened.write_opened(model, tensors)
    for problem in (
        "it lacks 'head/bias'",
        "it has 'Conv1/kernel', which is not opened",
        "'head/kernel' is float32 (7, 3) instead of float32 (1280, 3)",
        "'block_16_expand/kernel' is float64 (1, 1, 160, 960) instead of float32 (1, 1, 160, 960)",
    ):
        assert problem in str(caught.value)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_several_heads_move_what_is_opened_and_themselves():
    network = pretrained.build(ROW, None, size=32)  # other tests overwrite the weights of the one that they share
    heads = (*telling(3), Target("age", "regression"))
    model = opened.with_head(network, cut=CUT, heads=heads)
    assert [output.shape for output in model.outputs] == [(None, 3), (None, 1)]
    named = opened.opened(model)
    assert {"block_16_expand/kernel", "head/kernel", "head_2/kernel", "head_2/bias"} <= set(named)
    before = {name: np.array(variable.numpy()) for name, variable in named.items()}
    model.compile(keras.optimizers.SGD(1e-3), ["categorical_crossentropy", "mse"], run_eagerly=True)
    for _ in range(2):  # heads begin at 0, and pass nothing down in the first step
        model.train_on_batch(activations(), [np.eye(3)[[0, 1, 2, 0]], np.arange(4.0)[:, None]])
    moved = {name for name, variable in named.items() if not np.array_equal(variable.numpy(), before[name])}
    assert {"block_16_expand/kernel", "head/kernel", "head_2/kernel"} <= moved
