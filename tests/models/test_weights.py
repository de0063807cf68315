from __future__ import annotations

import contextlib
import hashlib
import socket
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from starshift.catalogue import BASES
from starshift.errors import MissingWeights, RunError
from starshift.models import weights

MOBILENET_V2 = BASES["mobilenet_v2"]


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Three empty folders in the order in which weights are looked for."""
    monkeypatch.setenv("STARSHIFT_WEIGHTS", str(tmp_path / "own"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras-home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    folders = [tmp_path / "own", tmp_path / "keras-home/models", tmp_path / "home/.keras/models"]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def write_layer(file: h5py.File, layer: str, **arrays) -> h5py.Group:
    """One layer as Keras's legacy format has it."""
    group = file.create_group(layer)
    for name, array in arrays.items():
        group.create_dataset(f"{layer}/{name}:0", data=array)
    group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
    return group


@pytest.fixture
def h5(tmp_path):
    """A small sound file, given as (path, open file); tests spoil it, close it and have it read."""
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input", b"conv1/conv", b"dense"]
        file.create_group("input").attrs["weight_names"] = np.array([], dtype=float)  # as Keras writes "none"
        write_layer(file, "conv1/conv", kernel=np.ones((3, 3), np.float32), bias=np.zeros(3, np.float16))
        write_layer(file, "dense", kernel=np.full((2, 2), 2.0))
        yield path, file


def refused(h5, reason: str) -> None:
    path, file = h5
    file.close()
    with pytest.raises(RunError, match=reason) as caught:
        weights.read(path)
    assert str(path) in str(caught.value)


# --- finding ---


def test_folders_are_searched_in_order(homes):
    assert weights.folders() == homes
    assert weights.find(MOBILENET_V2) is None
    for folder in reversed(homes):
        (folder / MOBILENET_V2.weights_file).write_bytes(b"")
        assert weights.find(MOBILENET_V2) == folder / MOBILENET_V2.weights_file


