"""What is measured on the validation pictures after an epoch, beside loss and accuracy: by name, or of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from starshift.evaluation import metrics
from starshift.models import heads
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
    names: Sequence[str], targets: np.ndarray, outputs: np.ndarray, classes: int, own: Mapping[str, Any] | None = None
) -> dict[str, float]:
    """Figures by name, of pictures with targets.

    names: in recipe.METRICS, or references to metrics of one's own, which `own` holds. targets: int (N,).
    outputs: float32, as `heads.classification_head` has them. A figure that these pictures do not have (the area
    under the curve where all are of one class) is left out.
    """
    probabilities = heads.probabilities(outputs, classes)
    answers, weights = probabilities.argmax(axis=1), np.ones((len(targets), 1))
    figures: dict[str, float] = {}
    for name in names:
        if name in _OF_ANSWERS:
            figures[name] = float(_OF_ANSWERS[name](targets, answers, weights)[0])
        elif name in _OF_PROBABILITIES:
            found = _OF_PROBABILITIES[name](targets, probabilities, weights)
            figures |= {name: float(found[0])} if found is not None else {}
        else:
            metric = (own or {})[name]
            figures[name_of(metric)] = own_figure(metric, heads.shape_targets(targets, classes), outputs)
    return figures


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
