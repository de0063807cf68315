"""What is measured on the validation pictures after an epoch, beside loss and accuracy: by name, or of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from starshift.evaluation import metrics
from starshift.models import heads
from starshift.records import Target
from starshift.training.keras_setup import load_keras

_OF_ANSWERS: dict[str, Callable[..., np.ndarray]] = {
    "balanced accuracy": metrics.balanced_accuracy,
    "macro f1": metrics.macro_f1,
}
_OF_PROBABILITIES: dict[str, Callable[..., np.ndarray | None]] = {
    "auc": metrics.roc_auc,
    "brier": metrics.brier,
    "log loss": metrics.log_loss,
    "top-5": metrics.top,
}


def measure(
    names: Sequence[str],
    target: Target,
    labels: np.ndarray,
    outputs: np.ndarray,
    own: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Figures by name, of examples with labels; those whose label is missing are left out.

    names: in recipe.METRICS, which are of classes, or references to metrics of one's own, which `own` holds. labels:
    as Target.encode has them. outputs: float32, as the head of `target` gives them. A figure that these examples do
    not have (the area under the curve where all are of one class) is left out.
    """
    known = target.known(labels)
    labels, outputs = labels[known], outputs[known]
    if not len(labels):
        return {}
    figures: dict[str, float] = {}
    for name in names:
        if name in _OF_ANSWERS or name in _OF_PROBABILITIES:
            figures |= _by_name(name, labels, heads.probabilities(outputs, len(target.classes)))
        else:
            metric = (own or {})[name]
            figures[name_of(metric)] = own_figure(metric, heads.shape_targets(target, labels), outputs)
    return figures


def _by_name(name: str, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    weights = np.ones((len(labels), 1))
    if name in _OF_ANSWERS:
        return {name: float(_OF_ANSWERS[name](labels, probabilities.argmax(axis=1), weights)[0])}
    found = _OF_PROBABILITIES[name](labels, probabilities, weights)
    return {} if found is None else {name: float(found[0])}


def own_figure(metric: Any, targets: np.ndarray, outputs: np.ndarray) -> float:
    """What a metric of one's own says: a Keras metric's result, or the mean of what a function gives.

    metric: keras.metrics.Metric, or (targets, outputs) → number or (N,). targets, outputs: float32 (N, outputs).
    """
    ops = load_keras().ops
    pair = ops.convert_to_tensor(targets), ops.convert_to_tensor(outputs)
    if not is_keras_metric(metric):
        return float(ops.mean(metric(*pair)))
    metric.reset_state()
    metric.update_state(*pair)
    return float(metric.result())


def is_keras_metric(value: Any) -> bool:
    """Whether this keeps a state over batches, as keras.metrics.Metric does."""
    return isinstance(value, load_keras().metrics.Metric)


def name_of(metric: Any) -> str:
    """What a metric of one's own is called in histories."""
    return str(metric.name if is_keras_metric(metric) else metric.__name__)
