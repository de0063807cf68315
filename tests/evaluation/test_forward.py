from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import DataError
from starshift.evaluation.forward import forward_folds


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 30)), min_size=8, max_size=80), st.integers(2, 6))
def test_nothing_is_fitted_on_what_comes_after_the_pictures_it_is_tested_by(pictures, folds):
    targets, order = (np.array(column) for column in zip(*pictures, strict=True))
    try:
        pairs = forward_folds(targets, order, folds=folds)
    except DataError:
        return
    for fitted, held in pairs:
        assert order[fitted].max() < order[held].min()
        assert set(targets[fitted]) == set(targets)


def test_folds_grow_and_together_test_all_but_the_earliest_block():
    pairs = forward_folds(np.tile([0, 1], 30), np.arange(60), folds=5)
    assert [len(fitted) for fitted, _ in pairs] == [10, 20, 30, 40, 50]
    assert np.concatenate([held for _, held in pairs]).tolist() == list(range(10, 60))


def test_a_group_waits_for_the_latest_of_its_pictures():
    pairs = forward_folds(np.tile([0, 1], 30), np.arange(60), folds=5, groups=[[2, 45]])
    with_both = [held for _, held in pairs if 45 in held]
    assert all(2 in held for held in with_both)
    assert all(2 not in fitted for fitted, held in pairs if held.max() <= 45)


def test_folds_before_which_a_class_was_never_seen_are_left_out():
    targets = np.array([0] * 30 + [1] * 30)
    pairs = forward_folds(targets, np.arange(60), folds=5)
    assert len(pairs) == 2
    with pytest.raises(DataError, match=r"60 examples cannot be cut into 5 folds in time: before each of them a class"):
        forward_folds(np.array([0] * 59 + [1]), np.arange(60), folds=5)
