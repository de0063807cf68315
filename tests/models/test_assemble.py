from __future__ import annotations

import shutil

import numpy as np
import pytest
from msgspec import structs

import starshift
from discs import COLOURS, draw
from starshift.api.predict import open_model
from starshift.compose.predictor import Predictor
from starshift.data.cache import cache_root
from starshift.errors import RunError
from starshift.learnware import package
from starshift.models import heads
from starshift.models.assemble import assemble
from starshift.progress import Silent

SIZE = 96


def pictures(count: int = 24) -> np.ndarray:
    """Discs of all colours, clear and doubtful ones: uint8 (count, SIZE, SIZE, 3)."""
    colours = list(COLOURS.values())
    mixed = [
        tuple(np.average([colours[i % 3], colours[(i + 1) % 3]], axis=0, weights=[1, 0.8 * (i % 4) / 3]).astype(int))
        for i in range(count)
    ]
    return np.stack([np.asarray(draw(colour, 5000 + i, SIZE)) for i, colour in enumerate(mixed)])


@pytest.fixture(scope="module")
def features_run(weights_file, finished_pictures, tmp_path_factory):
    """A finished `features` rung of three classes, with real weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(weights_file.parents[1]))
        out = tmp_path_factory.mktemp("features") / "run"
        return starshift.fit(
            finished_pictures, rungs="features", base="mobilenet_v2", size=SIZE, budget="1h", out=out, progress=Silent()
        )


@pytest.fixture(scope="module")
def two_sizes_run(weights_file, finished_pictures, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(weights_file.parents[1]))
        out = tmp_path_factory.mktemp("sizes") / "run"
        rung = f"features:sizes=64/{SIZE}"
        return starshift.fit(
            finished_pictures, rungs=rung, base="mobilenet_v2", budget="1h", out=out, progress=Silent()
        )


def test_sizes_stand_in_one_keras_model(two_sizes_run, weights_home):
    learnware, tensors = package.read(two_sizes_run.path / "model")
    assert learnware.picture.size == SIZE and tensors["head/kernel"].shape == (2560, 3)
    model = assemble(learnware, tensors)
    assert model.input_shape == (None, SIZE, SIZE, 3)
    in_keras = heads.probabilities(model.predict(pictures().astype(np.float32), verbose=0), 3)
    exact = Predictor(structs.replace(learnware, precision="f32"), tensors, cache_root())(pictures())
    np.testing.assert_allclose(exact, in_keras, atol=5e-3)


@pytest.fixture(scope="module")
def two_classes_run(weights_file, finished_pictures, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(weights_file.parents[1]))
        folder = tmp_path_factory.mktemp("two")
        for name in ("green", "red"):
            shutil.copytree(finished_pictures / name, folder / "tiny" / name)
        return starshift.fit(
            folder / "tiny", rungs="features", base="mobilenet_v2", size=SIZE, budget="1h", out=folder / "run",
            progress=Silent(),
        )  # fmt: skip


@pytest.mark.parametrize("run", ["features_run", "two_classes_run"])
def test_one_keras_model_gives_the_same_probabilities_from_pixels(run, request, weights_home):
    learnware, tensors = package.read(request.getfixturevalue(run).path / "model")
    assert learnware.builder == "frozen"
    model = assemble(learnware, tensors)
    assert not model.layers[1].trainable_weights
    outputs = model.predict(pictures().astype(np.float32), verbose=0)
    assert outputs.shape == (24, 1 if len(learnware.classes) == 2 else 3)
    in_keras = heads.probabilities(outputs, len(learnware.classes))

    exact = Predictor(structs.replace(learnware, precision="f32"), tensors, cache_root())(pictures())
    np.testing.assert_allclose(exact, in_keras, atol=1e-4)

    fast = Predictor(learnware, tensors, cache_root())(pictures())
    assert np.abs(fast - in_keras).max() < 0.05
    sure = in_keras.max(axis=1) > 0.6
    assert (fast.argmax(axis=1) == in_keras.argmax(axis=1))[sure].all()


def test_other_weights_than_the_models_own_are_refused(features_run, weights_file, tmp_path):
    learnware, tensors = package.read(features_run.path / "model")
    other = tmp_path / weights_file.name
    other.write_bytes(weights_file.read_bytes() + b"\0")
    with pytest.raises(RunError, match="are not those of MobileNetV2 that this model was made with") as caught:
        assemble(learnware, tensors, [other])
    assert str(other) in str(caught.value) and "SHA-256" in str(caught.value)
    assert assemble(learnware, tensors, [weights_file]).input_shape == (None, SIZE, SIZE, 3)


def test_a_saved_model_answers_without_its_weights_once_the_base_is_converted(features_run, finished_pictures):
    predictor = open_model(features_run.path)
    assert predictor.bases.bases[0].is_converted
    assert predictor(pictures(5)).shape == (5, 3)


@pytest.mark.slow
def test_features_reach_988_of_1000_cats_and_dogs(shared, weights_home, tmp_path):
    source = shared / "data/dogs-vs-cats"
    if not source.is_dir():
        pytest.skip(f"{source} is not on this machine")
    run = starshift.fit(source, rungs="features", budget="1h", out=tmp_path / "run", progress=Silent())
    score = run.record.rungs[-1].score
    assert score.accuracy.n == 1000
    assert score.accuracy.value >= 0.988
