from __future__ import annotations

import json

import numpy as np
import pytest

from starshift.api.export import TOLERANCES, _example
from starshift.compose import serving
from starshift.models import scratch
from starshift.records import Target

SIZE = 32
HEADS = (Target.of_classes(("a", "b", "c")), Target("age", "regression"))

INSTALLED = {"onnx": "tf2onnx", "litert": "ai_edge_litert", "nncf": "nncf"}


@pytest.fixture(scope="module")
def network():
    """A small network on standardized kernels, which no format knows, with two heads."""
    import keras

    keras.utils.set_random_seed(3)
    made = scratch.build("modern", (SIZE, SIZE, 3), HEADS, {"width": 8, "blocks": (1, 1), "norm": "weights"})
    for layer in made.layers:
        if hasattr(layer, "gain"):
            layer.gain.assign(np.linspace(0.5, 1.5, layer.filters))
    number = keras.ops.squeeze(made.outputs[1], axis=1)
    return keras.Model(made.input, [made.outputs[0], number])


def pixels(count: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(SIZE // 4, axis=1).repeat(SIZE // 4, axis=2)


def answered(network, format, precision, folder, shown) -> np.ndarray:
    """What the format's own example says: float32 (N, 4)."""
    from starshift.compose import export

    export.write(network, format, precision, pixels(20, seed=1), folder / serving.FORMATS[format].file)
    (folder / "predict.py").write_text(serving.example(format))
    (folder / "labels.json").write_text(json.dumps({"size": SIZE, "fit": "stretch", "targets": []}))
    example = _example(folder)
    return np.concatenate([np.array(example.run(one[None])) for one in shown])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("precision", ["float32", "float16", "8-bit"])
@pytest.mark.parametrize("format", list(serving.FORMATS))
def test_every_format_answers_as_keras_does(network, format, precision, tmp_path):
    if serving.problems([format], [precision]):
        pytest.skip("a format that does not have this")
    pytest.importorskip(INSTALLED.get(format, "keras"))
    if (format, precision) == ("openvino", "8-bit"):
        pytest.importorskip("nncf")
    shown = pixels(12)
    classes, numbers = network.predict(shown, verbose=0)
    found = answered(network, format, precision, tmp_path, shown)
    assert found.shape == (12, 4) and found.dtype == np.float32
    within = TOLERANCES[precision].largest if precision != "8-bit" else 0.2
    np.testing.assert_allclose(found[:, :3], classes, atol=within)
    np.testing.assert_allclose(found[:, 3], numbers, atol=within if precision != "8-bit" else 0.5)


def test_a_keras_file_is_of_keras_own_layers_alone(network, tmp_path):
    answered(network, "keras", "float32", tmp_path, pixels(1))
    import zipfile

    with zipfile.ZipFile(tmp_path / "model.keras") as whole:
        assert "starshift" not in whole.read("config.json").decode().lower()
