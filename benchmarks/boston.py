"""Boston housing over 10 × 4 folds: the ensemble beside extra trees, by the corrected resampled t-test.

    python -m benchmarks.boston FOLDER

FOLDER holds boston_housing.csv. The column that encodes race is left out. Prints each repeat's mean absolute errors,
the verdict, and the ratio of ours to the rival's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPEATS, FOLDS = 10, 4


def main(folder: Path) -> None:
    """Fit both on the same folds and print what came of it."""
    from starshift.api.reproduce_boston import FILE, RACE, TARGET, without
    from starshift.data.kinds import Wanted
    from starshift.data.tables import read_table
    from starshift.evaluation import resampling
    from starshift.evaluation.resampling import Comparison, Figure, Protocol

    table = without(read_table(folder / FILE, [Wanted(TARGET, "regression")]), RACE)
    protocol = Protocol(REPEATS, FOLDS)
    strata = table.dataset.target.strata(table.dataset.labels())
    ours: list[float] = []
    rival: list[float] = []
    seconds = [0.0, 0.0]
    for repeat, fold, (train, held) in resampling.draw(strata, protocol, seed=0):
        for place, (found, fit) in enumerate(((ours, ensemble), (rival, extra_trees))):
            began = time.perf_counter()
            found.append(fit(table, train, held, repeat * FOLDS + fold))
            seconds[place] += time.perf_counter() - began
        if fold == FOLDS - 1:
            print(
                f"repeat {repeat + 1}: ours {np.mean(ours[-FOLDS:]):.3f}, extra trees {np.mean(rival[-FOLDS:]):.3f}",
                flush=True,
            )
    comparison = Comparison("ensemble", "extra trees", tuple(np.subtract(ours, rival)), 1 / (FOLDS - 1))
    figure = Figure("mean absolute error", is_right_or_wrong=False, is_error=True, noun="row")
    print(resampling.compare([comparison], len(strata), protocol, figure)[0].sentence)
    print(f"ours {np.mean(ours):.3f} in {seconds[0]:.0f} s, extra trees {np.mean(rival):.3f} in {seconds[1]:.0f} s")
    print(f"ratio of mean absolute errors: {np.mean(ours) / np.mean(rival):.3f}")


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
    main(Path(sys.argv[1]))
