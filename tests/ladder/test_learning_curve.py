from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from starshift.errors import DataError
from starshift.ladder.learning_curve import Task, head_of, measure, nested
from starshift.progress import Silent

COUNT = 200


def task(*, rotated: bool = True, count: int = COUNT, groups=(), classes: int = 2) -> Task:
    """Features that say nothing; the heads below do not look at them."""
    rows = np.arange(count)
    held = rows % 4 == 3
    return Task(np.zeros((count, 1), np.float32), rows % classes, classes, rows[~held], rows[held], groups, rotated, 0)


class Heads:
    """Stands in for the fit of heads: remembers what it was given, and always answers the second class."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.groups: list[list[list[int]]] = []

    def __call__(self, features, targets, classes, groups, seed):
        assert set(targets) == set(range(classes)), "every class is there"
        self.sizes.append(len(targets))
        self.groups.append([sorted(group) for group in groups])
        return np.zeros((features.shape[1], 1), np.float32), np.ones(1, np.float32)


def test_every_picture_outside_the_test_part_is_tested_once_at_each_size():
    heads, curve = Heads(), task()
    found = measure(curve, heads, Silent())
    assert len(curve.folds) == 4 and found.sizes[-1] == 150
    assert found.wrong.shape == (2, 6, COUNT) and np.bincount(found.folds).tolist() == [50] * 4
    np.testing.assert_array_equal(found.wrong[1, 3], found.targets == 0)
    # The largest subset is the same in every repetition, and is fitted on once.
    assert len(heads.sizes) == 4 * (5 * 2 + 1) and heads.sizes.count(150) == 4


def test_a_given_validation_part_alone_is_tested():
    heads, curve = Heads(), task(rotated=False)
    found = measure(curve, heads, Silent())
    assert found.wrong.shape == (6, 6, 50) and set(found.folds) == {0}
    np.testing.assert_array_equal(found.targets, curve.targets[curve.validation])


def test_subsets_lie_within_each_other_and_have_every_class_in_its_share():
    curve = task(count=400, classes=4)
    train, _ = curve.folds[0]
    subsets = nested(curve, train, seed=5)
    assert [len(rows) for rows in subsets] == [*curve.sizes[:-1], len(train)]
    for small, large in pairwise(subsets):
        assert set(small) < set(large)
    for rows in subsets:
        counts = np.bincount(curve.targets[rows])
        assert counts.max() - counts.min() <= 2
    assert set(nested(curve, train, seed=6)[0]) != set(subsets[0])


def test_groups_are_never_torn_apart():
    groups = [[row, row + 2] for row in range(0, 120, 4)]
    heads, curve = Heads(), task(groups=groups)
    for train, held in curve.folds:
        assert not any(len({row in held for row in group}) > 1 for group in groups)
        for rows in nested(curve, train, seed=1):
            inside = [{row in rows for row in group} for group in groups if group[0] in train]
            assert all(len(found) == 1 for found in inside)
    measure(curve, heads, Silent())
    assert max(map(len, heads.groups)) > 10, "the inner folds are told of them"


def test_too_few_pictures_are_refused():
    with pytest.raises(DataError, match="that takes 80 training pictures; there are 45"):
        _ = task(count=60).sizes


def test_the_head_is_that_of_the_rung_and_learns():
    rng = np.random.default_rng(0)
    targets = np.arange(60) % 3
    features = (rng.standard_normal((60, 5)) + 4 * np.eye(5)[targets]).astype(np.float32)
    kernel, bias = head_of({"strengths": (1e-2,)})(features, targets, 3, (), 0)
    assert kernel.shape == (5, 3) and bias.shape == (3,)
    balanced, _ = head_of({"strengths": (1e-2,), "balance": True})(features[:50], targets[:50], 3, (), 0)
    plain, _ = head_of({"strengths": (1e-2,)})(features[:50], targets[:50], 3, (), 0)
    assert not np.array_equal(balanced, plain)
