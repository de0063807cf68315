"""Texts: our linear rungs beside scikit-learn's on TF-IDF bigrams, over 3 × 3 folds of film reviews and newswires.

    python -m benchmarks.texts [--rungs linear,ensemble,ensemble:strengths=0.5/2] [--sets imdb,reuters] [--quick]

Every recipe is fitted on the same folds; accuracy and macro F1 are means over them, seconds those of one fit with its
answers. `--quick` takes 1,200 texts and one seed, and its figures mean nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.common import Options, dataset, options, parser, table, workplace

FOLDS, QUICK_TEXTS = 3, 1_200

RIVALS = ("logistic regression, TF-IDF bigrams", "linear SVM, TF-IDF bigrams")

GOALS = {"imdb": "accuracy 91.2 % in 2 min", "reuters": "accuracy 95 %, macro F1 above the SVM's, in 1 min"}

Fit = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""Texts fitted on, texts held out, seed → the answers for these: int (n,)."""


@dataclass
class Results:
    """What one recipe came to, fold by fold."""

    accuracy: list[float] = field(default_factory=list)
    macro_f1: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def measure(
    given: Options, rungs: Sequence[str] = ("linear", "ensemble"), sets: Sequence[str] = ("imdb", "reuters")
) -> str:
    """All sets, as Markdown."""
    with workplace(given) as place:
        return "\n\n".join(_measure_set(dataset(given, name), name, rungs, given, place) for name in sets)


def _measure_set(folder: Path, name: str, rungs: Sequence[str], given: Options, place: Path) -> str:
    from starshift.data.kinds import Wanted
    from starshift.data.texts import read_texts
    from starshift.evaluation import metrics
    from starshift.evaluation.protocol import inner_folds
    from starshift.findings.duplicates import groups

    source = _shortened(folder / "train.csv.gz", place) if given.quick else folder / "train.csv.gz"
    began = time.perf_counter()
    texts = read_texts(source, [Wanted("label")])
    reading = time.perf_counter() - began
    targets, together = texts.dataset.encoded(), groups(texts.dataset, ())
    recipes: dict[str, Fit] = {rival: _rival(rival, texts, targets) for rival in RIVALS}
    recipes |= {rung: _ours(rung, texts, together, place) for rung in rungs}
    found = {recipe: Results() for recipe in recipes}
    for seed in range(1 if given.quick else given.repeats):
        for fitted_on, held in inner_folds(targets, folds=FOLDS, groups=together, seed=seed):
            for recipe, fit in recipes.items():
                began = time.perf_counter()
                answers = fit(fitted_on, held, seed)
                results = found[recipe]
                results.seconds.append(time.perf_counter() - began)
                results.accuracy.append(float((answers == targets[held]).mean()))
                results.macro_f1.append(float(metrics.macro_f1(targets[held], answers, np.ones((len(held), 1)))[0]))
                print(f"{name} seed {seed}: {recipe} {results.accuracy[-1]:.4f} {results.macro_f1[-1]:.4f} "
                      f"{results.seconds[-1]:.1f} s", flush=True)  # fmt: skip
    return _told(name, found, reading, len(targets))


def _shortened(file: Path, place: Path) -> Path:
    """The first texts, without classes that then have too few."""
    import csv
    import gzip
    import itertools

    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        header, *rows = itertools.islice(csv.reader(stream), QUICK_TEXTS + 1)
    counts = Counter(row[1] for row in rows)
    short = place / f"{file.parent.name}.csv"
    with short.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *(row for row in rows if counts[row[1]] >= 2 * FOLDS)])
    return short


def _rival(name: str, texts: Any, targets: np.ndarray) -> Fit:
    """scikit-learn as it is commonly used, at its default strength."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    raw = np.array(texts.texts, dtype=object)

    def fit(fitted_on: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        model: Any = LogisticRegression(C=10, max_iter=1000) if name == RIVALS[0] else LinearSVC(random_state=seed)
        model.fit(words.fit_transform(raw[fitted_on]), targets[fitted_on])
        return np.asarray(model.predict(words.transform(raw[held])))

    return fit


def _ours(name: str, texts: Any, together: Any, place: Path) -> Fit:
    from starshift.compose.texts import TextModel
    from starshift.ladder import fit as ways
    from starshift.ladder.families import find
    from starshift.ladder.materials import Materials
    from starshift.ladder.options import Options as RungOptions
    from starshift.ladder.paces import Paces
    from starshift.progress import Silent
    from starshift.records import Split

    recipe = find(name, "texts").recipe(RungOptions(), texts.dataset)

    def fit(fitted_on: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
        split = Split(tuple(fitted_on.tolist()), tuple(held.tolist()), (), "a fold")
        materials = Materials(texts, split, together, seed, place, Paces(place), Silent())
        model = ways.fit(recipe, materials, on_epoch=lambda epoch: None)
        print(model.details, flush=True)
        return TextModel(model.learnware, model.tensors).answer(texts, held.tolist()).argmax(axis=1)

    return fit


def _told(name: str, found: dict[str, Results], reading: float, texts: int) -> str:
    from starshift.evaluation.statistics import resampled_t

    svm = found[RIVALS[1]]
    rows = [
        (recipe, f"{mean(one.accuracy):.2%}", f"{mean(one.macro_f1):.2%}", f"{mean(one.seconds):.1f}")
        for recipe, one in found.items()
    ]
    said = [f"{name}: {texts:,} texts, read and numbered in {reading:.1f} s. Goal: {GOALS[name]}."]
    for recipe, one in found.items():
        if recipe in RIVALS or len(one.accuracy) < 2:
            continue
        for what, mine, theirs in (("accuracy", one.accuracy, svm.accuracy), ("macro F1", one.macro_f1, svm.macro_f1)):
            low, high, p = resampled_t(np.array(mine) - np.array(theirs), 1 / (FOLDS - 1))
            gain = mean(mine) - mean(theirs)
            said.append(
                f"{recipe}, {what} against the SVM: {100 * gain:+.2f} points, 95 % interval {100 * low:+.2f} to "
                f"{100 * high:+.2f}, p = {p:.2g} (corrected resampled t)."
            )
    head = ("recipe", "accuracy", "macro F1", "s per fit")
    return f"### {name}\n\n{table(head, rows)}\n\n" + "\n".join(f"- {one}" for one in said)


if __name__ == "__main__":
    asked = parser(__doc__)
    asked.add_argument("--rungs", default="linear,ensemble", help="rungs and variants of texts, joined by commas")
    asked.add_argument("--sets", default="imdb,reuters", help="sets, joined by commas")
    parsed = asked.parse_args()
    print(measure(options(parsed), parsed.rungs.split(","), parsed.sets.split(",")))
