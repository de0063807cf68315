"""Accuracy on caltech-101: the product's own `features` rung against plain logistic regression, on the same splits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import cast

import numpy as np

from benchmarks.common import Options, dataset, frozen_features, main, table, timed, workplace


@dataclass
class Results:
    """What one contender reached, one entry per split."""

    accuracy: list[float] = field(default_factory=list)
    log_loss: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def measure(options: Options) -> str:
    """Folds of 80 %, then few pictures per class, each with both contenders."""
    photos = dataset(options, "caltech-101")
    with workplace(options) as place:
        return _measure(options, photos, place / "cache")


def _measure(options: Options, photos: Path, cache: Path) -> str:
    from starshift.data.decode import Frame
    from starshift.data.read import read

    pictures = read(photos, frame=Frame(224), cache=cache)
    targets = pictures.dataset.encoded()
    tasks = {
        "5 folds, 80 % to train on": list(_folds(targets, 1 if options.quick else 5)),
        "10 per class to train on": list(_few(targets, 10, 1 if options.quick else 5)),
        "5 per class to train on": list(_few(targets, 5, 1 if options.quick else 5)),
    }
    rows = []
    plain = _Plain(pictures, cache)
    for task, splits in tasks.items():
        ours, theirs = Results(), Results()
        for train, held in splits:
            _ours(pictures, cache, targets, train, held, ours)
            plain.fit(targets, train, held, theirs)
        for name, found in (("starshift, `features`", ours), ("scikit-learn, MobileNetV2 features", theirs)):
            rows.append(_row(task, name, found))
            print(*rows[-1], flush=True)
    return table(
        ["task", "contender", "splits", "accuracy (range)", "log loss", "seconds per head"],
        rows,
        f"{len(targets):,} pictures of {targets.max() + 1} classes; scored on all pictures that were not trained on. "
        "Means over the splits; seconds are medians, features are computed before.",
        "scikit-learn: `make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))` on the features of the same "
        "network in the same precision.",
        "Run with --quick: one split per task." if options.quick else "",
    )


def _folds(targets: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from starshift.evaluation.protocol import inner_folds

    return iter(inner_folds(targets, folds=5, seed=0)[:count])


def _few(targets: np.ndarray, per_class: int, draws: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(targets))
        train = np.concatenate([order[targets[order] == label][:per_class] for label in range(targets.max() + 1)])
        yield np.sort(train), np.setdiff1d(np.arange(len(targets)), train)


def _ours(pictures, cache: Path, targets: np.ndarray, train: np.ndarray, held: np.ndarray, found: Results) -> None:
    """The rung as `starshift fit` climbs it, inner folds and all."""
    from starshift.compose.predictor import Predictor
    from starshift.data.decode import Frame
    from starshift.ladder import frozen
    from starshift.ladder.answering import predict_part
    from starshift.ladder.materials import Materials
    from starshift.ladder.options import Options as RungOptions
    from starshift.ladder.paces import Paces
    from starshift.ladder.rungs import RUNGS
    from starshift.progress import Silent
    from starshift.records import Predictions, Split

    split = Split(tuple(train.tolist()), tuple(held.tolist()), (), "benchmark")
    materials = Materials(pictures, split, (), 0, cache, Paces(cache), Silent())
    recipe = RUNGS["features"].recipe(RungOptions(), pictures.dataset)
    bases = frozen.find_bases(recipe, materials)
    bases.stored(pictures.dataset.digests, lambda: materials.pixels(Frame(recipe.size)))  # heads are timed alone
    fitted = []
    found.seconds.append(timed(lambda: fitted.append(frozen.fit(recipe, materials))))
    predictor = Predictor(fitted[0].learnware, fitted[0].tensors, cache)
    predictions = cast(Predictions, predict_part(predictor, materials, split.validation))
    _note(found, predictions.probabilities, targets[held])


class _Plain:
    """What one writes with scikit-learn in five lines, on one base's features."""

    def __init__(self, pictures, cache: Path) -> None:
        self.features = frozen_features(pictures, "mobilenet_v2", cache)

    def fit(self, targets: np.ndarray, train: np.ndarray, held: np.ndarray, found: Results) -> None:
        """Fit on `train`, note what it reaches on `held`."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stopped at max_iter
            found.seconds.append(timed(lambda: model.fit(self.features[train], targets[train])))
        _note(found, model.predict_proba(self.features[held]), targets[held])


def _note(found: Results, probabilities: np.ndarray, targets: np.ndarray) -> None:
    from starshift.evaluation.metrics import log_loss

    found.accuracy.append(float((probabilities.argmax(axis=1) == targets).mean()))
    found.log_loss.append(float(log_loss(targets, probabilities, np.ones((len(targets), 1)))[0]))


def _row(task: str, name: str, found: Results) -> list[str]:
    accuracy = f"{mean(found.accuracy):.1%} ({min(found.accuracy):.1%} to {max(found.accuracy):.1%})"
    return [
        task,
        name,
        str(len(found.accuracy)),
        accuracy,
        f"{mean(found.log_loss):.3f}",
        f"{median(found.seconds):.1f}",
    ]


if __name__ == "__main__":
    main(measure, __doc__)
