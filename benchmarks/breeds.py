"""120 breeds of dogs in 1,000 pictures, five folds: our rungs beside a logistic regression on one base's features.

The pictures are a part of ImageNet, on which the bases were trained, so that all figures flatter, and all alike.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.common import Options, dataset, frozen_features, main, table, workplace
from benchmarks.folds import Answers, Folded

RUNGS = (
    ("features", ()),
    ("features-augmented", ()),
    ("fine-tuned", ()),
    ("features:fit=crop", ("mobilenet_v2",)),
    ("features-augmented:fit=crop", ("mobilenet_v2",)),
    ("features:fit=crop:sizes=224/288", ("mobilenet_v2",)),
    ("features-augmented:fit=crop:sizes=224/288", ("mobilenet_v2",)),
)
"""Rungs, and bases where they are not the rung's own."""

RIVAL = "logistic regression on MobileNetV2 features"


def measure(options: Options) -> str:
    """All on the same folds."""
    with workplace(options) as place:
        return _measure(options, dataset(options, "dog-breeds"), place / "cache")


def _measure(options: Options, source: Path, cache: Path) -> str:
    from starshift.data.kinds import Wanted
    from starshift.data.labels import LabelFile

    labels = LabelFile(source / "labels.csv", targets=(Wanted("breed"),))
    folded = Folded.read(source / "images", cache, quick=options.quick, labels=labels)
    found = [_rival(folded, cache), *(folded.climb(rung, bases=bases) for rung, bases in RUNGS)]
    rows = []
    titles = [RIVAL, *(f"{rung}, {'+'.join(bases)} alone" if bases else rung for rung, bases in RUNGS)]
    for title, one in zip(titles, found, strict=True):
        accuracy, loss, seconds = one.figures()
        rows.append([title, accuracy, f"{_balanced(one):.2%}", f"{_top(one, 5):.2%}", loss, seconds])
        print(*rows[-1], flush=True)
    return table(
        ["rung", "accuracy", "balanced accuracy", "top-5", "log loss", "seconds per fold"],
        rows,
        f"{folded.in_words}, {len(folded.pictures.dataset.classes)} classes. The bases saw ImageNet's dogs, and these.",
    )


def _rival(folded: Folded, cache: Path) -> Answers:
    """What one writes with scikit-learn in five lines; features are computed before, and not timed."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pictures = folded.pictures
    features = frozen_features(pictures, "mobilenet_v2", cache)
    targets = pictures.dataset.encoded()
    probabilities, seconds = [], []
    for train, held in folded.folds:
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
            said = model.fit(features[train], targets[train]).predict_proba(features[held])
        every = np.zeros((len(held), len(pictures.dataset.classes)), np.float32)
        every[:, model.classes_] = said  # a fold may lack a class of two pictures
        probabilities.append(every)
        seconds.append(time.perf_counter() - began)
    held_out = np.concatenate([held for _, held in folded.folds])
    return Answers(RIVAL, np.concatenate(probabilities), targets[held_out], seconds)


def _balanced(answers: Answers) -> float:
    """Mean recall of the classes."""
    classes = np.unique(answers.targets)
    return float(np.mean([answers.right[answers.targets == one].mean() for one in classes]))


def _top(answers: Answers, most: int) -> float:
    """How often the truth is among so many answers."""
    own = np.take_along_axis(answers.probabilities, answers.targets[:, None], axis=1)
    return float(((answers.probabilities > own).sum(axis=1) < most).mean())


if __name__ == "__main__":
    main(measure, __doc__)
