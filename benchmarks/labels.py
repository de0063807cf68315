"""Planted wrong labels: how many of them stand in the first 8 % of the ranking, and how many are estimated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.common import Options, dataset, main, table, timed, workplace

SHARE = 0.05
"""Of the labels that are made wrong."""

LOOKED_AT = 0.08
"""Of the ranking that a person would go through."""

FOLDS, DRAWS = 5, 5

Ranking = Callable[["Task", np.ndarray, np.ndarray], np.ndarray]
"""Task, out-of-fold probabilities, given labels → a score per picture, the lower the more suspicious."""


@dataclass(frozen=True)
class Task:
    """A data set whose labels are taken to be right, and the features of its pictures."""

    name: str
    features: np.ndarray  # float32 (N, features)
    targets: np.ndarray  # int (N,)
    groups: list[list[int]]  # exact copies
    strengths: tuple[float, ...]

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.targets.max()) + 1

    @classmethod
    def read(cls, photos: Path, cache: Path, *, quick: bool) -> Task:
        """With the bases, precision and strengths that the rung `features` has; a tenth of the pictures if quick."""
        from starshift.compose.frozen import FrozenBases
        from starshift.data.decode import Frame
        from starshift.data.read import read
        from starshift.findings.duplicates import exact_copies
        from starshift.inference.network import best_precision
        from starshift.ladder.options import Options as RungOptions
        from starshift.ladder.rungs import RUNGS

        pictures = read(photos, frame=Frame(224), cache=cache)
        recipe = RUNGS["features"].recipe(RungOptions(), pictures.dataset)
        frame = Frame(recipe.size)
        bases = FrozenBases.find(recipe.arguments["bases"], frame, best_precision(), cache)
        targets, groups = pictures.dataset.encoded(), exact_copies(pictures.dataset)
        chosen = np.arange(0, len(targets), 10 if quick else 1)
        digests = [pictures.dataset.digests[row] for row in chosen]
        features = bases.stored(digests, lambda: pictures.pixels(frame)[chosen])
        targets = np.unique(targets[chosen], return_inverse=True)[1]
        return cls(photos.name, features, targets, [] if quick else groups, recipe.arguments["strengths"])


def planted(task: Task, kind: str, draw: int) -> np.ndarray:
    """Labels of which a share is wrong: int (N,). kind: "any other class", or "the most similar class"."""
    chance = np.random.default_rng(draw)
    count = len(task.targets)
    rows = chance.choice(count, round(SHARE * count), replace=False)
    given = task.targets.copy()
    if kind == "any other class":
        given[rows] = (given[rows] + chance.integers(1, task.classes, len(rows))) % task.classes
    else:
        given[rows] = most_similar(task)[given[rows]]
    return given


def most_similar(task: Task) -> np.ndarray:
    """The class whose mean features are closest to those of each class, by cosine: int (classes,)."""
    centred = task.features - task.features.mean(axis=0)
    means = np.stack([centred[task.targets == label].mean(axis=0) for label in range(task.classes)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    likeness = means @ means.T
    np.fill_diagonal(likeness, -np.inf)
    return likeness.argmax(axis=1)


# --- rankings that were tried ---


def by_self_confidence(task: Task, probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Probability of the given label: what the product ranks by."""
    from starshift.findings.labels import self_confidence

    return self_confidence(probabilities, given)


