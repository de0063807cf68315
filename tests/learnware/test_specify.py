from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import RunError, UsageError
from starshift.learnware import specify

SPACE = specify.space_of("mobilenet_v2", "ab" * 32, size=224, fit="stretch", features=1280)


def features(count: int, seed: int = 0, towards: float = 0.0) -> np.ndarray:
    """Made-up pooled features; those of different `towards` are of different things."""
    random = np.random.default_rng(seed)
    found = random.random((count, SPACE.features)) * (random.random((count, SPACE.features)) > 0.3)
    found[:, :200] += towards
    return found.astype(np.float32)


def specified(counts: dict[str, int], **options) -> specify.Specification:
    labels = [name for name, count in counts.items() for _ in range(count)]
    return specify.specify(features(len(labels)), labels, SPACE, **{"precision": "f32", **options})


def test_every_vector_has_length_1_and_does_not_depend_on_scale_or_on_others():
    rows = features(5)
    vectors = specify.embed(rows, SPACE)
    assert vectors.shape == (5, SPACE.dimensions) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(specify.embed(3 * rows[2:3], SPACE), vectors[2:3], atol=1e-5)
    assert np.isfinite(specify.embed(np.zeros((1, SPACE.features), np.float32), SPACE)).all()


def test_products_of_vectors_are_the_gaussian_kernel():
    rows = features(40)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    squared = ((unit[:, None] - unit[None]) ** 2).sum(axis=2)
    vectors = specify.embed(rows, SPACE)
    np.testing.assert_allclose(vectors @ vectors.T, np.exp(-squared / (2 * SPACE.bandwidth**2)), atol=0.08)


def test_the_space_is_drawn_alike_on_every_machine():
    drawn = specify.frequencies_of(SPACE)
    assert drawn.shape == (1280, 320)
    np.testing.assert_allclose(drawn[:2, :2], FIRST, atol=1e-5)
    products = drawn.T @ drawn
    np.testing.assert_allclose(products - np.diag(np.diag(products)), 0, atol=1e-2)


FIRST = np.array([[1.121379, 0.505294], [2.136545, 0.61729]])
"""As they were drawn when specifications were first made: others would be another space."""


def test_features_of_another_base_are_refused():
    with pytest.raises(UsageError, match=r"The space of mobilenet_v2 takes 1,280 features; 512 came\."):
        specify.embed(np.zeros((2, 512), np.float32), SPACE)


def test_a_specification_comes_back_from_its_file_and_is_small():
    made = specified({f"class {number}": 12 for number in range(10)})
    content = specify.write(made)
    assert len(content) <= 16 * 1024
    read = specify.read(content)
    assert read.record == made.record and read.marginal.dtype == np.float16
    np.testing.assert_array_equal(read.means, made.means)
    np.testing.assert_array_equal(read.counts, [12] * 10)


def test_classes_of_few_pictures_are_told_together():
    made = specified({"a": 30, "b": 6, "c": 7, "d": 12})
    assert [(cell.classes, cell.count) for cell in made.record.cells] == [
        (("a",), 30),
        (("d",), 12),
        (("b", "c"), 13),
    ]


def test_a_small_cell_takes_in_the_next_larger_class_so_that_nothing_is_left_over():
    made = specified({"a": 30, "b": 3, "c": 12})
    assert [(cell.classes, cell.count) for cell in made.record.cells] == [(("a",), 30), (("b", "c"), 15)]
    made = specified({"a": 9, "b": 3})
    assert [(cell.classes, cell.count) for cell in made.record.cells] == [(("a", "b"), 12)]


def test_what_stays_on_this_machine_may_have_small_cells():
    made = specified({"a": 4, "b": 1}, min_cell=1)
    assert made.counts.tolist() == [4, 1]


def test_too_few_pictures_are_refused():
    with pytest.raises(UsageError, match="9 pictures are too few for a specification, which would tell each of them"):
        specified({"a": 9})
    with pytest.raises(UsageError, match="0 pictures are too few"):
        specified({}, min_cell=1)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 12))
