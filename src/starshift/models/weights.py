"""Weights files of pretrained bases, without Keras: found, fetched, digested, read by name, shape and dtype.

A weights file may come from anywhere, so that reading one must not do more than read it: HDF5 can point
outside the file (external links, external storage, virtual datasets), name loops, and declare far more data
than it holds. All of this is refused before any array is read. Nothing is unpickled or executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starshift.catalogue import Base
from starshift.errors import MissingExtra, MissingWeights, RunError

if TYPE_CHECKING:
    import h5py
    import numpy as np

Layers = dict[str, dict[str, "np.ndarray[Any, Any]"]]
"""Layer name → weight name → array, both in the file's order, which is that of Keras's model.layers."""

HUB_EXTRA, HUB_MODULE = "hub", "keras_hub"
"""The extra that installs KerasHub, and its module."""

KAGGLE = "https://www.kaggle.com/models/"
KNOCK_SECONDS = 3.0  # how long a host may take to answer before it counts as out of reach
STALL_SECONDS = 20.0  # how long a download may stand still
MOST_BYTES = 2**31  # of all arrays in one file; the largest catalogued base has 1.4 · 10⁹
MOST_NAMES = 20_000  # layers, weights or HDF5 objects; the largest catalogued base has 4,000
DEEPEST = 8  # levels of HDF5 groups; Keras writes at most five


def own_folder() -> Path:
    """The product's weights folder: $STARSHIFT_WEIGHTS, or starshift/weights in the user's data folder."""
    if folder := os.environ.get("STARSHIFT_WEIGHTS"):
        return Path(folder).expanduser()
    return user_data_folder() / "starshift" / "weights"


def folders() -> list[Path]:
    """Where weights files are looked for, in order: the product's own folder, then Keras's."""
    keras_homes = [os.environ.get("KERAS_HOME"), "~/.keras"]
    return [own_folder(), *(Path(home).expanduser() / "models" for home in keras_homes if home)]


def find(base: Base, path: Path | None = None) -> Path | None:
    """The weights file of a base on this machine, or None. A `path` is looked at alone: it was asked for."""
    candidates = [path] if path else [folder / base.weights_file for folder in folders()]
    if base.transformer and not path:
        candidates.append(_kaggle_folder() / "models" / _kaggle_handle(base) / Path(base.weights_file).name)
    return next((file for file in candidates if file.is_file()), None)


def at_hand(base: Base) -> bool:
    """Whether a base can be used now, without a download: its file is here, and what builds it is installed."""
    return _is_installed(base) and find(base) is not None


def require(base: Base) -> None:
    """Raises MissingExtra with its install line where what builds a base is not installed."""
    if not _is_installed(base):
        raise MissingExtra(
            f"{base.title} is built by KerasHub, which is not installed: pip install 'starshift[{HUB_EXTRA}]'"
        )


def obtain(base: Base, path: Path | None = None) -> Path:
    """The weights file of a base, downloaded where it is not on this machine and there is a network.

    Raises MissingWeights, naming the file, its size and its place, within seconds where there is none; MissingExtra
    where what builds the base is not installed.
    """
    require(base)
    if found := find(base, path):
        return found
    if path:
        raise MissingWeights(f"There is no weights file {path}.")
    if os.environ.get("STARSHIFT_OFFLINE", "0") not in ("", "0"):
        raise MissingWeights(missing_weights_sentence(base))
    return _download(base)


def missing_weights_sentence(base: Base) -> str:
    """Which file a base wants, how big it is, where to put it, and where to get it."""
    *folder, file = base.weights_file.split("/")
    return (
        f"{base.title} needs its weights: put {file} (about {base.weights_megabytes} MB, from "
        f"{base.weights_url}) into {own_folder().joinpath(*folder)}."
    )


def digest(file: Path) -> str:
    """SHA-256 of a file's bytes: 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def expect(file: Path, expected: str, base: Base) -> None:
    """Raises RunError where a file is not the one with which a model was made, by its SHA-256."""
    if (found := digest(file)) != expected:
        raise RunError(
            f"The weights at {file} are not those of {base.title} that this model was made with "
            f"(SHA-256 {found[:12]}… instead of {expected[:12]}…)."
        )


