"""KerasHub's transformers: the catalogue's facts are asked of KerasHub, and it writes the files that are read here.

No published weights are here; the files are those of small networks of the same classes, with random numbers.
"""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest

from hub_bases import HUB, tiny
from starshift.catalogue import BASES, base
from starshift.compose.frozen import FrozenBase
from starshift.data.decode import Frame
from starshift.errors import MissingExtra, MissingWeights, RunError, UsageError
from starshift.inference.network import Network, folder_of
from starshift.models import depths, hub, weights
from starshift.models.pretrained import build, preprocess
from starshift.training.convert import convert

keras_hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed: it builds these bases")

ROWS = {name: row for name, row in BASES.items() if row.transformer}
each = pytest.mark.parametrize("name", HUB)


def pixels(size: int, n: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def backbone_of(row, size: int = 32) -> keras.Model:
    """KerasHub's own network for a row, with numbers drawn anew."""
    parts = hub._FAMILIES[row.constructor](row.transformer, size)
    rng = np.random.default_rng(0)
    for variable in parts.whole.weights:
        if "float" in variable.dtype and "interpolated" not in variable.name:
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return parts.whole


@pytest.fixture(scope="module")
def presets(tmp_path_factory) -> Path:
    """A weights folder with a preset of each tiny network, as `save_to_preset` writes it."""
    folder = tmp_path_factory.mktemp("weights")
    for name in HUB:
        row = tiny(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, of how Keras hands arrays to h5py
            backbone_of(row, row.transformer.trained_side).save_to_preset(folder / row.name)
    return folder


def file_of(presets: Path, name: str) -> Path:
    return presets / tiny(name).weights_file


# --- the catalogue's facts ---


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_presets_parameters_and_addresses_are_those_of_kerashub(row):
    theirs = getattr(keras_hub.models, row.constructor).presets[row.name]
    assert row.parameters == theirs["metadata"]["params"]
    assert theirs["kaggle_handle"] == f"kaggle://{weights._kaggle_handle(row)}"


@pytest.mark.slow
@pytest.mark.parametrize("name", HUB)
def test_a_network_of_full_size_has_the_parameters_of_the_preset(name):
    row = base(name)
    assert hub._FAMILIES[row.constructor](row.transformer, row.transformer.trained_side).whole.count_params() == (
        row.parameters
    )


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
PUBLISHED = {"DINOV2Backbone": IMAGENET, "ViTBackbone": HALVES, "SigLIPBackbone": HALVES}
"""Mean and deviation, of 1, in the published preprocessor_config.json of each family."""


@each
def test_preprocessing_is_that_of_kerashubs_image_converter(name):
    row = base(name)
    mean, deviation = PUBLISHED[row.constructor]
    converter = keras_hub.layers.ImageConverter(
        scale=[1 / 255 / one for one in deviation],
        offset=[-m / one for m, one in zip(mean, deviation, strict=True)],
    )
    batch = pixels(8).astype(np.float32)
    inputs = keras.Input((8, 8, 3))
    ours = keras.Model(inputs, preprocess(inputs, row.preprocessing))(batch)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(converter(batch)), atol=2e-6)


# --- what a network says ---


def expected(row, whole: keras.Model, size: int) -> np.ndarray:
    """KerasHub's own answer for the same pictures, pooled as the papers do."""
    inputs = keras.Input((size, size, 3))
    ready = np.asarray(keras.Model(inputs, preprocess(inputs, row.preprocessing))(pixels(size)))
    if row.constructor == "SigLIPBackbone":
        return np.asarray(whole.vision_encoder({"images": ready}))
    given = {"images": ready} if row.constructor == "DINOV2Backbone" else ready
    return np.asarray(whole(given))[:, 0]


@each
def test_features_from_a_preset_are_those_of_kerashub(presets, name):
    row = tiny(name)
    side = row.transformer.patch * 8 if "dinov2" in name else 32
    features = build(row, file_of(presets, name), size=side)(pixels(side))
    assert features.dtype == "float32" and features.shape == (3, row.features)
    whole = hub._FAMILIES[row.constructor](row.transformer, side).whole
    whole.load_weights(file_of(presets, name))
    np.testing.assert_allclose(np.asarray(features), expected(row, whole, side), rtol=1e-5, atol=1e-5)


@each
def test_pictures_of_other_sides_are_resized_inside(presets, name):
    row = tiny(name)
    features = np.asarray(build(row, file_of(presets, name), size=45)(pixels(45)))
    assert features.shape == (3, row.features) and np.isfinite(features).all()
    assert np.abs(features - features[0]).max() > 0.01  # and still tells pictures apart


@each
def test_layer_names_do_not_depend_on_what_was_built_before(name):
    first, second = (build(tiny(name), None, size=32) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    assert {"block_1", "block_2", "block_3", "features"} <= {layer.name for layer in second.layers}


@pytest.mark.slow
@each
def test_a_converted_network_gives_what_keras_gives(presets, name, tmp_path):
    row = tiny(name)
    model = build(row, file_of(presets, name), size=36)
    network = Network(convert(model, folder_of(tmp_path, "key")), "f32")
    np.testing.assert_allclose(network.run(pixels(36)), np.asarray(model(pixels(36))), atol=1e-4)


def test_depths_are_averaged_over_the_tokens(presets):
    network = build(tiny(HUB[0]), file_of(presets, HUB[0]), size=32)
    whole = keras.Model(network.input, network.get_layer("block_2").output)(pixels(32))
    seen = np.asarray(depths.pooled_at(network, ("block_2", "top"))(pixels(32)))
    np.testing.assert_allclose(seen[:, :8], np.asarray(whole).mean(axis=1), atol=1e-5)


def test_there_is_no_map_to_flatten():
    with pytest.raises(UsageError, match="makes no map of a picture that could be flattened; take head=linear"):
        depths.unpooled(build(tiny(HUB[0]), None, size=32))


@pytest.mark.slow
def test_features_are_computed_once_and_kept(presets, monkeypatch, tmp_path):
    monkeypatch.setenv("STARSHIFT_WEIGHTS", str(presets))
    rows = {"tiny_dinov2_small": tiny("dinov2_small")}
    monkeypatch.setattr("starshift.catalogue.parse", lambda spec: (rows[spec], None))
    found = FrozenBase.find("tiny_dinov2_small", Frame(32), "f32", tmp_path)
    assert found.reference.digest == weights.digest(file_of(presets, "dinov2_small"))
    features = found.network.run(pixels(32))
    expected = build(tiny("dinov2_small"), file_of(presets, "dinov2_small"), size=32)(pixels(32))
    np.testing.assert_allclose(features, np.asarray(expected), atol=1e-4)
    assert found.is_converted


# --- finding files ---


@pytest.fixture
def homes(tmp_path, monkeypatch) -> Path:
    """No weights anywhere; returns the folder in which the product's own would lie."""
    monkeypatch.setenv("STARSHIFT_WEIGHTS", str(tmp_path / "own"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "own"


def test_a_preset_folder_comes_first_and_kaggles_cache_is_looked_at(homes, tmp_path):
    row = base("dinov2_small")
    cached = tmp_path / "kaggle/models/keras/dinov2/keras/dinov2_small/1/model.weights.h5"
    local = homes / "dinov2_small/model.weights.h5"
    assert weights.find(row) is None and not weights.at_hand(row)
    for file in (cached, local):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"")
        assert weights.find(row) == file
    assert weights.at_hand(row)


def test_missing_weights_name_file_size_and_place(homes, monkeypatch):
    monkeypatch.setenv("STARSHIFT_OFFLINE", "1")
    with pytest.raises(MissingWeights) as caught:
        weights.obtain(base("dinov2_small"))
    assert str(caught.value) == (
        "DINOv2 Small needs its weights: put model.weights.h5 (about 91 MB, from "
        f"https://www.kaggle.com/models/keras/dinov2/keras/dinov2_small/1) into {homes}/dinov2_small."
    )


def test_one_file_is_fetched_by_kaggles_own_loader(homes, monkeypatch, tmp_path):
    asked = []

    def model_download(handle: str, path: str) -> str:
        asked.append((handle, path))
        return str(tmp_path / path)

    monkeypatch.delenv("STARSHIFT_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "_answers", lambda url: url.startswith("https://www.kaggle.com/"))
    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(model_download=model_download))
    assert weights.obtain(base("dinov2_small")) == tmp_path / "model.weights.h5"
    assert asked == [("keras/dinov2/keras/dinov2_small/1", "model.weights.h5")]


def test_without_kerashub_its_install_line_is_said(homes, monkeypatch):
    monkeypatch.setattr(weights, "HUB_MODULE", "no_such_module")
    row = base("dinov2_small")
    for attempt in (lambda: weights.obtain(row), lambda: build(row, None, size=224)):
        with pytest.raises(
            MissingExtra, match=r"DINOv2 Small is built by KerasHub, .*: pip install 'starshift\[hub\]'"
        ):
            attempt()
    assert not weights.at_hand(row)
    assert weights.at_hand(base("vgg16")) is False  # for its file's sake


def test_a_kerashub_that_lacks_its_own_requirements_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    monkeypatch.setattr(weights, "require", lambda base: None)
    with pytest.raises(MissingExtra, match=r"lacks something \(.*\): pip install 'starshift\[hub\]'"):
        build(tiny("dinov2_small"), None, size=32)


# --- reading files ---


@pytest.fixture
def copy(presets, tmp_path) -> Path:
    """A preset's file to be spoiled."""
    return Path(shutil.copy(file_of(presets, "dinov2_small"), tmp_path / "model.weights.h5"))


def refused(file: Path, reason: str) -> None:
    with pytest.raises(RunError, match=reason) as caught:
        build(tiny("dinov2_small"), file, size=32)
    assert str(file) in str(caught.value)


def norm(opened: h5py.File) -> h5py.Group:
    return opened["layers/layer_normalization/vars"]


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/layers")], ids=["out", "soft"])
def test_links_are_refused(copy, link):
    with h5py.File(copy, "r+") as opened:
        del norm(opened)["0"]
        norm(opened)["0"] = link
    refused(copy, "/layers/layer_normalization/vars/0 is a link to somewhere else")


def test_storage_in_another_file_is_refused(copy, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(32))
    with h5py.File(copy, "r+") as opened:
        del norm(opened)["0"]
        norm(opened).create_dataset("0", (8,), "f4", external=[(str(tmp_path / "secret"), 0, 32)])
    refused(copy, "keeps its numbers in another file")


def test_more_than_the_architecture_has_is_refused_unread(copy):
    with h5py.File(copy, "r+") as opened:
        del norm(opened)["0"]
        norm(opened).create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")
    refused(copy, "it declares 4,000,0.* bytes of numbers where 2,404,096 are the most")


def test_what_is_no_number_is_refused(copy):
    with h5py.File(copy, "r+") as opened:
        del norm(opened)["0"]
        norm(opened)["0"] = np.array([b"os.system"] * 8)
    refused(copy, r"/layers/layer_normalization/vars/0 holds \|S9, not numbers")


def test_numbers_that_are_not_finite_are_refused(copy):
    with h5py.File(copy, "r+") as opened:
        norm(opened)["0"][0] = np.nan
    refused(copy, "layernorm/gamma has numbers that are not finite")


@pytest.mark.parametrize("instead", [None, np.zeros(9, np.float32)], ids=["missing", "another shape"])
def test_an_array_that_is_missing_or_of_another_shape_is_refused(copy, instead):
    with h5py.File(copy, "r+") as opened:
        del norm(opened)["0"]
        if instead is not None:
            norm(opened)["0"] = instead
    refused(copy, "does not fit DINOv2 Small")


def test_the_file_of_another_network_is_refused(presets):
    refused(file_of(presets, "vit_base_patch16_224_imagenet21k"), "does not fit DINOv2 Small")
    with pytest.raises(RunError, match="does not fit"):
        build(tiny("dinov2_with_registers_small"), file_of(presets, "dinov2_small"), size=32)


def test_an_older_format_and_no_hdf5_are_refused(copy, tmp_path):
    refused(Path(shutil.copy(copy, tmp_path / "model.h5")), r"takes a file \*\.weights\.h5, as Keras 3 has")
    copy.write_bytes(b"not HDF5")
    refused(copy, "damaged or no Keras weights file")