def test_cells_hold_every_class_once_and_enough_pictures(counts, min_cell):
    labels = [name for name, count in counts.items() for _ in range(count)]
    cells = specify._cells(labels, min_cell)
    assert sorted(name for cell in cells for name in cell.classes) == sorted(counts)
    assert all(cell.count == sum(counts[name] for name in cell.classes) for cell in cells)
    if len(labels) >= min_cell:
        assert all(cell.count >= min_cell for cell in cells)


# --- comparing ---


def test_sets_of_the_same_things_are_nearer_than_of_others():
    one, same = (specify.embed(features(50, seed), SPACE).mean(axis=0) for seed in (1, 2))
    other = specify.embed(features(50, 3, towards=1.0), SPACE).mean(axis=0)
    found = specify.squared_distances([one], [50], [same, other], [50, 50])
    assert found.shape == (1, 2) and abs(found[0, 0]) < 0.01 < found[0, 1]


def test_the_unbiased_distance_is_that_of_different_pictures():
    ours, theirs = specify.embed(features(6, 1), SPACE), specify.embed(features(9, 2), SPACE)
    own = (ours @ ours.T).sum() - len(ours)
    other = (theirs @ theirs.T).sum() - len(theirs)
    expected = own / (6 * 5) + other / (9 * 8) - 2 * (ours @ theirs.T).mean()
    found = specify.squared_distances([ours.mean(axis=0)], [6], [theirs.mean(axis=0)], [9])
    np.testing.assert_allclose(found, [[expected]], atol=1e-5)
    biased = specify.squared_distances([ours.mean(axis=0)], [6], [theirs.mean(axis=0)], [9], unbiased=False)
    np.testing.assert_allclose(biased, [[((ours.mean(axis=0) - theirs.mean(axis=0)) ** 2).sum()]], atol=1e-5)
    assert biased > found


def test_a_single_picture_keeps_its_bias():
    one = specify.embed(features(1), SPACE)
    assert specify.squared_distances(one, [1], one, [1])[0, 0] == pytest.approx(0, abs=1e-5)


# --- privacy ---


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 5.0, 50.0])
def test_the_noise_is_just_enough(epsilon):
    """Against the definition, by integrating the excess of one density over e^ε times the other."""
    sensitivity, delta = 0.01, 1e-5
    sigma = specify.gaussian_sigma(epsilon, delta, sensitivity)
    x = np.linspace(-12 * sigma, 12 * sigma + sensitivity, 400_001)
    near, far = (np.exp(-(((x - m) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi)) for m in (sensitivity, 0))
    spent = np.trapezoid(np.maximum(near - math.exp(epsilon) * far, 0), x)
    assert spent == pytest.approx(delta, rel=0.02)


def test_a_private_specification_tells_the_marginal_alone_and_never_the_same_twice():
    one, two = (specified({"a": 50, "b": 50}, epsilon=1.0) for _ in range(2))
    assert one.record.privacy.epsilon == 1.0 and one.record.privacy.delta == 1e-5
    assert one.record.cells == () and one.means.shape == (0, SPACE.dimensions)
    assert not np.array_equal(one.marginal, two.marginal)
    assert specify.read(specify.write(one)).record == one.record
    exact = specified({"a": 50, "b": 50})
    expected = one.record.privacy.sigma * math.sqrt(SPACE.dimensions)
    distance = np.linalg.norm(one.marginal.astype(np.float32) - exact.marginal.astype(np.float32))
    assert distance == pytest.approx(expected, rel=0.2) or np.linalg.norm(one.marginal.astype(np.float32)) < 1.001


@pytest.mark.parametrize(("epsilon", "delta"), [(0, 1e-5), (-1, 1e-5), (math.inf, 1e-5), (1, 0), (1, 1)])
def test_a_privacy_that_is_none_is_refused(epsilon, delta):
    with pytest.raises(UsageError, match="Privacy takes an ε above 0 and a δ between 0 and 1"):
        specified({"a": 20}, epsilon=epsilon, delta=delta)


# --- what strangers may have written ---


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_as_it_was_or_refused(data):
    content = bytearray(specify.write(specified({"a": 12, "b": 15})))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = specify.read(bytes(content))
    except RunError:
        return
    assert np.isfinite(found.means).all() and found.record.space.dimensions == found.means.shape[1]
