from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from starshift.compose import serving
from starshift.data.decode import Frame, decode
from starshift.errors import MissingExtra
from starshift.learnware import package
from starshift.records import Target


@pytest.fixture(scope="module")
def learnware(finished_run):
    return package.read(finished_run.path / "rungs/convnet/model")[0]


def reader(tmp_path, size: int, fit: str):
    """`read` of the shipped example, without its runtime."""
    (tmp_path / "labels.json").write_text(json.dumps({"size": size, "fit": fit, "targets": []}))
    made = serving.FORMATS["onnx"]
    source = serving.example("onnx").replace(made.opened, "").replace(made.imported, "")
    names = {"__file__": str(tmp_path / "predict.py"), "__name__": "example"}
    exec(compile(source, "predict.py", "exec"), names)
    return names["read"]


def encoded(mode: str, form: str, turn: int, side: int = 700) -> bytes:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    picture = Image.fromarray(coarse, "RGBA").resize((side, side * 3 // 4))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 200)
    else:
        picture = picture.convert(mode)
    exif, stream = Image.Exif(), BytesIO()
    exif[0x0112] = turn
    picture.save(stream, form, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("fit", ["stretch", "crop"])
@pytest.mark.parametrize("turn", [1, 3, 6])
@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("I;16", "PNG"),
        ("RGBA", "WEBP"),
        ("RGB", "TIFF"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_shipped_example_decodes_as_starshift_does_pixel_by_pixel(tmp_path, mode, form, turn, fit):
    data = encoded(mode, form, turn)
    seen = reader(tmp_path, 64, fit)(BytesIO(data))
    assert seen.shape == (1, 64, 64, 3) and seen.dtype == np.uint8
    np.testing.assert_array_equal(seen[0], decode(data, Frame(64, fit))[0])


def test_labels_say_whose_the_columns_are(learnware):
    targets = (*learnware.targets, Target("marks", "multi-label", ("x", "y")), Target("age", "regression"))
    made = json.loads(serving.labels(structs.replace(learnware, targets=targets)))
    assert (made["size"], made["fit"]) == (28, "stretch")
    assert [one["columns"] for one in made["targets"]] == [3, 2, 1]
    assert made["targets"][0]["labels"] == list(learnware.classes)


def test_what_cannot_be_fulfilled_is_said_all_at_once():
    found = serving.problems(["keras", "onx"], ["float16", "int8"])
    assert found == [
        "Format 'onx' is not known. Did you mean 'onnx'?",
        "Keras has no float16: a .keras file keeps float32 weights, and Keras quantizes no convolutions. Formats that "
        "have it: onnx, openvino, litert.",
        "Precision 'int8' is not known. Known: float32, float16, 8-bit.",
    ]
    assert serving.problems(list(serving.FORMATS), ["float32"]) == []


def test_a_missing_package_prints_its_install_line(monkeypatch):
    monkeypatch.setattr("starshift.compose.serving.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"LiteRT in float32 needs ai-edge-litert, .* pip install 'starshift\[exp"):
        serving.require("litert", "float32")
    with pytest.raises(MissingExtra, match="OpenVINO in 8-bit needs nncf"):
        serving.require("openvino", "8-bit")
    serving.require("keras", "float32")
    serving.require("openvino", "float16")


def test_the_pages_runtime_is_looked_for_before_anything_is_made(tmp_path):
    assert serving.web_problems(["onnx"], None) == []
    assert "give --to onnx too" in serving.web_problems(["keras"], tmp_path)[0]
    assert "lacks ort.wasm.bundle.min.mjs, ort-wasm-simd-threaded.wasm" in serving.web_problems(["onnx"], tmp_path)[0]
    (tmp_path / "dist").mkdir()
    for name in serving.WEB_FILES:
        (tmp_path / "dist" / name).write_bytes(b"x")
    assert serving.web_problems(["onnx"], tmp_path) == []
    (tmp_path / "out").mkdir()
    serving.copy_web(tmp_path, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(serving.WEB_FILES)


def test_only_an_onnx_folder_has_a_web_page(learnware):
    assert set(serving.beside(learnware, "onnx")) == {"labels.json", "predict.py", "index.html"}
    assert set(serving.beside(learnware, "litert")) == {"labels.json", "predict.py"}
