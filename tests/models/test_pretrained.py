"""The catalogue's facts are asked of Keras's own source; see test_conformance for what every base can do.

Those of KerasHub are asked in test_hub.

The large bases are marked slow: one takes 2 to 15 seconds to build.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from starshift.catalogue import BASES, Base, base
from starshift.errors import RunError, UsageError
from starshift.models import weights
from starshift.models.pretrained import build, preprocess

SHARED_WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "weights"
QUICK = {"mobilenet", "mobilenet_v2", "mobilenet_v3_small", "vgg16", "efficientnet_b0"}
KERAS = {name: row for name, row in BASES.items() if row.transformer is None}
FAMILY = [pytest.param(row, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, row in KERAS.items()]


def pixels(size: int, n: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def write_like_keras(model: keras.Model, file: Path, *, rename=lambda name: name, seed: int = 0) -> None:
    """A weights file of this model in Keras's legacy format, with other numbers in it than the model has."""
    rng = np.random.default_rng(seed)
    layers = [layer for layer in model.layers if layer.weights]
    with h5py.File(file, "w") as opened:
        opened.attrs["layer_names"] = [rename(layer.name).encode() for layer in layers]
        for layer in layers:
            group = opened.create_group(rename(layer.name))
            variables = layer.trainable_weights + layer.non_trainable_weights
            group.attrs["weight_names"] = [f"{layer.name}/{variable.name}:0".encode() for variable in variables]
            for variable in variables:
                scale = np.sqrt(2 / max(1, np.prod(variable.shape[:-1])))
                value = rng.normal(0, scale, variable.shape).astype(np.float32)
                if "variance" in variable.name or variable.name == "gamma":
                    value = rng.uniform(0.5, 1.5, variable.shape).astype(np.float32)
                if variable.name == "count":
                    value = np.int64(1)
                group[f"{layer.name}/{variable.name}:0"] = value


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    return build(base("mobilenet"), None, size=32)


# --- the whole family ---


def test_every_base_of_keras_is_catalogued():
    assert {row.constructor for row in KERAS.values()} == {
        name for name in dir(keras.applications) if name[0].isupper()
    }


@pytest.mark.parametrize("row", FAMILY)
def test_weights_are_those_that_keras_asks_for(row, monkeypatch):
    asked = []

    def get_file(name, url, *, cache_subdir, file_hash=None):
        asked.append((name, url, cache_subdir, file_hash or ""))
        raise InterruptedError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(InterruptedError):
        getattr(keras.applications, row.constructor)(include_top=False, input_shape=(row.size, row.size, 3))
    assert asked == [(row.weights_file, row.weights_url, "models", row.weights_hash)]


@pytest.mark.parametrize("row", KERAS.values(), ids=KERAS)
def test_smaller_pictures_are_refused_by_keras_and_here(row):
    size = row.min_size - 1
    with pytest.raises(ValueError, match=f"at least {row.min_size}x{row.min_size}"):
        getattr(keras.applications, row.constructor)(include_top=False, weights=None, input_shape=(size, size, 3))
    with pytest.raises(UsageError, match=f"needs pictures of at least {row.min_size} px; --size is {size}"):
        build(row, None, size=size)


@pytest.mark.parametrize("row", KERAS.values(), ids=KERAS)
def test_the_size_is_that_of_the_published_weights(row):
    if row.name.startswith("mobilenet_v3"):
        assert "_224_" in row.weights_file
        return
    # With its classifier a base takes one size only, and Keras's refusal of another names it.
    with pytest.raises(ValueError, match=re.escape(f"should be ({row.size}, {row.size}, 3)")):
        getattr(keras.applications, row.constructor)(weights="imagenet", input_shape=(81, 81, 3))


@pytest.mark.parametrize("row", KERAS.values(), ids=KERAS)
def test_preprocessing_is_that_of_keras(row):
    batch = pixels(8)
    inputs = keras.Input((8, 8, 3))
    if row.preprocessing == "in the model":
        assert preprocess(inputs, row.preprocessing) is inputs
        ours = batch.astype(np.float32)
    else:
        ours = np.asarray(keras.Model(inputs, preprocess(inputs, row.preprocessing))(batch))
    theirs = _keras_module(row).preprocess_input(batch.astype(np.float32))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * max(1.0, float(np.abs(theirs).max())))


def _keras_module(row: Base):
    """The module of keras.applications that a base and its preprocess_input are in."""
    here = keras.applications
    modules = [getattr(here, name) for name in dir(here) if name[0].islower()]
    for module in modules:
        if hasattr(module, "preprocess_input") and hasattr(module, row.constructor):
            return module
    assert row.name.startswith("mobilenet_v3")  # its constructors are only in the package
    return here.mobilenet_v3


