from __future__ import annotations

import numpy as np
import pytest

from starshift.augmentation import POLICIES, Augmentation
from starshift.errors import UsageError
from starshift.recipe import Stage
from starshift.training import feed
from starshift.training.losses import Objective
from tiny import telling

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
TARGETS = np.arange(12) % 3


def batches(stage: Stage, *, size: int = 8, mixing: bool = True, classes: int = 3, pixels=PIXELS):
    labels = feed.Labels((Objective(*telling(classes)),), (TARGETS % classes,))
    made = feed.training_batches(pixels, labels, np.arange(12), stage, size=size, mixing=mixing, seed=0)
    return list(made.epoch(0))


def test_without_augmentation_the_very_pixels_come_with_targets_for_the_head():
    for pixels, targets in batches(Stage(batch_size=5)):
        assert pixels.dtype == np.uint8 and pixels.shape[1:] == (8, 8, 3)
        assert targets.dtype == np.float32 and set(targets.sum(axis=1)) == {1}
    floats = batches(Stage(batch_size=12), pixels=PIXELS / 7)  # stored activations go the same way
    np.testing.assert_array_equal(np.sort(floats[0][0], axis=0), np.sort(PIXELS / 7, axis=0))


@pytest.mark.parametrize("classes", [2, 3])
def test_smoothing_spreads_a_share_over_all_classes(classes):
    [(_, targets)] = batches(Stage(batch_size=12, label_smoothing=0.3), classes=classes)
    expected = {0.15, 0.85} if classes == 2 else {0.1, 0.8}
    assert {round(float(value), 6) for value in targets.ravel()} == expected


def test_pictures_are_augmented_to_the_size_asked_for_and_the_same_again():
    stage = Stage(batch_size=4, augmentation=POLICIES["seeds"])
    first, again = batches(stage, size=6), batches(stage, size=6)
    assert [pixels.shape for pixels, _ in first] == [(4, 6, 6, 3)] * 3
    for (pixels, targets), (others, same) in zip(first, again, strict=True):
        np.testing.assert_array_equal(pixels, others)
        np.testing.assert_array_equal(targets, same)


def test_pictures_are_mixed_only_while_they_may_be():
    stage = Stage(batch_size=12, augmentation=Augmentation(mixup=1.0))
    assert not set(np.unique(batches(stage)[0][1])) <= {0.0, 1.0}
    assert set(np.unique(batches(stage, mixing=False)[0][1])) == {0.0, 1.0}


def test_sizes_share_the_epochs_equally():
    stage = Stage(epochs=7, sizes=(64, 96, 128))
    assert [feed.size_at(stage, epoch, 128) for epoch in range(7)] == [64, 64, 64, 96, 96, 128, 128]
    assert feed.size_at(Stage(), 3, 150) == 150


def test_shrinking_takes_means():
    halves = feed.shrunk(PIXELS, 4)
    means = PIXELS.reshape(12, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    assert np.abs(halves - means).max() <= 0.5
    assert feed.shrunk(PIXELS, 8) is PIXELS


def test_a_tenth_is_held_out_stratified_and_groups_stay_together():
    targets, indices = np.arange(300) % 3, np.arange(100, 300)
    groups = [[100 + i, 160 + i] for i in range(0, 60, 3)] + [[0, 100]]
    learning, deciding = feed.hold_out(indices, targets, groups, seed=1, noun="picture")
    assert sorted([*learning, *deciding]) == indices.tolist()
    assert 17 <= len(deciding) <= 23 and set(np.bincount(targets[deciding])) <= {6, 7, 8}
    for one, other in groups[:-1]:
        assert (one in deciding) == (other in deciding)


def test_too_few_to_hold_some_out_is_said():
    with pytest.raises(UsageError, match="patience holds out a tenth of the training pictures, and 3 are too few"):
        feed.hold_out(np.arange(3), np.zeros(3, int), [], seed=0, noun="picture")


def test_activations_are_mixed_with_their_targets_and_changed_in_no_other_way():
    rows = np.arange(12, dtype=np.float16)[:, None, None, None] * np.ones((1, 2, 2, 5), np.float16)
    stage = Stage(batch_size=12, augmentation=Augmentation(mixup=0.4))
    [(mixed, targets)] = batches(stage, size=2, pixels=rows)
    assert mixed.dtype == np.float16 and targets.dtype == np.float32
    assert (np.ptp(mixed.reshape(12, -1), axis=1) == 0).all()  # a row is one number still, between those of two rows
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert ((targets > 0).sum(axis=1) > 1).any()
    [(plain, whole)] = batches(stage, size=2, pixels=rows, mixing=False)
    assert set(plain[:, 0, 0, 0].tolist()) == set(range(12)) and set(whole.ravel()) == {0, 1}


def test_pictures_count_by_their_class_and_mixed_ones_in_proportion():
    weights = np.array([0.5, 1.0, 3.0], np.float32)
    targets = np.array([[1, 0, 0], [0, 0.25, 0.75]], np.float32)
    np.testing.assert_allclose(feed.counting(targets, weights, 0.0), [0.5, 2.5], rtol=1e-6)
    assert feed.counting(targets, None, 0.0) is None


@pytest.mark.parametrize("classes", [2, 3])
def test_what_smoothing_spread_does_not_change_what_a_picture_counts(classes):
    weights = np.arange(1, classes + 1, dtype=np.float32)
    [(_, targets)] = batches(Stage(batch_size=12, label_smoothing=0.3), classes=classes)
    [(_, plain)] = batches(Stage(batch_size=12), classes=classes)
    np.testing.assert_allclose(feed.counting(targets, weights, 0.3), feed.counting(plain, weights, 0.0), rtol=1e-5)