def test_the_own_folder_is_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("STARSHIFT_WEIGHTS", raising=False)
    monkeypatch.setattr(weights.sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert weights.own_folder() == tmp_path / "starshift/weights"


def test_a_given_file_is_looked_at_alone(homes, tmp_path):
    (homes[0] / MOBILENET_V2.weights_file).write_bytes(b"")
    assert weights.find(MOBILENET_V2, tmp_path / "birds.h5") is None
    with pytest.raises(MissingWeights, match=r"There is no weights file .*birds\.h5"):
        weights.obtain(MOBILENET_V2, tmp_path / "birds.h5")


def test_offline_names_file_size_and_place_and_never_knocks(homes, monkeypatch):
    monkeypatch.setenv("STARSHIFT_OFFLINE", "1")
    monkeypatch.setattr(weights, "_answers", lambda url: pytest.fail("knocked"))
    with pytest.raises(MissingWeights) as caught:
        weights.obtain(MOBILENET_V2)
    for part in (MOBILENET_V2.weights_file, "about 10 MB", str(homes[0])):
        assert part in str(caught.value)


def test_no_network_is_noticed_within_seconds(homes, monkeypatch):
    monkeypatch.delenv("STARSHIFT_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "KNOCK_SECONDS", 0.2)
    monkeypatch.setattr(socket, "create_connection", lambda *_: contextlib.nullcontext(time.sleep(5)))
    started = time.monotonic()
    with pytest.raises(MissingWeights, match="There is no network to fetch it now"):
        weights.obtain(MOBILENET_V2)
    assert time.monotonic() - started < 4


def test_a_host_that_answers_is_noticed_also_behind_a_proxy(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(weights.urllib.request, "getproxies", dict)
        assert weights._answers(f"http://127.0.0.1:{port}/file")
        monkeypatch.setattr(weights.urllib.request, "proxy_bypass", lambda host: False)
        monkeypatch.setattr(weights.urllib.request, "getproxies", lambda: {"https": f"127.0.0.1:{port}"})
        assert weights._answers("https://nowhere.invalid/file")


def test_a_download_is_moved_into_place_when_it_is_whole(homes, monkeypatch):
    keras_utils = pytest.importorskip("keras").utils
    monkeypatch.delenv("STARSHIFT_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "_answers", lambda url: True)

    def fetch(name: str, *, origin: str, cache_subdir: str, **_: object) -> str:
        assert origin == MOBILENET_V2.weights_url
        assert not list(homes[0].glob("*.h5"))
        file = Path(cache_subdir) / name
        file.write_bytes(b"weights")
        return str(file)

    monkeypatch.setattr(keras_utils, "get_file", fetch)
    assert weights.obtain(MOBILENET_V2).read_bytes() == b"weights"
    assert weights.find(MOBILENET_V2) == homes[0] / MOBILENET_V2.weights_file


def test_a_download_that_fails_says_so(homes, monkeypatch):
    keras_utils = pytest.importorskip("keras").utils
    monkeypatch.delenv("STARSHIFT_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "_answers", lambda url: True)

    def fetch(*_: object, **__: object) -> str:
        raise Exception("URL fetch failure: 404")

    monkeypatch.setattr(keras_utils, "get_file", fetch)
    with pytest.raises(MissingWeights, match=r"Fetching it failed: URL fetch failure: 404"):
        weights.obtain(MOBILENET_V2)
    assert weights.find(MOBILENET_V2) is None


def test_digest_is_sha256(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert weights.digest(file) == hashlib.sha256(b"abc").hexdigest()


# --- reading ---


def test_a_sound_file_is_read_by_layer_and_weight(h5):
    path, file = h5
    file.close()
    layers = weights.read(path)
    assert {layer: list(arrays) for layer, arrays in layers.items()} == {
        "conv1/conv": ["kernel", "bias"],
        "dense": ["kernel"],
    }
    assert all(array.dtype == np.float32 for arrays in layers.values() for array in arrays.values())
    assert layers["dense"]["kernel"].tolist() == [[2, 2], [2, 2]]


def test_names_that_keras_split_over_attributes_are_joined(h5):
    path, file = h5
    del file.attrs["layer_names"]
    file.attrs["layer_names0"] = [b"input", b"conv1/conv"]
    file.attrs["layer_names1"] = [b"dense"]
    file.close()
    assert list(weights.read(path)) == ["conv1/conv", "dense"]


def test_a_counter_may_be_an_integer(h5):
    path, file = h5
    file.attrs["layer_names"] = [b"normalization"]
    write_layer(file, "normalization", mean=np.zeros(3, np.float32), count=np.int64(7))
    file.close()
    assert weights.read(path)["normalization"]["count"] == 7


def test_weights_of_one_name_in_one_layer_keep_their_whole_names(h5):
    path, file = h5
    file.attrs["layer_names"] = [b"stem"]
    group = file.create_group("stem")
    group.attrs["weight_names"] = [b"a/kernel:0", b"b/kernel:0"]
    group["a/kernel:0"], group["b/kernel:0"] = np.zeros(1), np.zeros(2)
    file.close()
    assert list(weights.read(path)["stem"]) == ["a/kernel:0", "b/kernel:0"]


@pytest.mark.parametrize(
    "link", [h5py.ExternalLink("other.h5", "/dense"), h5py.SoftLink("/dense")], ids=["external", "soft"]
)
def test_links_are_refused_wherever_they_are(h5, link):
    h5[1]["conv1/elsewhere"] = link
    refused(h5, "/conv1/elsewhere is a link to somewhere else")


def test_a_layer_that_is_a_link_is_refused(h5):
    del h5[1]["dense"]
    h5[1]["dense"] = h5py.SoftLink("/conv1/conv")
    refused(h5, "/dense is a link")


def test_a_group_that_holds_itself_is_refused(h5):
    h5[1]["dense/again"] = h5[1]["dense"]
    refused(h5, "nests too deep")


def test_storage_in_another_file_is_refused(h5, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    h5[1].create_dataset("dense/far", (4,), "f4", external=[(str(tmp_path / "secret"), 0, 16)])
    refused(h5, "/dense/far keeps its numbers in another file")


def test_virtual_datasets_are_refused(h5):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    h5[1].create_virtual_dataset("dense/virtual", layout)
    refused(h5, "/dense/virtual keeps its numbers in another file")


def test_filters_that_are_not_built_in_are_refused(h5):
    h5[1].create_dataset("dense/lzf", data=np.zeros(99, np.float32), compression="lzf")
    refused(h5, "/dense/lzf is packed with a filter")


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array(["os.system"], dtype=h5py.string_dtype()), "object"),
        (np.zeros(3, np.int32), "int32"),
        (np.zeros(3, np.complex64), "complex64"),
        (np.zeros(2, [("a", "f4")]), "a"),
    ],
    ids=["text", "integers", "complex", "record"],
)
def test_arrays_that_are_not_floats_are_refused(h5, array, dtype):
    write_layer(h5[1], "odd", kernel=array)
    h5[1].attrs["layer_names"] = [b"odd"]
    refused(h5, f"weight 'kernel' of layer 'odd' holds .*{dtype}.*, not floats")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(h5, value):
    h5[1]["dense/dense/kernel:0"][0, 0] = value
    refused(h5, "numbers that are not finite")


def test_a_small_file_that_declares_huge_arrays_is_refused_unread(h5):
    group = h5[1]["dense"]
    group.create_dataset("huge", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")
    group.attrs["weight_names"] = [b"huge"]
    refused(h5, r"declares 4,000,000,000,\d+ bytes of numbers where 2,147,483,648 are the most")


def test_layers_and_weights_that_are_listed_must_be_there(h5):
    h5[1].attrs["layer_names"] = [b"dense", b"ghost"]
    refused(h5, "layer 'ghost' is listed but is not there")


def test_weights_that_are_listed_must_be_there(h5):
    h5[1]["dense"].attrs["weight_names"] = [b"ghost"]
    refused(h5, "weight 'ghost' of layer 'dense' is listed but is not there")


@pytest.mark.parametrize("names", [[b"dense", b"dense"], [b"/dense"], [b"../dense"], [1.5], 3, [b""]])
def test_lists_of_names_must_be_lists_of_names(h5, names):
    h5[1].attrs["layer_names"] = names
    refused(h5, "layer_names")


def test_a_whole_model_is_never_opened(h5):
    h5[1].attrs["model_config"] = "{}"
    refused(h5, "it holds a whole model; only weights without an architecture are read")


def test_other_hdf5_files_are_refused(h5):
    del h5[1].attrs["layer_names"]
    refused(h5, "no list of layers")


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_files_that_are_no_hdf5_are_refused(tmp_path, content):
    file = tmp_path / "weights.h5"
    file.write_bytes(content)
    with pytest.raises(RunError, match="damaged or no Keras weights file"):
        weights.read(file)


def test_a_truncated_file_is_refused(h5):
    path, file = h5
    file.close()
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(RunError, match="damaged or no Keras weights file"):
        weights.read(path)
