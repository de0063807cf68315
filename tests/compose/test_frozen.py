from __future__ import annotations

import numpy as np
import pytest

from starshift.compose.frozen import FrozenBase, FrozenBases, Shrunk
from starshift.data.decode import Frame
from starshift.errors import MissingWeights, RunError, UsageError
from starshift.records import BaseReference

FRAME = Frame(32)


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def digests(count: int) -> list[str]:
    return [f"{i:064d}" for i in range(count)]


def never():
    raise AssertionError("pixels were asked for")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bases(weights_home, cache) -> FrozenBases:
    return FrozenBases.find(["mobilenet_v2"], FRAME, "f32", cache)


def test_a_base_is_known_by_the_digest_of_its_weights(bases, weights_file):
    (base,) = bases.bases
    assert base.reference.name == base.reference.spec == "mobilenet_v2"
    assert len(base.reference.digest) == 64
    assert base.base.title == "MobileNetV2"


def test_features_are_kept_and_not_computed_again(bases, cache, monkeypatch):
    found = bases.stored(digests(10), lambda: pixels(10))
    assert found.shape == (10, 1280) and found.dtype == np.float32
    assert bases.bases[0].is_converted
    again = FrozenBases.known([base.reference for base in bases.bases], FRAME, "f32", cache)
    np.testing.assert_array_equal(again.stored(digests(10), never), found)
    np.testing.assert_allclose(again.run(pixels(10)), found, atol=1e-4)


def test_bases_stand_side_by_side_in_the_order_named(weights_home, cache):
    one = FrozenBases.find(["mobilenet_v2"], FRAME, "f32", cache)
    twice = FrozenBases(one.bases * 2)
    found = twice.run(pixels(2))
    assert found.shape == (2, 2560)
    np.testing.assert_array_equal(found[:, :1280], found[:, 1280:])


def test_another_frame_precision_or_base_has_a_store_of_its_own(tmp_path):
    reference = BaseReference("mobilenet_v2", "0" * 64, "mobilenet_v2")
    stores = [
        FrozenBase(one, frame, precision, tmp_path).store.folder
        for one in (reference, BaseReference("mobilenet_v2", "1" * 64, "mobilenet_v2"))
        for frame in (FRAME, Frame(64), Frame(32, "crop"))
        for precision in ("f32", "bf16")
    ]
    assert len(set(stores)) == len(stores)


def test_other_cuts_and_maps_have_a_network_and_a_key_of_their_own(tmp_path):
    reference = BaseReference("mobilenet_v2", "0" * 64, "mobilenet_v2")
    seen = [
        FrozenBase(reference, FRAME, "f32", tmp_path, cuts, form)
        for cuts, form in (
            ((), "pooled"),
            (("block_2_add",), "pooled"),
            (("block_2_add", "top"), "pooled"),
            ((), "map"),
        )
    ]
    assert len({base.key for base in seen}) == len(seen)
    assert seen[0].shape == (1280,)


def test_a_base_looks_at_several_sizes_and_is_one_base(tmp_path):
    reference = BaseReference("mobilenet_v2", "0" * 64, "mobilenet_v2")
    found = FrozenBases.known([reference], Frame(48), "f32", tmp_path, sizes=(32, 48))
    (plain,) = FrozenBases.known([reference], Frame(48), "f32", tmp_path).bases
    smaller, larger = found.bases
    assert (smaller.size, larger.size) == (32, 48)
    assert found.references == (reference,)
    assert larger == plain  # what was computed at the size of the pictures is not computed again
    assert smaller.key == FrozenBase(reference, Frame(32), "f32", tmp_path).key  # one network, of whatever is shrunk
    assert smaller.store.folder != FrozenBase(reference, Frame(32), "f32", tmp_path).store.folder


def test_pictures_are_shrunk_between_their_nearest_pixels():
    pictures = np.zeros((3, 4, 4, 3), np.uint8)
    pictures[1, 1:3, 1:3] = 200
    shrunk = Shrunk(pictures, 2)
    assert len(shrunk) == 3
    found = shrunk[np.array([1, 0])]
    assert found.shape == (2, 2, 2, 3) and found.dtype == np.uint8
    assert (found[0] == 50).all() and not found[1].any()  # each of four pixels has a quarter of the bright ones


@pytest.mark.slow
def test_depths_and_maps_agree_with_the_pooled_base(bases, weights_home, cache):
    plain = bases.run(pixels(5))
    found = FrozenBases.find(["mobilenet_v2"], FRAME, "f32", cache, ("block_2_add", "top"))
    (base,) = found.bases
    assert base.widths == (24, 1280) and base.shape == (1304,)
    np.testing.assert_allclose(found.run(pixels(5))[:, 24:], plain, atol=1e-4)
    np.testing.assert_allclose(found.stored(digests(5), lambda: pixels(5))[:, 24:], plain, atol=1e-4)
    (unpooled,) = FrozenBases.find(["mobilenet_v2"], FRAME, "f32", cache, form="map").bases
    assert unpooled.shape == (1, 1, 1280) and unpooled.missing(digests(2)) == 2
    maps = FrozenBases((unpooled,)).stored(digests(5), lambda: pixels(5))
    np.testing.assert_allclose(maps, plain, rtol=1e-3, atol=1e-3)  # kept as float16


def test_every_missing_file_is_named_at_once(tmp_path):
    with pytest.raises(MissingWeights) as caught:
        FrozenBases.find(["mobilenet_v2", "mobilenet"], FRAME, "f32", tmp_path)
    assert [problem.split()[0] for problem in caught.value.problems] == ["MobileNetV2", "MobileNet"]


def test_a_base_that_is_not_catalogued_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"There is no base 'mobilnet'. Did you mean 'mobilenet'\?"):
        FrozenBases.find(["mobilnet"], FRAME, "f32", tmp_path)


def test_weights_that_differ_from_the_recorded_digest_are_refused_in_words(weights_home, tmp_path):
    reference = BaseReference("mobilenet_v2", "0" * 64, "mobilenet_v2")
    known = FrozenBases.known([reference], FRAME, "f32", tmp_path)
    with pytest.raises(RunError, match="are not those of MobileNetV2 that this model was made with") as caught:
        known.run(pixels(1))
    assert "instead of 000000000000…" in str(caught.value)


def test_a_known_base_that_was_never_converted_names_its_missing_weights(tmp_path):
    reference = BaseReference("mobilenet_v2", "0" * 64, "mobilenet_v2")
    with pytest.raises(MissingWeights, match="MobileNetV2 needs its weights: put "):
        FrozenBases.known([reference], FRAME, "f32", tmp_path).run(pixels(1))
