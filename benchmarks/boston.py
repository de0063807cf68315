"""Boston housing over 10 × 4 folds: the ensemble beside extra trees, by the corrected resampled t-test.

The column that encodes race is left out.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import Options, dataset, main, table

REPEATS, FOLDS = 10, 4


def measure(options: Options) -> str:
    """Both on the same folds."""
    from starshift.api.reproduce_boston import FILE, RACE, TARGET, without
    from starshift.data.kinds import Wanted
    from starshift.data.tables import read_table
    from starshift.evaluation import resampling
    from starshift.evaluation.resampling import Comparison, Figure, Protocol

    folder, repeats = dataset(options, "boston-housing"), 1 if options.quick else REPEATS
    rows = without(read_table(folder / FILE, [Wanted(TARGET, "regression")]), RACE)
    protocol = Protocol(repeats, FOLDS)
    strata = rows.dataset.target.strata(rows.dataset.labels())
    ours: list[float] = []
    rival: list[float] = []
    seconds = [0.0, 0.0]
    for repeat, fold, (train, held) in resampling.draw(strata, protocol, seed=0):
        for place, (found, fit) in enumerate(((ours, ensemble), (rival, extra_trees))):
            began = time.perf_counter()
            found.append(fit(rows, train, held, repeat * FOLDS + fold))
            seconds[place] += time.perf_counter() - began
        if fold == FOLDS - 1:
            print(
                f"repeat {repeat + 1}: ours {np.mean(ours[-FOLDS:]):.3f}, extra trees {np.mean(rival[-FOLDS:]):.3f}",
                flush=True,
            )
    comparison = Comparison("ensemble", "extra trees", tuple(np.subtract(ours, rival)), 1 / (FOLDS - 1))
    figure = Figure("mean absolute error", is_right_or_wrong=False, is_error=True, noun="row")
    verdict = resampling.compare([comparison], len(strata), protocol, figure)[0].sentence
    fits, ratio = len(ours), np.mean(ours) / np.mean(rival)
    return table(
        ["recipe", "mean absolute error, 1000 $", "ours to this", "seconds per fit"],
        [
            ["`ensemble`", f"{np.mean(ours):.3f}", "", f"{seconds[0] / fits:.1f}"],
            [
                "extra trees",
                f"{np.mean(rival):.3f}",
                f"{ratio:.3f}",
                f"{seconds[1] / fits:.1f}",
            ],
        ],
        f"`ensemble`, {verdict}.",
        "Run with --quick." if options.quick else "",
    )


def ensemble(table, train: np.ndarray, held: np.ndarray, seed: int) -> float:
    """The rung, with its inner folds."""
    from starshift.compose.opening import open_model
    from starshift.ladder import fit as ways
    from starshift.ladder.answering import predict_part
    from starshift.ladder.materials import Materials
    from starshift.ladder.paces import Paces
    from starshift.progress import Silent
    from starshift.recipe import Recipe
    from starshift.records import Split

    with tempfile.TemporaryDirectory() as cache:
        split = Split(tuple(train.tolist()), tuple(held.tolist()), (), "benchmark")
        materials = Materials(table, split, (), seed, Path(cache), Paces(Path(cache)), Silent())
        model = ways.fit(Recipe(builder="table-ensemble", size=1), materials, on_epoch=lambda epoch: None)
        opened = open_model(model.learnware, model.tensors, Path(cache))
        return float(predict_part(opened, materials, split.validation).figures.mean())


def extra_trees(table, train: np.ndarray, held: np.ndarray, seed: int) -> float:
    """scikit-learn's own settings but for 500 trees, on the columns as they are."""
    from sklearn.ensemble import ExtraTreesRegressor

    columns = np.array([table.column(column.name) for column in table.columns], dtype=float).T
    targets = table.dataset.encoded()
    forest = ExtraTreesRegressor(500, random_state=seed, n_jobs=-1).fit(columns[train], targets[train])
    return float(np.abs(forest.predict(columns[held]) - targets[held]).mean())


if __name__ == "__main__":
    main(measure, __doc__)
