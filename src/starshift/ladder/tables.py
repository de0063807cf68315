"""The ladder for tables, as values."""

from __future__ import annotations

from starshift.ladder.options import Options
from starshift.ladder.rungs import Rung, baseline
from starshift.models.tabular_dense import UNITS
from starshift.recipe import Recipe, Stage
from starshift.records import Dataset, Kind

ALL_KINDS: tuple[Kind, ...] = ("binary", "multi-class", "multi-label", "regression", "share")
"""Of a row a string can only be a class."""

DENSE = Stage(optimizer="rmsprop", learning_rate=1e-3, schedule="cosine", batch_size=16, epochs=100)
"""How `dense` is trained: the seeds' optimizer and epochs. Their batches of 1 take sixteen times as long; the rate
falls to 0 instead, so that the weights come to rest. `starshift reproduce boston` has the seeds' training exactly."""

MOST_STEPS = 500
"""Batches per epoch of `dense` at the most: of many rows, an epoch is a part of them."""


def linear(options: Options, dataset: Dataset) -> Recipe:
    """Ridge or logistic regression; inner folds choose its strength."""
    return Recipe(builder="table-linear", size=1)


def trees(options: Options, dataset: Dataset) -> Recipe:
    """LightGBM; inner folds choose the number of trees."""
    return Recipe(builder="table-trees", size=1)


def dense(options: Options, dataset: Dataset) -> Recipe:
    """The seeds' 64-64."""
    stage = DENSE.with_enough_steps(len(dataset.examples), most=MOST_STEPS)
    return Recipe(builder="table-dense", size=1, arguments={"units": UNITS}, stages=(stage,))


def ensemble(options: Options, dataset: Dataset) -> Recipe:
    """Linear model, boosted trees, extra trees and, for numbers and few rows, a Gaussian process."""
    return Recipe(builder="table-ensemble", size=1)


RUNGS = {
    "baseline": Rung(
        "baseline",
        "The majority class, or the mean: the first thing that a model must beat.",
        baseline,
        ("majority",),
        kinds=ALL_KINDS,
    ),
    "linear": Rung(
        "linear",
        "A linear model on standardized columns.",
        linear,
        ("table-linear",),
        kinds=ALL_KINDS,
    ),
    "trees": Rung(
        "trees",
        "Gradient-boosted trees, the honest rival of every network on a table.",
        trees,
        ("table-trees",),
        kinds=ALL_KINDS,
    ),
    "dense": Rung(
        "dense",
        "A network of two dense layers of 64 units, the seeds' own for rows.",
        dense,
        ("table-dense",),
        kinds=ALL_KINDS,
    ),
    "ensemble": Rung(
        "ensemble",
        "Models that err differently, averaged: linear, boosted trees, extra trees, for numbers a Gaussian process.",
        ensemble,
        ("table-ensemble",),
        kinds=ALL_KINDS,
    ),
}
"""The ladder for tables; the names that `--rungs` takes."""