# --- weights ---


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet"])
def test_published_weights_give_exactly_what_keras_gives(name, monkeypatch):
    if not SHARED_WEIGHTS.is_dir():
        pytest.skip(f"{SHARED_WEIGHTS} is not here: it holds the published weights")
    monkeypatch.setenv("KERAS_HOME", str(SHARED_WEIGHTS))
    row = base(name)
    model = build(row, weights.find(row), size=224)
    # Keras reads KERAS_HOME once, when it is imported; its loader would look just there.
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file", lambda name, *_, **__: str(SHARED_WEIGHTS / "models" / name)
    )
    theirs = getattr(keras.applications, row.constructor)(
        include_top=False, weights="imagenet", input_shape=(224, 224, 3), pooling="avg"
    )
    batch = pixels(224)
    expected = theirs(_keras_module(row).preprocess_input(batch.astype(np.float32)), training=False)
    features = np.asarray(model(batch, training=False))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, np.asarray(expected))


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v3_small", "vgg16"])
def test_a_published_file_gives_what_keras_makes_of_it(name, monkeypatch, tmp_path):
    """EfficientNet is the trap: Keras adds a layer for weights="imagenet" that weights=FILE does not get."""
    row, file = base(name), tmp_path / "weights.h5"
    write_like_keras(build(row, None, size=64), file)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(file))
    says_that_weights_are_for_224_px = name.startswith("mobilenet")
    with pytest.warns(UserWarning, match="224") if says_that_weights_are_for_224_px else nullcontext():
        theirs = getattr(keras.applications, row.constructor)(
            include_top=False, weights="imagenet", input_shape=(64, 64, 3), pooling="avg"
        )
    batch = pixels(64)
    expected = theirs(_keras_module(row).preprocess_input(batch.astype(np.float32)), training=False)
    features = build(row, file, size=64)(batch, training=False)
    np.testing.assert_allclose(np.asarray(features), np.asarray(expected), rtol=1e-4, atol=1e-5)


def test_layer_names_do_not_depend_on_what_was_built_before():
    first, second = (build(base("mobilenet_v3_small"), None, size=32) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    assert "activation" in {layer.name for layer in second.layers}
    assert len({layer.name for layer in second.layers}) == len(second.layers)


def test_other_names_fall_back_to_the_order(tmp_path):
    """MobileNetV3's published file says "Conv/BatchNorm" where Keras 3 says conv_bn."""
    row = base("mobilenet_v3_small")
    model, old, new = build(row, None, size=32), tmp_path / "old.h5", tmp_path / "new.h5"
    write_like_keras(model, new)
    write_like_keras(model, old, rename=lambda name: name.replace("_bn", "/BatchNorm"))
    batch = pixels(32)
    np.testing.assert_array_equal(build(row, old, size=32)(batch), build(row, new, size=32)(batch))


def spoiled(file: Path, mobilenet: keras.Model, spoil) -> str:
    """What `build` says of a MobileNet file after `spoil` had it."""
    write_like_keras(mobilenet, file)
    with h5py.File(file, "r+") as opened:
        spoil(opened)
    with pytest.raises(RunError) as caught:
        build(base("mobilenet"), file, size=32)
    return str(caught.value)


def test_a_weight_of_another_shape_is_refused(tmp_path, mobilenet):
    def spoil(file: h5py.File) -> None:
        del file["conv1/conv1/kernel:0"]
        file["conv1/conv1/kernel:0"] = np.zeros((5, 5, 3, 32), np.float32)

    message = spoiled(tmp_path / "w.h5", mobilenet, spoil)
    assert "'kernel' of layer 'conv1' has shape (3, 3, 3, 32), the file has (5, 5, 3, 32)" in message


def test_a_missing_layer_is_named(tmp_path, mobilenet):
    def spoil(file: h5py.File) -> None:
        file.attrs["layer_names"] = [name for name in file.attrs["layer_names"] if name != "conv_pw_7"]

    message = spoiled(tmp_path / "w.h5", mobilenet, spoil)
    assert "54 layers with weights are needed, it has 53; missing: conv_pw_7" in message


def test_a_surplus_layer_is_named(tmp_path, mobilenet):
    def spoil(file: h5py.File) -> None:
        file.attrs["layer_names"] = [*file.attrs["layer_names"], "predictions"]
        file.copy("conv1", "predictions")
        file["predictions"].attrs["weight_names"] = [b"conv1/kernel:0"]

    message = spoiled(tmp_path / "w.h5", mobilenet, spoil)
    assert "it has 55; surplus: predictions" in message


def test_a_missing_weight_is_named(tmp_path, mobilenet):
    def spoil(file: h5py.File) -> None:
        names = file["conv1_bn"].attrs["weight_names"]
        file["conv1_bn"].attrs["weight_names"] = names[:3]

    message = spoiled(tmp_path / "w.h5", mobilenet, spoil)
    assert "layer 'conv1_bn' has 4 weights, the file has 3" in message


def test_layers_in_another_order_under_other_names_are_refused(tmp_path, mobilenet):
    def spoil(file: h5py.File) -> None:
        names = list(file.attrs["layer_names"])
        a, b = names.index("conv_pw_8"), names.index("conv_pw_9")
        names[a], names[b] = names[b], names[a]
        file.move("conv1", "first")
        names[names.index("conv1")] = "first"
        file.attrs["layer_names"] = names

    message = spoiled(tmp_path / "w.h5", mobilenet, spoil)
    assert "its layers have another order: 'conv_pw_9' stands for 'conv_pw_8'" in message


def test_weights_of_another_base_are_refused(tmp_path, mobilenet):
    file = tmp_path / "w.h5"
    write_like_keras(mobilenet, file)
    with pytest.raises(RunError, match=r"104 layers with weights .* has 54; missing: Conv1, bn_Conv1"):
        build(base("mobilenet_v2"), file, size=32)


def test_nothing_is_changed_by_a_file_that_is_refused(tmp_path, mobilenet):
    from starshift.models.pretrained import _assign

    file = tmp_path / "w.h5"
    write_like_keras(mobilenet, file)
    stored = weights.read(file)
    stored["conv_pw_13_bn"]["gamma"] = np.zeros(3, np.float32)
    before = [np.asarray(weight) for weight in mobilenet.weights]
    with pytest.raises(RunError, match="has shape"):
        _assign(mobilenet, stored, file)
    for weight, value in zip(mobilenet.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)


def test_a_mixed_policy_gives_float32_features_from_float32_preprocessing():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build(base("mobilenet"), None, size=32)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    assert keras.backend.standardize_dtype(model.operations[2].output.dtype) == "float32"
