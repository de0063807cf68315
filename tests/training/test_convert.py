from __future__ import annotations

import numpy as np
import pytest

from starshift.inference.network import Network, find, folder_of
from starshift.training import convert as module
from starshift.training.convert import convert
from starshift.training.keras_setup import load_keras


@pytest.fixture(scope="module")
def model():
    keras = load_keras()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3), dtype="float32", name="pixels")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_a_converted_network_takes_uint8_and_gives_what_keras_gives(model, tmp_path, capfd):
    folder = convert(model, folder_of(tmp_path, "key"))
    assert capfd.readouterr() == ("", "")
    assert sorted(file.name for file in folder.iterdir()) == ["network.bin", "network.xml"]
    assert find(tmp_path, "key") == folder
    network = Network(folder, "f32")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    np.testing.assert_allclose(network.run(pixels), model.predict(pixels.astype(np.float32), verbose=0), atol=1e-5)


def test_a_conversion_that_fails_leaves_nothing(model, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("no disk")

    monkeypatch.setattr(module, "_take_bytes", fail)
    with pytest.raises(RuntimeError, match="no disk"):
        convert(model, folder_of(tmp_path, "key"))
    assert find(tmp_path, "key") is None
    assert not list((tmp_path / "networks").iterdir())


def test_what_another_process_wrote_first_is_kept(model, tmp_path):
    folder = convert(model, folder_of(tmp_path, "key"))
    before = (folder / "network.xml").stat().st_mtime_ns
    assert convert(model, folder) == folder
    assert (folder / "network.xml").stat().st_mtime_ns == before
    assert [one.name for one in folder.parent.iterdir()] == ["key"]


def test_what_a_clean_up_left_half_is_made_anew(model, tmp_path):
    folder = convert(model, folder_of(tmp_path, "key"))
    (folder / "network.bin").unlink()
    assert find(tmp_path, "key") is None
    convert(model, folder)
    assert find(tmp_path, "key") == folder
