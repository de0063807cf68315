"""What all tests share: a cache of their own, no network, no weights unless asked for, and a tiny picture set."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before anything imports Keras, and for the processes that tests start as well.
_OWN = tempfile.TemporaryDirectory(prefix="starshift-tests-", ignore_cleanup_errors=True)
os.environ |= {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "STARSHIFT_CACHE": f"{_OWN.name}/cache",
    "STARSHIFT_WEIGHTS": f"{_OWN.name}/no-weights",
    "KERAS_HOME": f"{_OWN.name}/no-keras",
    "STARSHIFT_OFFLINE": "1",
}

import pytest  # noqa: E402

from discs import draw_set  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with pictures and weights that lies beside the repository, where there is one."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def weights_file(shared: Path) -> Path:
    """The published weights of MobileNetV2, where they are."""
    file = shared / "weights/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    if not file.is_file():
        pytest.skip(f"{file} is not on this machine")
    return file


@pytest.fixture
def weights_home(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """KERAS_HOME with published weights in it."""
    home = weights_file.parents[1]
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


@pytest.fixture
def tiny_pictures(tmp_path: Path) -> Path:
    """36 small pictures of 3 classes on disk, a copy of its own for each test."""
    return draw_set(tmp_path / "tiny")


@pytest.fixture(scope="session")
def finished_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures of `finished_run`; not to be changed."""
    return draw_set(tmp_path_factory.mktemp("session") / "tiny")


@pytest.fixture(scope="session")
def finished_run(finished_pictures: Path):
    """A run of baseline and convnet (the 28-pixel template) on `finished_pictures`; not to be changed."""
    import starshift
    from starshift.progress import Silent

    out = finished_pictures.parent / "run"
    return starshift.fit(finished_pictures, rungs="convnet", out=out, progress=Silent())
