from __future__ import annotations

import numpy as np
import pytest

from starshift.evaluation.agreement import agreement
from starshift.records import Target

PATHS = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
PET = Target.of_classes(("cat", "dog"), "pet")


def two(*second: float) -> np.ndarray:
    probability = np.array(second)
    return np.stack([1 - probability, probability], axis=1)


def test_it_says_how_far_where_and_about_what():
    found = agreement([PET], PATHS, [two(0.1, 0.9, 0.4, 0.6)], [two(0.1, 0.9, 0.55, 0.6)])
    assert (found.n, found.same, found.path, found.differing) == (4, 0.75, "c.jpg", ("c.jpg",))
    assert found.largest == pytest.approx(0.15) and found.about in PET.classes


def test_labels_agree_where_every_one_does():
    marks = Target("marks", "multi-label", ("x", "y"))
    one, other = np.full((4, 2), 0.2), np.full((4, 2), 0.3)
    one[1, 1] = 0.9
    found = agreement([marks], PATHS, [one], [other])
    assert (found.same, found.path, found.about) == (0.75, "b.jpg", "y")


def test_numbers_differ_in_standard_deviations_and_have_no_answer_to_share():
    age = Target("age", "regression")
    theirs = np.array([10.0, 20.0, 30.0, 40.0])
    found = agreement([PET, age], PATHS, [two(0, 1, 0, 1), theirs + np.array([0, 0, 5, 0])], [two(0, 1, 0, 1), theirs])
    assert found.same == 1.0 and (found.path, found.about) == ("c.jpg", "age")
    assert found.largest == pytest.approx(5 / theirs.std())


def test_what_is_no_number_is_endlessly_far():
    found = agreement([PET], PATHS, [two(0.1, np.nan, 0.4, 0.6)], [two(0.1, 0.9, 0.4, 0.6)])
    assert found.largest == np.inf and found.path == "b.jpg"