def read(file: Path, *, most_bytes: int = MOST_BYTES) -> Layers:
    """Read a weights-only Keras .h5 file: the layers that have weights, as arrays of finite numbers.

    Floats come as float32; a counter (a single integer, as Normalization keeps one) comes as it is.
    Raises RunError for anything else: not HDF5, a whole model, a link, storage outside the file, another
    dtype, NaN, or arrays of more than `most_bytes` in all.
    """
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            _refuse_whole_models(opened, file)
            if "layer_names" not in opened.attrs and "layer_names0" not in opened.attrs:
                raise _unreadable(file, "it has no list of layers, so that it is no Keras weights file")
            _refuse_strangers(opened, file)
            return _read_layers(opened, file, most_bytes)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:  # h5py's own, for broken files
        raise _unreadable(file, f"it is damaged or no Keras weights file ({error})") from error


def examine(file: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Look through a Keras 3 .weights.h5 file before Keras's own loader reads it, by names that it chooses itself.

    Raises RunError as `read` does, for everything but numbers that are not finite: no array is read.
    """
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            _refuse_whole_models(opened, file)
            arrays = _refuse_strangers(opened, file)
            for array in arrays:
                if array.dtype.kind not in "fiu":
                    raise _unreadable(file, f"{array.name} holds {array.dtype}, not numbers")
            _refuse_too_much(arrays, file, most_bytes)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:  # h5py's own, for broken files
        raise _unreadable(file, f"it is damaged or no Keras weights file ({error})") from error


def user_data_folder() -> Path:
    """Where a user's programs keep what cannot be computed again."""
    if sys.platform == "darwin":
        return Path("~/Library/Application Support").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()


def _is_installed(base: Base) -> bool:
    return base.transformer is None or find_spec(HUB_MODULE) is not None


def _kaggle_folder() -> Path:
    """Where Kaggle's loader keeps what it fetched."""
    return Path(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub").expanduser()


def _kaggle_handle(base: Base) -> str:
    """A preset's address for Kaggle's loader: "keras/dinov2/keras/dinov2_small/1"."""
    return base.weights_url.removeprefix(KAGGLE)


# --- downloading ---


def _download(base: Base) -> Path:
    """Fetch with the library's own loader; a half file is never found."""
    if not _answers(base.weights_url):
        raise MissingWeights(missing_weights_sentence(base) + " There is no network to fetch it now.")
    try:
        # The loaders talk on stdout, which belongs to results; they have no time limit of their own.
        with contextlib.redirect_stdout(sys.stderr), _socket_timeout(STALL_SECONDS):
            return _from_kaggle(base) if base.transformer else _from_keras(base)
    except Exception as error:  # the loaders raise a bare Exception for whatever the network did
        raise MissingWeights(f"{missing_weights_sentence(base)} Fetching it failed: {error}.") from error


def _from_keras(base: Base) -> Path:
    """Into a folder beside, then moved."""
    from keras.utils import get_file

    unfinished = own_folder() / "unfinished"
    unfinished.mkdir(parents=True, exist_ok=True)
    fetched = get_file(
        base.weights_file,
        origin=base.weights_url,
        cache_subdir=str(unfinished),
        file_hash=base.weights_hash or None,
        force_download=True,
    )
    target = own_folder() / base.weights_file
    os.replace(fetched, target)
    return target


def _from_kaggle(base: Base) -> Path:
    """The one file of a preset that is needed, into Kaggle's own cache; its configuration is not fetched."""
    import kagglehub

    return Path(kagglehub.model_download(_kaggle_handle(base), path=Path(base.weights_file).name))


def _answers(url: str) -> bool:
    """Whether the host of a URL, or the proxy before it, takes a connection within KNOCK_SECONDS.

    In a thread, because looking a name up has no time limit and can hang for half a minute.
    """
    address = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(address.scheme)
    if proxy and not urllib.request.proxy_bypass(address.hostname or ""):
        address = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = address.port or {"https": 443}.get(address.scheme, 80)
    answered = threading.Event()

    def knock() -> None:
        with contextlib.suppress(OSError), socket.create_connection((address.hostname, port), KNOCK_SECONDS):
            answered.set()

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(KNOCK_SECONDS)
    return answered.is_set()


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Generator[None, None, None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


# --- reading ---


def _unreadable(file: Path, reason: str) -> RunError:
    return RunError(f"The weights file {file} is refused: {reason}. Nothing was read from it.")


def _refuse_whole_models(opened: h5py.File, file: Path) -> None:
    if "model_config" in opened.attrs or "model_weights" in opened:
        raise _unreadable(file, "it holds a whole model; only weights without an architecture are read")


def _refuse_strangers(opened: h5py.File, file: Path) -> list[h5py.Dataset]:
    """Refuse links, storage outside the file and unreasonable structure anywhere, read or not. Returns all arrays."""
    import h5py

    arrays: list[h5py.Dataset] = []
    waiting: list[tuple[h5py.Group, int]] = [(opened, 0)]
    seen = 0
    while waiting:
        group, depth = waiting.pop()
        for name in group:
            seen += 1
            where = f"{group.name.rstrip('/')}/{name}"
            if seen > MOST_NAMES or depth > DEEPEST:
                raise _unreadable(file, f"it nests too deep or holds more than {MOST_NAMES:,} objects")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _unreadable(file, f"{where} is a link to somewhere else")
            member = group[name]
            if isinstance(member, h5py.Group):
                waiting.append((member, depth + 1))
            else:
                _refuse_strange_storage(member, where, file)
                arrays.append(member)
    return arrays


def _refuse_strange_storage(dataset: Any, where: str, file: Path) -> None:
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise _unreadable(file, f"{where} is no array")
    if dataset.external or dataset.is_virtual:
        raise _unreadable(file, f"{where} keeps its numbers in another file")
    plan = dataset.id.get_create_plist()
    filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
    # Other filters are plug-ins: shared libraries that HDF5 would load to read the file.
    if not filters <= {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}:
        raise _unreadable(file, f"{where} is packed with a filter that is not built in")


def _read_layers(opened: h5py.File, file: Path, most_bytes: int) -> Layers:
    plan = {layer: _datasets(opened, layer, file) for layer in _names(opened, "layer_names", file)}
    _refuse_too_much([dataset for found in plan.values() for dataset in found.values()], file, most_bytes)
    return {
        layer: {name: _array(dataset, file) for name, dataset in found.items()}
        for layer, found in plan.items()
        if found
    }


def _refuse_too_much(datasets: list[h5py.Dataset], file: Path, most_bytes: int) -> None:
    total = sum(dataset.size * dataset.dtype.itemsize for dataset in datasets)
    if total > most_bytes:
        raise _unreadable(file, f"it declares {total:,} bytes of numbers where {most_bytes:,} are the most")


def _datasets(opened: h5py.File, layer: str, file: Path) -> dict[str, h5py.Dataset]:
    """The arrays of one layer by name ("kernel", or "depthwise/kernel:0" in full where that is ambiguous)."""
    import h5py

    group = opened.get(layer)
    if not isinstance(group, h5py.Group):
        raise _unreadable(file, f"layer {layer!r} is listed but is not there")
    stored = _names(group, "weight_names", file)
    short = [name.rpartition("/")[2].removesuffix(":0") for name in stored]
    names = short if len(set(short)) == len(short) else stored
    found = {name: group.get(path) for name, path in zip(names, stored, strict=True)}
    for name, dataset in found.items():
        if not isinstance(dataset, h5py.Dataset):
            raise _unreadable(file, f"weight {name!r} of layer {layer!r} is listed but is not there")
        if not (dataset.dtype.kind == "f" or (dataset.dtype.kind in "iu" and dataset.size == 1)):
            raise _unreadable(file, f"weight {name!r} of layer {layer!r} holds {dataset.dtype}, not floats")
    return found


def _names(group: h5py.Group, attribute: str, file: Path) -> list[str]:
    """A list of names; Keras splits long ones into attributes with numbers behind (layer_names0, …)."""
    keys = [attribute] if attribute in group.attrs else []
    while not keys or keys[-1] != attribute:
        following = f"{attribute}{len(keys)}"
        if following not in group.attrs:
            break
        keys.append(following)
    names: list[str] = []
    for key in keys:
        shape = group.attrs.get_id(key).shape
        if len(shape) != 1 or len(names) + shape[0] > MOST_NAMES:
            raise _unreadable(file, f"{key} is no list of at most {MOST_NAMES:,} names")
        names += [_text(value, key, file) for value in group.attrs[key]]
    if len(set(names)) != len(names):
        raise _unreadable(file, f"{attribute} lists a name twice")
    return names


def _text(value: object, key: str, file: Path) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str) or not text or text.startswith("/") or ".." in text.split("/"):
        raise _unreadable(file, f"{key} lists something that is no name")
    return str(text)


def _array(dataset: h5py.Dataset, file: Path) -> np.ndarray[Any, Any]:
    import numpy as np

    array: np.ndarray[Any, Any] = dataset[()] if dataset.shape else np.asarray(dataset[()])
    if dataset.dtype.kind != "f":
        return array
    if not np.isfinite(array).all():
        raise _unreadable(file, f"{dataset.name} has numbers that are not finite")
    return array.astype(np.float32, copy=False)
