from __future__ import annotations

import numpy as np
import pytest

from starshift.inference import network
from starshift.inference.network import BATCH, Network, best_precision, find, folder_of
from starshift.training.convert import convert
from starshift.training.keras_setup import load_keras

SIDE = 6


@pytest.fixture(scope="module")
def model():
    keras = load_keras()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 3), dtype="float32", name="pixels")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return convert(model, folder_of(tmp_path_factory.mktemp("cache"), "tiny"))


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH + 5])
def test_any_number_of_pictures_gives_what_keras_gives(model, folder, count):
    found = Network(folder, "f32").run(pixels(count))
    assert found.shape == (count, 5) and found.dtype == np.float32
    if count:
        expected = model.predict(pixels(count).astype(np.float32), verbose=0, batch_size=64)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_best_precision_stays_close_to_float32(model, folder):
    found = Network(folder, best_precision()).run(pixels(20))
    np.testing.assert_allclose(found, model.predict(pixels(20).astype(np.float32), verbose=0), atol=0.02)


def test_a_picture_gets_the_same_answer_alone_and_in_company(folder):
    opened = Network(folder, "f32")
    together = opened.run(pixels(BATCH))
    alone = np.concatenate([opened.run(one[None]) for one in pixels(BATCH)])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_a_network_knows_its_sizes(folder):
    opened = Network(folder, "f32")
    assert (opened.size, opened.outputs, opened.precision) == (SIDE, 5, "f32")


def test_answers_are_not_overwritten_by_the_next_call(folder):
    opened = Network(folder, "f32")
    first = opened.run(pixels(BATCH))
    kept = first.copy()
    opened.run(pixels(BATCH)[::-1])
    np.testing.assert_array_equal(first, kept)


def test_progress_is_told_after_each_batch(folder):
    seen = []
    Network(folder, "f32").run(pixels(2 * BATCH + 1), lambda done, total: seen.append((done, total)))
    assert seen == [(BATCH, 2 * BATCH + 1), (2 * BATCH, 2 * BATCH + 1), (2 * BATCH + 1, 2 * BATCH + 1)]


def test_the_compiled_form_is_kept(folder):
    Network(folder, "f32").run(pixels(1))
    assert list((folder / "compiled-f32").iterdir())


def test_a_network_that_was_never_converted_is_not_found(tmp_path):
    assert find(tmp_path, "key") is None
    assert folder_of(tmp_path, "key") == tmp_path / "networks" / "key"


def test_a_half_written_network_is_not_found(tmp_path):
    folder_of(tmp_path, "key").mkdir(parents=True)
    (folder_of(tmp_path, "key") / "network.xml").write_text("")
    assert find(tmp_path, "key") is None


def test_the_best_precision_is_what_the_processor_computes_in(monkeypatch):
    class Core:
        def __init__(self, able):
            self.able = able

        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return self.able

    monkeypatch.setattr(network, "_core", lambda: Core(["FP32", "BF16"]))
    assert best_precision() == "bf16"
    monkeypatch.setattr(network, "_core", lambda: Core(["FP32", "INT8"]))
    assert best_precision() == "f32"
