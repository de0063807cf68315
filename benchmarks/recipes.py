"""How often the same recipe is called better than itself: other seeds, same folds, same test.

Three data sets, three recipes with chance in them. Both contenders are the very same recipe with other seeds, so that
every gain or loss is a false one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.common import Options, dataset, main, table, workplace
from benchmarks.folds import SIZE
from starshift.evaluation.resampling import Comparison, Figure, Protocol, compare, draw
from starshift.models.classical import compress, discriminant, logistic, probabilities_of
from starshift.seeds import child

SETS = ("dogs-vs-cats", "caltech-101", "pacs")
TRIALS = 100
"""Per data set and recipe: 900 in all."""

PICTURES = 400
"""Drawn anew in each trial, so that trials differ in more than seeds."""

PROTOCOL = Protocol(2, 5)

Recipe = Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], np.ndarray]
"""(features to fit on, their classes, features to predict, number of classes, seed) → predicted classes."""


def bagged(x: np.ndarray, y: np.ndarray, held: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """A discriminant on a bootstrap sample that holds every class."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.arange(len(y)), rng.integers(len(y), size=len(y))])
    kernel, bias = discriminant(x[rows], y[rows], classes)
    return np.asarray(probabilities_of(held @ kernel + bias).argmax(axis=1))


def subspace(x: np.ndarray, y: np.ndarray, held: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """A discriminant on a random quarter of the features."""
    columns = np.random.default_rng(seed).permutation(x.shape[1])[: x.shape[1] // 4]
    kernel, bias = discriminant(x[:, columns], y, classes)
    return np.asarray(probabilities_of(held[:, columns] @ kernel + bias).argmax(axis=1))


def hidden(x: np.ndarray, y: np.ndarray, held: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """Logistic regression on 200 random hidden units: a dense network of which the last layer is trained."""
    weights = np.random.default_rng(seed).normal(size=(x.shape[1], 200)).astype(np.float32) / np.sqrt(x.shape[1])
    kernel, bias = logistic(np.maximum(x @ weights, 0), y, classes, 1e-2)
    return np.asarray(probabilities_of(np.maximum(held @ weights, 0) @ kernel + bias).argmax(axis=1))


RECIPES: dict[str, Recipe] = {"bagged": bagged, "random features": subspace, "random hidden units": hidden}


def measure(options: Options) -> str:
    """Share of false gains and losses for every data set and recipe."""
    rows, total, false = [], 0, 0
    for name in SETS:
        features, targets = _features(options, name)
        for recipe, fit in RECIPES.items():
            trials = 4 if options.quick else TRIALS
            outcomes = [_trial(features, targets, fit, child(0, name, recipe, trial)) for trial in range(trials)]
            gains, losses = outcomes.count("gain"), outcomes.count("loss")
            rows.append([name, recipe, trials, gains, losses])
            total, false = total + trials, false + gains + losses
    return table(
        ["data", "recipe", "trials", "called a gain", "called a loss"],
        rows,
        f"{false} of {total:,} comparisons of a recipe with itself were called a gain or a loss: {false / total:.1%}. "
        f"Each: {PICTURES} pictures drawn anew, {PROTOCOL}, corrected resampled t-test at 5 %.",
    )


def _features(options: Options, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Standardized features of a data set by MobileNetV2, float32 (N, F), and classes, int (N,)."""
    from starshift.compose.frozen import FrozenBases
    from starshift.data.decode import Frame
    from starshift.data.kinds import Wanted
    from starshift.data.labels import LabelFile
    from starshift.data.read import read
    from starshift.inference.network import best_precision

    folder = dataset(options, name)
    labels = LabelFile(folder / "labels.csv", "file", (Wanted("object"),)) if name == "pacs" else None
    with workplace(options) as place:
        cache = place / "cache"
        frame = Frame(SIZE)
        pictures = read(folder, labels=labels, frame=frame, cache=cache)
        bases = FrozenBases.find(("mobilenet_v2",), frame, best_precision(), cache)
        features = bases.stored(pictures.dataset.digests, lambda: pictures.pixels(frame))
    features = compress(features)
    return (features - features.mean(axis=0)) / (features.std(axis=0) + 0.1), pictures.dataset.encoded()


def _trial(features: np.ndarray, targets: np.ndarray, fit: Recipe, seed: int) -> str:
    rows = _drawn(targets, seed)
    x, y = features[rows], np.unique(targets[rows], return_inverse=True)[1]
    classes = int(y.max()) + 1
    difference, shares = [], []
    for repeat, fold, (fitted, held) in draw(y, PROTOCOL, seed=seed):
        first, second = (
            np.mean(fit(x[fitted], y[fitted], x[held], classes, child(seed, who, repeat, fold)) == y[held])
            for who in ("first", "second")
        )
        difference.append(float(first - second))
        shares.append(len(held) / len(fitted))
    comparison = Comparison("first", "second", tuple(difference), float(np.mean(shares)))
    return compare([comparison], len(rows), PROTOCOL, Figure(noun="picture"))[0].outcome


def _drawn(targets: np.ndarray, seed: int) -> Sequence[int]:
    """PICTURES of at most 20 classes, at least 10 of each."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(targets)
    classes = rng.permutation(np.flatnonzero(counts >= 10))[:20]
    each = max(10, PICTURES // len(classes))
    return np.concatenate([rng.permutation(np.flatnonzero(targets == label))[:each] for label in classes]).tolist()


if __name__ == "__main__":
    main(measure, __doc__)
