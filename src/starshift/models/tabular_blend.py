"""All ways to learn from tables by name; several labels at once, numbers on a logarithmic scale, and the average."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from starshift.errors import RunError
from starshift.models import gaussian, tabular_forest, tabular_linear, trees
from starshift.models.tabular import Learned, Learner, Rows, Task, Tensors, errors, held_out_error

LEARNERS: Mapping[str, Learner] = {
    "linear": cast(Learner, tabular_linear),
    "trees": cast(Learner, trees),
    "extra-trees": cast(Learner, tabular_forest),
    "gaussian": cast(Learner, gaussian),
}
"""The members of the ensemble; the first two are rungs of their own."""

LOG_SPAN = 20.0
"""Largest number over smallest, all above 0, from which it is tried whether logarithms are easier to learn."""

SMOOTH = 0.05
"""Absolute errors are rounded off below this share of their mean, so that weights can be found by slopes."""

PULL = 0.002
"""What keeps the ensemble's weights together: of the error, per squared logarithm of a weight's ratio."""

LEAST_WEIGHT = 0.02
"""Below it, a member is left out of the model."""

LOGARITHM = "logarithm"
"""The tensor with the least and the largest logarithm that a model on that scale may answer: float64 (2,)."""


def fit(name: str, task: Task) -> Learned:
    """Fit one learner; of several labels (targets int8 (N, labels), see Target.encode) one model each."""
    if task.targets.ndim == 1:
        return LEARNERS[name].fit(task)
    found = [LEARNERS[name].fit(one) for one in _by_label(task)]
    tensors = {f"{place}/{key}": array for place, one in enumerate(found) for key, array in one.tensors.items()}
    outputs = np.stack([one.held_out[:, 1] for one in found], axis=1)
    return Learned(tensors, outputs, f"{len(found)} models, one per label; the first: {found[0].said}")


def predict(name: str, tensors: Tensors, rows: Rows, classes: int, *, labels: bool = False) -> np.ndarray:
    """What one learner's model says: see models.tabular.Learner; of labels the probability of each, (N, labels)."""
    try:
        if labels:
            found = [LEARNERS[name].predict(below(tensors, f"{place}/"), rows, 2) for place in range(classes)]
            return np.stack([one[:, 1] for one in found], axis=1)
        if LOGARITHM in tensors:
            rest = {key: array for key, array in tensors.items() if key != LOGARITHM}
            return _raised(LEARNERS[name].predict(rest, rows, 0), tensors[LOGARITHM])
        return LEARNERS[name].predict(tensors, rows, classes)
    except (KeyError, IndexError, ValueError) as error:
        raise RunError(f"The tensors of the model are not those of {name!r} over these columns ({error}).") from error


