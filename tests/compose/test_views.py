from __future__ import annotations

import numpy as np

from starshift.augmentation import POLICIES
from starshift.compose.views import PLAIN, Views

DIGESTS = [f"{number:064d}" for number in range(5)]


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def test_a_view_depends_on_picture_policy_and_number_alone():
    views = Views(pictures, DIGESTS, POLICIES["crops"], 3)
    assert len(views) == len(views.names) == len(set(views.names)) == 15
    whole = views[np.arange(15)]
    assert whole.shape == (15, 16, 16, 3) and whole.dtype == np.uint8
    np.testing.assert_array_equal(views[np.array([7, 2])], whole[[7, 2]])
    # The second and third picture alone, and more views of them: what was there is the same.
    some = Views(lambda: pictures()[1:3], DIGESTS[1:3], POLICIES["crops"], 4)
    np.testing.assert_array_equal(some[np.array([0, 3])], whole[[1, 7]])
    assert [some.names[0], some.names[3]] == [views.names[1], views.names[7]]


def test_views_of_a_picture_differ_from_each_other_and_from_it():
    views = Views(pictures, DIGESTS, POLICIES["crops"], 2)[np.array([0, 5])]
    assert not np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], pictures()[0])


def test_plain_views_are_the_pictures_under_one_name():
    views = Views(pictures, DIGESTS, PLAIN, 2)
    np.testing.assert_array_equal(views[np.arange(10)], np.concatenate([pictures(), pictures()]))
    assert views.names[:5] == views.names[5:]
    assert not set(views.names) & set(Views(pictures, DIGESTS, POLICIES["flip"]).names)


def test_pictures_are_asked_for_only_when_a_view_is():
    def never():
        raise AssertionError("pictures were asked for")

    views = Views(never, DIGESTS, POLICIES["flip"], 2)
    assert len(views) == 10 and views.names
