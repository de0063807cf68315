from __future__ import annotations

import numpy as np
import pytest

from starshift.findings.layout import _shares, _tsne, heaps, lay_out, main_components


def heaped(count: int = 200, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features that form a heap per class, and the classes."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    middles = rng.uniform(0, 6, (classes, 40))
    return np.abs(middles[targets] + rng.normal(0, 0.5, (count, 40))).astype(np.float32), targets


def neighbours_agree(places: np.ndarray, targets: np.ndarray, count: int = 10) -> float:
    distances = np.square(places[:, None] - places[None]).sum(axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1 : count + 1]
    return float((targets[nearest] == targets[:, None]).mean())


def test_like_pictures_lie_together_and_fill_the_map():
    features, targets = heaped()
    places = lay_out(features)
    assert places.shape == (200, 2) and places.dtype == np.float32
    assert places.min() == 0 and places.max() == 1
    assert neighbours_agree(places, targets) > 0.99


def test_the_same_features_lie_in_the_same_places():
    features, _ = heaped(60)
    assert np.array_equal(lay_out(features), lay_out(features))


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_very_few_pictures_lie_somewhere(count):
    features, _ = heaped(count)
    assert np.isfinite(lay_out(features)).all()


def test_pictures_without_any_difference_lie_somewhere():
    assert np.isfinite(lay_out(np.ones((50, 8), np.float32))).all()


def test_main_components_are_those_of_an_exact_decomposition():
    features, _ = heaped(80)
    roots = np.sqrt(features) - np.sqrt(features).mean(axis=0)
    scales = np.linalg.svd(roots, compute_uv=False)
    found = main_components(features, 3)
    assert np.linalg.norm(found, axis=0) == pytest.approx(scales[:3], rel=1e-3)


def test_neighbours_count_as_many_as_the_perplexity_says():
    rng = np.random.default_rng(0)
    shares = _shares(rng.uniform(0, 50, (20, 90)).astype(np.float32), 30.0)
    entropy = -(shares * np.log(shares)).sum(axis=1)
    assert np.exp(entropy) == pytest.approx(np.full(20, 30.0), rel=1e-3)
    assert shares.sum(axis=1) == pytest.approx(np.ones(20))


@pytest.mark.slow
def test_it_holds_neighbours_as_well_as_scikit_learn_does():
    from sklearn.manifold import TSNE, trustworthiness

    features, _ = heaped(100, classes=6)
    rows = main_components(features, 50)
    theirs = TSNE(init="pca", random_state=0, perplexity=30, method="exact", max_iter=500).fit_transform(rows)
    assert trustworthiness(rows, _tsne(rows)) > trustworthiness(rows, theirs) - 0.01


def test_heaps_are_named_by_the_class_that_leads_in_them():
    features, targets = heaped(200, classes=3)
    found = heaps(lay_out(features), targets)
    assert sorted({heap.target for heap in found}) == [0, 1, 2]
    assert all(heap.share > 0.95 for heap in found)
    assert sum(len(heap.members) for heap in found) > 190
    assert all(targets[heap.row] == heap.target and heap.row in heap.members for heap in found)


def test_neighbouring_heaps_of_one_class_are_one():
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.normal((0.3, 0.5), 0.05, (100, 2)), rng.normal((0.45, 0.5), 0.05, (100, 2))])
    both = heaps(np.clip(places, 0, 1), np.zeros(200, int))
    assert len(both) == 1 and len(both[0].members) == 200
    assert len(heaps(np.clip(places, 0, 1), np.repeat([0, 1], 100))) >= 2
