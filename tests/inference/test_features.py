from __future__ import annotations

import numpy as np
import pytest

from starshift.data.cache import RowStore
from starshift.inference.features import KEPT_AT_ONCE as BATCH
from starshift.inference.features import fill


def compute(network, pixels, digests, store, progress=None):
    """What the store holds of pictures, once it was filled."""
    fill(network, pixels, digests, store, progress)
    return np.asarray(store.rows(digests))


class Sums:
    """A network whose features are sums of pixels; counts what it was asked."""

    def __init__(self) -> None:
        self.pictures = 0

    def run(self, pixels: np.ndarray) -> np.ndarray:
        assert 1 <= len(pixels) <= BATCH
        self.pictures += len(pixels)
        return pixels.reshape(len(pixels), -1, 3).sum(axis=1).astype(np.float32)


def digest(name: str) -> str:
    return name.encode().hex().rjust(64, "0")


def pixels(count: int) -> np.ndarray:
    return np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)


@pytest.fixture
def store(tmp_path):
    return RowStore(tmp_path, "features", {"network": "sums"}, shape=(3,), dtype=np.float32)


def never():
    raise AssertionError("opened although nothing was missing")


def expected(count: int) -> np.ndarray:
    return pixels(count).reshape(count, 4, 3).sum(axis=1).astype(np.float32)


@pytest.mark.parametrize("count", [1, BATCH, 2 * BATCH + 3])
def test_the_second_time_neither_network_nor_pixels_are_opened(store, count):
    digests = [digest(str(i)) for i in range(count)]
    found = compute(Sums, lambda: pixels(count), digests, store)
    np.testing.assert_array_equal(found, expected(count))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(compute(never, never, digests, store), found)


def test_only_what_is_missing_is_computed(store):
    digests = [digest(str(i)) for i in range(20)]
    compute(Sums, lambda: pixels(12), digests[:12], store)
    network = Sums()
    np.testing.assert_array_equal(compute(lambda: network, lambda: pixels(20), digests, store), expected(20))
    assert network.pictures == 8


def test_copies_of_a_picture_are_computed_once(store):
    network = Sums()
    digests = [digest("a"), digest("b"), digest("a")]
    stack = pixels(3)
    stack[2] = stack[0]
    found = compute(lambda: network, lambda: stack, digests, store)
    assert network.pictures == 2
    np.testing.assert_array_equal(found[0], found[2])


def test_progress_counts_what_is_computed(store):
    seen = []
    digests = [digest(str(i)) for i in range(BATCH + 1)]
    compute(Sums, lambda: pixels(BATCH + 1), digests, store, lambda *done: seen.append(done))
    assert seen == [(BATCH, BATCH + 1), (BATCH + 1, BATCH + 1)]


def test_a_stop_in_the_middle_leaves_a_store_that_goes_on(store):
    def stop(done, total):
        raise KeyboardInterrupt

    digests = [digest(str(i)) for i in range(2 * BATCH)]
    with pytest.raises(KeyboardInterrupt):
        compute(Sums, lambda: pixels(2 * BATCH), digests, store, stop)
    np.testing.assert_array_equal(compute(Sums, lambda: pixels(2 * BATCH), digests, store), expected(2 * BATCH))
