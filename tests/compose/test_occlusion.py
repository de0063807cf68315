"""Occlusion, on models whose every reason is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.compose.occlusion import COARSE, FINE, Occluded, answered, evidence, named, occlusion, patches
from starshift.errors import UsageError
from starshift.records import Target

CLASSES = Target.of_classes(["cat", "dog"])
NUMBER = Target("age", "regression")
LABELS = Target("tags", "multi-label", ("red", "round", "wet"))
SIDE = 32


@dataclass
class Corner:
    """A model that looks at the upper left corner alone: the brighter that is, the more it is a dog."""

    targets: tuple[Target, ...] = (CLASSES,)

    def __call__(self, pixels, progress=None):
        seen = pixels[np.arange(len(pixels))][:, :8, :8].mean(axis=(1, 2, 3)) / 32 - 4
        if self.targets[0].is_number:
            return seen
        dog = 1 / (1 + np.exp(-seen))
        return np.stack([1 - dog, dog], axis=1).astype(np.float32)


def bright_corner() -> np.ndarray:
    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture[:8, :8] = 220
    return picture


@pytest.mark.parametrize("scales", [COARSE, FINE])
def test_what_looks_at_a_corner_is_explained_by_the_corner(scales):
    found = occlusion(Corner(), bright_corner(), 1, scales)
    assert found.dtype == np.float32 and found.shape == (SIDE, SIDE)
    assert np.unravel_index(found.argmax(), found.shape) < (8, 8)
    assert found[:8, :8].min() > 0.5
    assert not found[12:].any() and not found[:, 12:].any()


def test_a_part_that_speaks_against_an_answer_is_below_zero():
    found = occlusion(Corner(), bright_corner(), 0)
    np.testing.assert_allclose(found, -occlusion(Corner(), bright_corner(), 1), atol=1e-5)
    assert found.min() < -0.5 and found.max() <= 1e-6


def test_the_unit_is_log_odds_and_a_numbers_own():
    """With the whole corner hidden in the mean colour, the evidence falls by what the corner's brightness was worth."""
    picture = bright_corner()
    lost = (220 - round(picture.mean())) / 32
    for target, output in ((CLASSES, 1), (NUMBER, 0)):
        found = occlusion(Corner((target,)), picture, output, COARSE)
        assert found[0, 0] == pytest.approx(lost, rel=0.02)


def test_log_odds_stay_finite_where_a_model_is_certain():
    answers = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(evidence(CLASSES, answers, 1), [np.log(1e7), -np.log(1e7), 0])


def test_evidence_of_more_classes_and_of_labels_is_that_of_one_against_the_rest():
    three = Target.of_classes(["a", "b", "c"])
    assert evidence(three, np.array([[0.2, 0.5, 0.3]]), 0)[0] == pytest.approx(np.log(0.2 / 0.8))
    assert evidence(LABELS, np.array([[0.9, 0.9, 0.2]]), 2)[0] == pytest.approx(np.log(0.2 / 0.8))


def test_strings_are_refused_in_words():
    with pytest.raises(UsageError, match="'plate' is a string, which is read letter by letter"):
        evidence(Target("plate", "string", ("a", "b")), np.array([["ab", 1.0]], dtype=object), 0)


def test_what_is_explained_is_the_answer():
    assert answered(CLASSES, np.array([0.2, 0.8])) == 1 and named(CLASSES, 1) == "dog"
    assert answered(LABELS, np.array([0.6, 0.8, 0.1])) == 1 and named(LABELS, 1) == "round"
    assert answered(NUMBER, np.float64(7)) == 0 and named(NUMBER, 0) == "age"


@given(st.integers(1, 70), st.integers(1, 9))
def test_patches_reach_every_pixel_and_stay_inside(size, parts):
    covered = np.zeros((size, size), int)
    for patch in patches(size, parts):
        rows, columns = patch.inside
        assert 0 <= rows.start < rows.stop <= size and 0 <= columns.start < columns.stop <= size
        covered[patch.inside] += 1
    assert covered.min() >= 1


def test_the_picture_comes_first_as_it_is_and_is_never_changed():
    picture = bright_corner()
    kept = picture.copy()
    hidden = Occluded(picture, patches(SIDE, 4))
    assert len(hidden) == 50
    np.testing.assert_array_equal(hidden[0:1][0], kept)
    some = hidden[np.arange(len(hidden))]
    assert some.dtype == np.uint8 and some.shape == (50, SIDE, SIDE, 3)
    np.testing.assert_array_equal(some[7], hidden[np.array([7])][0])
    assert (some[1][:8, :8] == round(kept.mean())).all() and (some[1][8:] == kept[8:]).all()
    np.testing.assert_array_equal(picture, kept)
