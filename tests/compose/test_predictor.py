from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.compose.predictor import Predictor
from starshift.data.cache import cache_root
from starshift.data.decode import Frame
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.learnware import package
from starshift.models import heads, scratch
from starshift.records import BaseReference
from starshift.training.weights import write_weights


@pytest.fixture(scope="module")
def convnet(finished_run):
    return package.read(finished_run.path / "rungs/convnet/model")


@pytest.fixture(scope="module")
def baseline(finished_run):
    return package.read(finished_run.path / "rungs/baseline/model")


def pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def never():
    raise AssertionError("pixels were asked for")


def test_the_majority_says_the_same_of_every_picture_and_looks_at_none(baseline):
    predictor = Predictor(*baseline, cache_root())
    assert predictor(pixels(3, 1)).tolist() == [baseline[1]["frequencies"].tolist()] * 3
    assert predictor.stored(["x", "y"], never).shape == (2, 3)


def test_a_trained_network_answers_as_keras_does(convnet):
    learnware, tensors = convnet
    model = scratch.build("convnet-28px", (28, 28, 3), learnware.targets, {})
    write_weights(model, tensors)
    expected = heads.probabilities(model.predict(pixels(11, 28).astype(np.float32), verbose=0), 3)
    exact = Predictor(msgspec.structs.replace(learnware, precision="f32"), tensors, cache_root())
    np.testing.assert_allclose(exact(pixels(11, 28)), expected, atol=1e-5)
    fast = Predictor(learnware, tensors, cache_root())
    np.testing.assert_allclose(fast(pixels(11, 28)), expected, atol=0.02)
    assert fast.frame == Frame(28)


def test_probabilities_are_float32_and_sum_to_one(convnet):
    found = Predictor(*convnet, cache_root())(pixels(9, 28))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-3)


def test_the_network_is_converted_once(convnet, monkeypatch):
    Predictor(*convnet, cache_root())(pixels(1, 28))
    monkeypatch.setattr("starshift.models.scratch.build", never)
    Predictor(*convnet, cache_root())(pixels(1, 28))


@pytest.mark.parametrize(
    ("builder", "tensors", "bases"),
    [
        ("majority", {"frequencies": np.ones(2, np.float32)}, ()),
        ("majority", {}, ()),
        ("frozen", {"head/kernel": np.ones((1280, 1), np.float32)}, ("mobilenet_v2",)),
        ("frozen", {"head/kernel": np.ones((7, 3), np.float32), "head/bias": np.ones(3, np.float32)}, ("vgg16",)),
    ],
)
def test_tensors_that_do_not_belong_to_the_builder_are_refused(baseline, builder, tensors, bases):
    references = tuple(BaseReference(name, "0" * 64, name) for name in bases)
    learnware = msgspec.structs.replace(baseline[0], builder=builder, bases=references)
    with pytest.raises(RunError, match=r"The tensors of .* are .*, and .* are needed"):
        Predictor(learnware, tensors, cache_root())


def test_a_network_with_tensors_of_another_is_refused_in_words(convnet):
    learnware, tensors = convnet
    other = msgspec.structs.replace(learnware, files={"model.safetensors": "other"})
    for wrong in (
        {name: array for name, array in tensors.items() if name != "head/bias"},
        tensors | {"head/bias": np.zeros(7, np.float32)},
    ):
        with pytest.raises(RunError, match="do not fit its network"):
            Predictor(other, wrong, cache_root())(pixels(1, 28))


def test_a_temperature_scales_what_every_way_of_asking_gets(baseline):
    learnware, tensors = baseline
    plain = Predictor(learnware, tensors, cache_root())
    warm = Predictor(msgspec.structs.replace(learnware, temperature=2.0), tensors, cache_root())
    expected = scaled(plain(pixels(3, 1)), 2.0)
    np.testing.assert_array_equal(warm(pixels(3, 1)), expected)
    np.testing.assert_array_equal(warm.stored(["x", "y", "z"], never), expected)
