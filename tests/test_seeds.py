from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.seeds import child


def test_a_child_is_the_same_everywhere_and_forever():
    assert child(0) == 1751011464
    assert child(0, "split") == 71366183
    assert child(7, "convnet", "augment", 3) == 1024671804


def test_names_and_order_matter():
    seeds = {child(0), child(1), child(0, "a"), child(0, "a", "b"), child(0, "b", "a"), child(0, "ab")}
    assert len(seeds) == 6
    assert child(0, 1) != child(0, "1")


def test_neighbours_do_not_share_children():
    assert not {child(0, i) for i in range(100)} & {child(1, i) for i in range(100)}


def test_integers_of_numpy_are_integers():
    assert child(np.int64(3), np.int32(2)) == child(3, 2)


def test_other_names_are_refused():
    with pytest.raises(TypeError):
        child(0, 1.5)


@given(st.integers(), st.lists(st.text() | st.integers()))
def test_every_child_suits_every_library(seed, names):
    assert 0 <= child(seed, *names) < 2**31