def below(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin so, without that beginning."""
    return {key.removeprefix(prefix): array for key, array in tensors.items() if key.startswith(prefix)}


def _by_label(task: Task) -> list[Task]:
    return [
        replace(task, targets=labels.astype(np.int64), classes=2, seed=task.seed + place)
        for place, labels in enumerate(task.targets.T)
    ]


# --- the average ---


def fit_average(task: Task) -> Learned:
    """All members that suit the task, averaged with the weights that err least on rows held out from all of them."""
    bounds, found = _on_the_better_scale(task)
    found |= {name: fit(name, _scaled(task, bounds)) for name in members(task) if name not in found}
    outputs = np.stack([_raised(one.held_out, bounds) for one in found.values()])
    weights = _weights(outputs, task)
    kept = weights >= LEAST_WEIGHT
    weights = np.where(kept, weights, 0) / weights[kept].sum()
    tensors: Tensors = {}
    for (name, one), weight in zip(found.items(), weights, strict=True):
        if weight:
            tensors |= {f"{name}/{key}": array for key, array in one.tensors.items()}
            tensors |= {f"{name}/weight": np.array([weight])}
            tensors |= {f"{name}/{LOGARITHM}": bounds} if bounds is not None else {}
    parts = [f"{weight:.2f} × {name} ({one.said})" for (name, one), weight in zip(found.items(), weights, strict=True)]
    scale = "on logarithms: " if bounds is not None else ""
    return Learned(tensors, np.tensordot(weights, outputs, axes=1), scale + "; ".join(parts))


def predict_average(tensors: Tensors, rows: Rows, classes: int, *, labels: bool = False) -> np.ndarray:
    """What the members say, averaged. Raises RunError where there are none."""
    total: np.ndarray | None = None
    for name in LEARNERS:
        own = below(tensors, f"{name}/")
        if weight := own.pop("weight", None):
            answer = weight[0] * predict(name, own, rows, classes, labels=labels)
            total = answer if total is None else total + answer
    if total is None:
        raise RunError("The tensors of the model are not those of an ensemble.")
    return total


def members(task: Task) -> Sequence[str]:
    """The learners that suit a task: a Gaussian process is for numbers, and for few rows."""
    suits = not task.classes and len(task.rows) <= gaussian.MOST_ROWS
    return [name for name in LEARNERS if suits or name != "gaussian"]


def _on_the_better_scale(task: Task) -> tuple[np.ndarray | None, dict[str, Learned]]:
    """Bounds of the logarithms where a smooth model errs less on these, else None; and what was fitted to find out."""
    if task.classes or task.targets.min() <= 0 or task.targets.max() < LOG_SPAN * task.targets.min():
        return None, {}
    judge = "gaussian" if "gaussian" in members(task) else "linear"
    low, high = np.log(task.targets.min()), np.log(task.targets.max())
    bounds = np.array([low - 0.5 * (high - low), high + 0.5 * (high - low)])
    plain, logarithms = fit(judge, task), fit(judge, _scaled(task, bounds))
    if held_out_error(_raised(logarithms.held_out, bounds), task) < held_out_error(plain.held_out, task):
        return bounds, {judge: logarithms}
    return None, {judge: plain}


def _scaled(task: Task, bounds: np.ndarray | None) -> Task:
    return task if bounds is None else replace(task, targets=np.log(task.targets))


def _raised(outputs: np.ndarray, bounds: np.ndarray | None) -> np.ndarray:
    return outputs if bounds is None else np.exp(np.clip(outputs, *bounds))


def _weights(outputs: np.ndarray, task: Task) -> np.ndarray:
    """Weights above 0 with sum 1, of the least error on held-out rows: float64 (members,).

    outputs: (members, N, …). A small penalty pulls them together, since rows are few and members alike.
    """
    from scipy.optimize import minimize

    seen = ~np.isnan(outputs.reshape(*outputs.shape[:2], -1)).any(axis=(0, 2))
    measure = _measure(outputs[:, seen], task.targets[seen], task.classes)
    even = np.zeros(len(outputs))
    unit = measure(_shares(even)) or 1.0

    def objective(logits: np.ndarray) -> float:
        apart = logits - logits.mean()
        return measure(_shares(logits)) / unit + PULL * float(apart @ apart)

    return _shares(minimize(objective, even, method="L-BFGS-B", bounds=[(-5, 5)] * len(even)).x)


def _shares(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


def _measure(outputs: np.ndarray, targets: np.ndarray, classes: int) -> Callable[[np.ndarray], float]:
    """The mean error of an average of outputs (members, n, …), as a function of its weights."""
    if not classes:
        apart = outputs - targets
        rounded = SMOOTH * float(errors(outputs.mean(axis=0), targets, 0).mean())
        return lambda weights: float(np.sqrt((weights @ apart) ** 2 + rounded**2).mean())
    if targets.ndim == 2:
        likely = np.where(targets == 1, outputs, 1 - outputs).reshape(len(outputs), -1)
    else:
        likely = outputs[:, np.arange(len(targets)), targets]
    return lambda weights: float(-np.log(np.maximum(weights @ likely, 1e-15)).mean())
