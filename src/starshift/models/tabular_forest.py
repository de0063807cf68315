"""Extremely randomized trees (Geurts, Ernst and Wehenkel 2006), fitted by scikit-learn, kept as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from starshift.errors import RunError
from starshift.execution import map_ordered
from starshift.models.tabular import Fold, Learned, Rows, Task, Tensors, chosen

TREES = 200

MOST_LEAVES = 1000
"""Leaves of a tree at about the most: of many rows, leaves are larger, so that the model stays small."""

LEAVES = (1, 4)
"""Rows per leaf at the least that classes choose from; numbers take the first, since the mean over trees smooths."""

CHUNK = 512
"""Rows that go through all trees at once."""


def fit(task: Task) -> Learned:
    """The size of the leaves by the inner folds, then on all rows."""
    least = max(1, len(task.rows) // MOST_LEAVES)
    sizes = sorted({least * leaf for leaf in LEAVES}) if task.classes else [least]
    leaf, outputs, _ = chosen([(size, _held_out(task, size)) for size in sizes], task)
    return Learned(_grown(task, int(leaf)), outputs, f"{TREES} extra trees, leaves of at least {leaf:g} rows")


def predict(tensors: Tensors, rows: Rows, classes: int) -> np.ndarray:
    """See models.tabular.Learner. Raises RunError where the arrays are no trees."""
    _refuse_no_trees(tensors)
    features = rows.features.astype(np.float32)  # in which scikit-learn has compared them
    found = np.empty((len(features), tensors["values"].shape[1]))
    for start in range(0, len(features), CHUNK):
        found[start : start + CHUNK] = _mean_of_leaves(tensors, features[start : start + CHUNK])
    if not classes:
        return found[:, 0]
    trees = len(tensors["roots"])
    return (trees * found + 1 / classes) / (trees + 1)  # no class is impossible because no tree has named it


def _held_out(task: Task, leaf: int) -> np.ndarray:
    def one(fold: Fold) -> np.ndarray:
        fitted, held = fold
        return predict(_grown(task.part(fitted), leaf), task.rows.taken(held), task.classes)

    found = task.empty
    for (_, held), outputs in zip(task.folds, map_ordered(one, task.folds), strict=True):
        found[held] = outputs
    return found


def _grown(task: Task, leaf: int) -> Tensors:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesClassifier if task.classes else ExtraTreesRegressor
    forest = kind(TREES, min_samples_leaf=leaf, random_state=task.seed % 2**32)
    forest.fit(task.rows.features, task.targets)
    return _as_arrays(forest, task.classes)


def _as_arrays(forest: Any, classes: int) -> Tensors:
    """All nodes of all trees, one behind the other. feature: int32 (nodes,), -1 at leaves; threshold: float64; left,
    right: int32, where smaller or equal, and larger values go; values: float64 (nodes, outputs); roots: int32 (trees,).
    """
    trees = [estimator.tree_ for estimator in forest.estimators_]
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    values = np.concatenate([tree.value[:, 0, :] for tree in trees])
    if classes:  # a class that these rows have not has no column yet
        whole = np.zeros((len(values), classes))
        whole[:, forest.classes_] = values / values.sum(axis=1, keepdims=True)
        values = whole
    inner = np.concatenate([tree.children_left >= 0 for tree in trees])
    joined = {
        name: np.concatenate(
            [getattr(tree, f"children_{name}") + start for tree, start in zip(trees, starts, strict=True)]
        )
        for name in ("left", "right")
    }
    return {
        "feature": np.where(inner, np.concatenate([tree.feature for tree in trees]), -1).astype(np.int32),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        **{name: np.where(inner, places, 0).astype(np.int32) for name, places in joined.items()},
        "values": values,
        "roots": starts.astype(np.int32),
    }


def _mean_of_leaves(tensors: Tensors, features: np.ndarray) -> np.ndarray:
    """features: float32 (n, F) → float64 (n, outputs)."""
    nodes = np.tile(tensors["roots"], (len(features), 1))
    rows = np.arange(len(features))[:, None]
    for _ in range(len(tensors["feature"])):  # no path is longer, even through arrays that are no trees
        asked = tensors["feature"][nodes]
        inner = asked >= 0
        if not inner.any():
            break
        below = features[rows, np.maximum(asked, 0)] <= tensors["threshold"][nodes]
        nodes = np.where(inner, np.where(below, tensors["left"][nodes], tensors["right"][nodes]), nodes)
    return np.asarray(tensors["values"][nodes].mean(axis=1))


def _refuse_no_trees(tensors: Tensors) -> None:
    needed = {"feature", "threshold", "left", "right", "values", "roots"}
    if set(tensors) != needed or tensors["values"].ndim != 2:
        raise RunError("The tensors of the model are not those of extra trees.")
    nodes = len(tensors["values"])
    for name in ("left", "right", "roots"):
        if len(tensors[name]) and not (tensors[name].min() >= 0 and tensors[name].max() < nodes):
            raise RunError(f"The extra trees of the model lead to nodes that are not there ({name}).")
