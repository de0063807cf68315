"""Gradient-boosted trees by LightGBM, the honest rival on tables; kept in its text form."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from starshift.errors import MissingExtra, RunError
from starshift.execution import cores
from starshift.models.tabular import Learned, Rows, Task, Tensors

MOST_ROUNDS, PATIENCE = 1000, 50
"""Trees at the most, and those without a lower error on the rows held out before a fold stops."""

FEW = 10_000
"""Rows below which more than one thread waits more than it works."""

TEXT = "text"
"""The tensor that holds the model's text, as bytes of UTF-8."""


def load() -> Any:
    """LightGBM. Raises MissingExtra where it, or the OpenMP that it needs, is not there."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra("Boosted trees need LightGBM, which is not installed: pip install lightgbm.") from error
    except OSError as error:  # the library is there, and what it is linked with is not
        raise MissingExtra(
            f"LightGBM cannot be loaded ({error}). It needs OpenMP: apt install libgomp1 on Debian and Ubuntu, brew "
            "install libomp on a Mac. Rungs without boosted trees: --rungs linear,dense."
        ) from error
    return lightgbm


def fit(task: Task) -> Learned:
    """The number of trees by the inner folds, then so many on all rows."""
    lightgbm, settings = load(), _settings(task)
    boosters = [_boosted(lightgbm, settings, task, fitted, held) for fitted, held in task.folds]
    rounds = max(1, round(median(booster.best_iteration for booster in boosters)))
    held_out = task.empty
    for booster, (_, held) in zip(boosters, task.folds, strict=True):
        held_out[held] = _answers(booster, task.rows.taken(held), task.classes, rounds)
    booster = lightgbm.train(settings, _data(lightgbm, task), num_boost_round=rounds)
    text = np.frombuffer(booster.model_to_string().encode(), dtype=np.uint8)
    said = (
        f"{rounds:,} trees of at most {settings['num_leaves']} leaves of at least {settings['min_data_in_leaf']} rows"
    )
    return Learned({TEXT: text}, held_out, said)


def predict(tensors: Tensors, rows: Rows, classes: int) -> np.ndarray:
    """See models.tabular.Learner. Raises RunError where the text is no model over these columns."""
    lightgbm = load()
    try:
        booster = lightgbm.Booster(model_str=bytes(tensors[TEXT]).decode())
        return _answers(booster, rows, classes)
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:  # other columns than it was made for, too
        raise RunError(f"The trees of the model cannot be read: {error}") from error


def _answers(booster: Any, rows: Rows, classes: int, rounds: int | None = None) -> np.ndarray:
    """rounds: how many trees answer (per class); all of them if None."""
    if not len(rows):
        return np.empty((0, classes) if classes else 0)
    found = np.asarray(booster.predict(rows.raw, num_iteration=rounds))
    return np.stack([1 - found, found], axis=1) if classes == 2 else found


def _settings(task: Task) -> dict[str, Any]:
    """Few rows want small leaves: a leaf of 20, LightGBM's own, is a tenth of 200 rows."""
    count, classes = len(task.rows), task.classes
    objective = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    return {
        "objective": objective,
        "metric": {"regression": "l1", "binary": "binary_logloss", "multiclass": "multi_logloss"}[objective],
        **({"num_class": classes} if classes > 2 else {}),
        "learning_rate": 0.05,
        "num_leaves": 15 if count < FEW else 31,
        "min_data_in_leaf": int(min(20, max(2, count // 60))),
        "min_data_in_bin": 1 if count < 1000 else 3,
        "lambda_l2": 1.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": task.seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1 if count < FEW else cores(),
        "verbosity": -1,
    }


def _boosted(lightgbm: Any, settings: Mapping[str, Any], task: Task, fitted: np.ndarray, held: np.ndarray) -> Any:
    """A model of one fold, stopped where the rows held out no longer gain."""
    train = _data(lightgbm, task.part(fitted))
    return lightgbm.train(
        dict(settings),
        train,
        num_boost_round=MOST_ROUNDS,
        valid_sets=[_data(lightgbm, task.part(held), train)],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )


def _data(lightgbm: Any, task: Task, reference: Any = None) -> Any:
    return lightgbm.Dataset(
        task.rows.raw,
        label=task.targets,
        reference=reference,
        categorical_feature=list(task.rows.categorical),
        params={"verbosity": -1},
    )