def by_margin(task: Task, probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Probability of the given label less that of the likeliest other: normalized margin, but for its scale."""
    others = probabilities.astype(np.float64)
    others[np.arange(len(given)), given] = -1
    return by_self_confidence(task, probabilities, given) - others.max(axis=1)


def by_neighbours(task: Task, probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Share of the 10 nearest pictures, by cosine of the features, that have the given label; no copies among them."""
    features = task.features - task.features.mean(axis=0)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    shares = np.empty(len(given))
    for first in range(0, len(given), 512):
        rows = np.arange(first, min(first + 512, len(given)))
        likeness = features[rows] @ features.T
        likeness[likeness > 0.9999] = -np.inf  # itself and copies
        nearest = np.argpartition(-likeness, 10, axis=1)[:, :10]
        shares[rows] = (given[nearest] == given[rows][:, None]).mean(axis=1)
    return shares


def by_both(task: Task, probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Self-confidence and the neighbours, each counting half."""
    return by_self_confidence(task, probabilities, given) + by_neighbours(task, probabilities, given)


RANKINGS: dict[str, Ranking] = {
    "self-confidence (ours)": by_self_confidence,
    "normalized margin": by_margin,
    "10 nearest pictures": by_neighbours,
    "self-confidence and nearest pictures": by_both,
}


# --- the study ---


@dataclass(frozen=True)
class Outcome:
    """One draw of wrong labels."""

    found: dict[str, float]  # by ranking: share of the planted that stand in the first of it
    looks_wrong: int
    right_suspicion: float  # of those that look wrong, the share that was planted
    estimated: float  # share of wrong labels
    low: float
    high: float
    seconds: float


def judged(task: Task, given: np.ndarray, draw: int) -> Outcome:
    """Judge planted labels as a run does after its climb."""
    from starshift.evaluation.protocol import inner_folds
    from starshift.findings import labels
    from starshift.models.classical import held_out_probabilities

    found: list[np.ndarray] = []
    folds = inner_folds(given, folds=FOLDS, groups=task.groups, seed=draw)

    def judge() -> None:
        found.append(
            held_out_probabilities(task.features, given, classes=task.classes, strengths=task.strengths, folds=folds)
        )

    seconds = timed(judge)
    seen = ~np.isnan(found[0][:, 0])
    wrong = given != task.targets
    first = round(LOOKED_AT * len(given))
    shares = {}
    for name, ranking in RANKINGS.items():
        scores = np.full(len(given), np.inf)
        scores[seen] = ranking(task, found[0], given)[seen]
        shares[name] = float(wrong[np.argsort(scores, kind="stable")[:first]].sum() / wrong.sum())
    judgement = labels.judge(found[0][seen], given[seen], np.zeros(int(seen.sum()), bool), seed=draw)
    suspected = judgement.looks_wrong
    return Outcome(
        found=shares,
        looks_wrong=int(suspected.sum()),
        right_suspicion=float(wrong[seen][suspected].mean()) if suspected.any() else 0.0,
        estimated=judgement.wrong.value,
        low=judgement.wrong.low or 0.0,
        high=judgement.wrong.high or 0.0,
        seconds=seconds,
    )


def measure(options: Options) -> str:
    """Both data sets, both kinds of mistakes, some draws of each."""
    with workplace(options) as place:
        tasks = [
            Task.read(dataset(options, name), place / "cache", quick=options.quick)
            for name in ("dogs-vs-cats", "caltech-101")
        ]
    studies = list(_studies(tasks, 1 if options.quick else DRAWS))
    first = table(
        ["data set", "made wrong into", f"found in the first {LOOKED_AT:.0%}", "goal", "look wrong", "of these planted",
         "estimated share", "seconds"],
        [_row(*study) for study in studies],
        f"{SHARE:.0%} of the labels of a data set were made wrong, {DRAWS} draws each; means, with lowest and highest "
        "in brackets. Every picture is judged by a linear head that never saw it; seconds are those of all heads, on "
        "stored features. What was wrong in the data set before counts as not planted.",
        "With two classes the most similar class is the only other one.",
    )  # fmt: skip
    second = table(
        ["ranking", *(f"{task.name}, {kind}" for task, kind, _ in studies)],
        [[name, *(_span([one.found[name] for one in outcomes]) for _, _, outcomes in studies)] for name in RANKINGS],
        f"Share of the planted wrong labels in the first {LOOKED_AT:.0%} of other rankings of the same pictures.",
        "Run with --quick: a tenth of the pictures, one draw." if options.quick else "",
    )
    return f"{first}\n\n{second}"


def _studies(tasks: list[Task], draws: int) -> Iterator[tuple[Task, str, list[Outcome]]]:
    for task in tasks:
        for kind in ("any other class", "the most similar class")[: 1 if task.classes == 2 else 2]:
            outcomes = [judged(task, planted(task, kind, draw), draw) for draw in range(draws)]
            print(f"  {task.name}, {kind}: {_span([one.found[next(iter(RANKINGS))] for one in outcomes])}", flush=True)
            yield task, kind, outcomes


def _row(task: Task, kind: str, outcomes: list[Outcome]) -> list[str]:
    return [
        f"{task.name}, {len(task.targets):,} pictures",
        kind,
        _span([one.found[next(iter(RANKINGS))] for one in outcomes]),
        "90%" if kind == "any other class" else "75%",
        f"{mean(one.looks_wrong for one in outcomes):.0f}",
        f"{mean(one.right_suspicion for one in outcomes):.0%}",
        _span([one.estimated for one in outcomes]),
        f"{mean(one.seconds for one in outcomes):.1f}",
    ]


def _span(values: list[float]) -> str:
    return f"{mean(values):.1%} ({min(values):.1%} to {max(values):.1%})"


if __name__ == "__main__":
    main(measure, __doc__)
