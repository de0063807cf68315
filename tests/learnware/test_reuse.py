"""starshift.learnware.reuse: ways to reuse learnwares, scored on pictures that none of them was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.shelved import pictures
from starshift.evaluation.protocol import inner_folds
from starshift.learnware import reuse
from starshift.learnware.reuse import Trial
from starshift.models.classical import softmax

CLASSES = ("a", "b", "c", "d")


def trial(said=None, *, per_class=4, quality=0.0, noise=6.0):
    """quality: logits by which a learnware's answers are right on average, beside normal noise."""
    features, labels = pictures(CLASSES, per_class, seed=3)
    features = np.maximum(features + noise * np.random.default_rng(1).standard_normal(features.shape), 0)
    targets = np.array([CLASSES.index(label) for label in labels])
    if said is None:
        rng = np.random.default_rng(2)
        said = np.stack([quality * np.eye(4)[targets] + rng.standard_normal((len(targets), 4)) for _ in range(2)])
    folds = [inner_folds(targets, folds=4, seed=repeat) for repeat in range(2)]
    made = Trial(features.astype(np.float32), targets, 4, said, folds)
    made.run()
    return made


def test_every_way_is_scored_on_the_same_folds():
    ways = trial(quality=3.0).ways
    assert list(ways) == list(reuse.WAYS)
    for way in ways.values():
        assert way.held_out.shape == (2, 16, 4)
        assert np.abs(way.held_out.sum(axis=2) - 1).max() < 1e-5 and 0 <= way.accuracy <= 1


def test_a_learnware_that_knows_the_classes_beats_the_own_head():
    made = trial(quality=6.0)
    assert made.best.name != reuse.OWN
    assert made.best.loss < made.ways[reuse.OWN].loss - 0.2


def test_where_learnwares_know_nothing_the_own_head_is_kept():
    made = trial(quality=0.0, noise=0.5)
    assert made.best.name == reuse.OWN
    assert made.ways[reuse.DIRECT].loss > made.ways[reuse.OWN].loss


def test_without_learnwares_there_is_the_own_head_alone():
    assert list(trial(np.zeros((0, 16, 4))).ways) == [reuse.OWN]


def test_with_one_learnware_there_is_nothing_to_weigh():
    one = np.random.default_rng(0).standard_normal((1, 16, 4))
    assert list(trial(one).ways) == [reuse.OWN, reuse.DIRECT, reuse.POOL, reuse.PRIOR, reuse.BESIDE]


def test_a_class_of_one_picture_is_scored_by_nobody():
    """No fold holds it out, so that there is no answer for it that was not fitted on it."""
    features, labels = pictures(CLASSES, 4, seed=3)
    rows = [place for place, label in enumerate(labels) if label != "d" or place == 12]
    targets = np.array([CLASSES.index(labels[row]) for row in rows])
    folds = [inner_folds(targets, folds=4, seed=repeat) for repeat in range(2)]
    said = 6 * np.eye(4)[targets][None]
    said[0, -1] = [9, 0, 0, 0]  # wrong on the class of one picture
    made = Trial(features[rows], targets, 4, said, folds)
    made.run()
    assert made.tested.tolist() == list(range(12))
    assert made.ways[reuse.OWN].accuracy == made.ways[reuse.DIRECT].accuracy == 1.0 == made.own_accuracy
    assert made.ways[reuse.DIRECT].loss < 0.01


def test_a_prior_of_noise_is_no_better_than_without():
    """What the learnwares count is chosen anew without each fold, or noise would look like knowledge."""
    better = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        targets = np.arange(30) % 3
        features = np.abs(rng.standard_normal((30, 40))).astype(np.float32)
        folds = [inner_folds(targets, folds=5, seed=repeat) for repeat in range(2)]
        ways = Trial(features, targets, 3, rng.standard_normal((3, 30, 3)), folds).run()
        better.append(ways[reuse.OWN].loss - ways[reuse.PRIOR].loss)
    assert np.mean(better) < 0.01


def test_of_equal_ways_the_simpler_is_kept():
    made = trial(quality=6.0)
    least = min(way.loss for way in made.ways.values())
    simpler = [name for name in reuse.WAYS if made.ways[name].loss <= least + reuse.MARGIN]
    assert made.best.name == simpler[0]


def test_a_formula_says_on_all_pictures_what_was_fitted():
    made = trial(quality=3.0)
    for way in made.ways.values():
        given = softmax(way.formula.logits(made.features, made.said))
        assert given.shape == (16, 4)
        if way.name in (reuse.DIRECT, reuse.AVERAGE):  # they look at no picture, so that nothing is held out
            assert np.abs(given - way.held_out[0]).max() < 1e-5


def test_two_classes_have_logits_for_both():
    logits = np.array([[2.0], [-4.0]])
    assert np.allclose(np.diff(reuse.full(logits))[:, 0], logits[:, 0])
    assert reuse.full(np.ones((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("way", list(reuse.WAYS))
def test_every_way_has_its_words(way):
    assert reuse.WAYS[way] and not reuse.WAYS[way].endswith(".")
