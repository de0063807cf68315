from __future__ import annotations

import numpy as np
import pytest

from starshift.augmentation import POLICIES
from starshift.compose.finetuned import Mirrored, Trunk, averaged
from starshift.compose.frozen import FrozenBase
from starshift.compose.views import PLAIN, Views
from starshift.data.decode import Frame
from starshift.models import opened, pretrained
from starshift.models.classical import probabilities_of

DIGESTS = [f"{number:064d}" for number in range(6)]


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def never():
    raise AssertionError("pictures were asked for")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def trunk(weights_home, cache) -> Trunk:
    return Trunk(FrozenBase.find("mobilenet_v2", Frame(32), "f32", cache), "block_12_add")


def test_activations_are_those_of_keras_and_computed_once(trunk, cache):
    views = Views(pictures, DIGESTS)
    trunk.keep(views)
    assert trunk.is_converted and trunk.missing(views.names) == 0
    rows = trunk.store.rows(views.names)
    assert rows.shape == (6, 2, 2, 96) and rows.dtype == np.float16
    base = trunk.base
    network = opened.trunk(pretrained.build(base.base, base.own_weights(), size=32), trunk.cut)
    np.testing.assert_allclose(rows, np.asarray(network(pictures().astype(np.float32))), atol=0.02)

    again = Trunk(FrozenBase.find("mobilenet_v2", Frame(32), "f32", cache), "block_12_add")
    again.keep(Views(never, DIGESTS))


def test_views_cuts_and_bases_have_rows_of_their_own(trunk):
    flipped = Views(pictures, DIGESTS, POLICIES["flip"], 2)
    assert trunk.missing(flipped.names) == 12
    trunk.keep(flipped)
    assert trunk.missing(Views(never, DIGESTS, POLICIES["flip"], 3).names) == 6
    other = Trunk(trunk.base, "block_13_project_BN")
    assert other.key != trunk.key
    assert not other.is_converted and other.missing(flipped.names) == 12


def test_activations_beyond_float16_are_stored_as_its_largest(trunk, monkeypatch):
    monkeypatch.setattr(
        trunk.network, "run", lambda pixels: np.full((len(pixels), *trunk.network.shape), 1e9, np.float32)
    )
    views = Views(pictures, ["f" * 64, *DIGESTS[1:]], PLAIN)
    trunk.keep(views)
    assert float(trunk.store.rows(views.names[:1])[0].max()) == np.finfo(np.float16).max


def test_mirrored_pictures_have_left_and_right_exchanged():
    mirrored = Mirrored(pictures())
    assert len(mirrored) == 6
    np.testing.assert_array_equal(mirrored[np.array([1, 4])], pictures()[[1, 4]][:, :, ::-1])
    np.testing.assert_array_equal(mirrored[0:1], pictures()[0:1, :, ::-1])


def test_answers_are_averaged_as_logits():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 7, 4))
    found = averaged(probabilities_of(first), probabilities_of(second))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, probabilities_of((first + second) / 2), atol=1e-5)
    sure = averaged(np.array([[0, 1]], np.float32), np.array([[1, 0]], np.float32))
    np.testing.assert_allclose(sure, [[0.5, 0.5]])
