"""Linear models, boosted trees and their ensemble as rungs: encoded rows, inner folds, tensors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import numpy as np
from msgspec import structs

from starshift import seeds
from starshift.apportion import within
from starshift.data.encoding import Encoding
from starshift.data.tables import Table
from starshift.evaluation.forward import forward_folds
from starshift.evaluation.permits import rows_for
from starshift.evaluation.protocol import inner_folds
from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.models import gaussian, tabular_blend, trees
from starshift.models.tabular import Fold, Rows, Task
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware, TableContract

FOLDS = 5
"""Inner folds of the training part, by which everything is chosen."""

LEARNED_BY = {"table-linear": "linear", "table-trees": "trees", "table-ensemble": "ensemble"}
"""Builders, and what their models are in models.tabular_blend."""

_CELL = {"table-linear": 4e-6, "table-trees": 1e-4, "table-ensemble": 3e-4}
"""Seconds per training row and feature, with the inner folds, before it was measured here."""

_START = {"table-linear": 0.05, "table-trees": 1.0, "table-ensemble": 2.0}
"""Seconds for imports above all."""

_CUBE = 1e-9
"""Seconds per cubed training row of a Gaussian process, with the search for its scales."""

TELLING_SECONDS = 0.5
"""A fit that took less says what calling costs, not how fast the machine computes."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed. Raises MissingExtra where LightGBM cannot be loaded."""
    if recipe.builder != "table-linear":
        trees.load()
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, by what earlier fits took here."""
    pace = materials.paces.get(_pace_name(recipe)) or _CELL[recipe.builder]
    return _START[recipe.builder] + pace * _cells(materials) + _cubed(recipe, materials)


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Fit on the training part; whatever is chosen, its inner folds choose."""
    encoding = encoding_of(materials)
    task = task_of(materials, encoding)
    name = LEARNED_BY[recipe.builder]
    materials.progress.start(name, 0)
    began = time.perf_counter()
    learned = tabular_blend.fit_average(task) if name == "ensemble" else tabular_blend.fit(name, task)
    seconds = time.perf_counter() - began - _cubed(recipe, materials)
    materials.progress.finish()
    if seconds >= TELLING_SECONDS:
        materials.paces.put(_pace_name(recipe), seconds / _cells(materials))
    details = {"model": learned.said, "features": features_in_words(encoding, task.rows)}
    if any(tensor.endswith("gaussian/inputs") for tensor in learned.tensors):
        details["holds"] = "the training rows, standardized: whoever has the model can read them"
    return Model(learnware_of(recipe, materials, encoding), encoding.tensors | learned.tensors, details=details)


def table_of(materials: Materials) -> Table:
    """The content, where it is a table."""
    return cast(Table, materials.content)


def encoding_of(materials: Materials) -> Encoding:
    """Means, scales and categories of the training part."""
    table = table_of(materials)
    return Encoding.fitted(table.columns, table, rows_for("means and scales", materials.split))


def rows_of(encoding: Encoding, materials: Materials, indices: np.ndarray) -> Rows:
    """Some of the rows, as models take them."""
    table = table_of(materials)
    return Rows(encoding.features(table, indices), encoding.raw(table, indices), tuple(encoding.categorical))


def task_of(materials: Materials, encoding: Encoding) -> Task:
    """The training part with its inner folds."""
    train = rows_for("weights", materials.split)
    return Task(
        rows=rows_of(encoding, materials, train),
        targets=materials.targets[train],
        classes=0 if materials.target.is_number else len(materials.target.classes),
        folds=tuple(folds_of(materials)),
        seed=seeds.child(materials.seed, "table"),
    )


def folds_of(materials: Materials) -> list[Fold]:
    """The inner folds of the training part, the same for everything that is chosen by them."""
    train = rows_for("choices", materials.split)
    groups, strata = within(materials.groups, train), materials.strata[train]
    if materials.order:
        return forward_folds(strata, [materials.order[row] for row in train], folds=FOLDS, groups=groups)
    return inner_folds(strata, folds=FOLDS, groups=groups, seed=seeds.child(materials.seed, "inner folds"))


def learnware_of(recipe: Recipe, materials: Materials, encoding: Encoding) -> Learnware:
    """What the model takes and gives: one target, these columns."""
    learnware = unfitted(recipe, materials, contract=TableContract(encoding.columns))
    return structs.replace(learnware, targets=(materials.target,))


def features_in_words(encoding: Encoding, rows: Rows) -> str:
    """How many features came of how many columns."""
    gaps = int(encoding.indicated.sum())
    said = f"{rows.features.shape[1]:,} of {len(encoding.columns):,} columns"
    return f"{said}, with {gaps:,} that say where a value is missing" if gaps else said


def _pace_name(recipe: Recipe) -> str:
    return f"{recipe.builder}, row and feature"


def _cells(materials: Materials) -> float:
    return len(materials.split.train) * max(1, len(table_of(materials).columns)) * _outputs(materials)


def _outputs(materials: Materials) -> int:
    """Boosted trees are grown for each class of several."""
    classes = len(materials.target.classes)
    return classes if classes > 2 else 1


def _cubed(recipe: Recipe, materials: Materials) -> float:
    rows = len(materials.split.train)
    has_process = recipe.builder == "table-ensemble" and materials.target.is_number and rows <= gaussian.MOST_ROWS
    return _CUBE * rows**3 if has_process else 0.0
