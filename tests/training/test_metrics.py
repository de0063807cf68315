from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from own_parts import certainty
from starshift.models import heads
from starshift.recipe import METRICS
from starshift.training.metrics import measure
from tiny import telling


def part(classes: int, count: int = 60):
    rng = np.random.default_rng(classes)
    rows = rng.dirichlet(np.ones(classes), count).astype(np.float32)
    return np.arange(count) % classes, rows[:, 1:] if classes == 2 else rows


@pytest.mark.parametrize("classes", [2, 7])
def test_every_metric_by_name_is_sklearns(classes):
    targets, outputs = part(classes)
    rows = heads.probabilities(outputs, classes)
    found = measure(METRICS, *telling(classes), targets, outputs)
    assert set(found) == set(METRICS)
    auc = np.mean([reference.roc_auc_score(targets == one, rows[:, one]) for one in range(classes)])
    assert found["auc"] == pytest.approx(auc)
    assert found["log loss"] == pytest.approx(reference.log_loss(targets, rows), rel=1e-5)
    assert found["macro f1"] == pytest.approx(reference.f1_score(targets, rows.argmax(axis=1), average="macro"))
    assert found["top-5"] == (pytest.approx(reference.top_k_accuracy_score(targets, rows, k=5)) if classes > 5 else 1)


def test_what_pictures_of_one_class_do_not_have_is_left_out():
    assert measure(("auc", "brier"), *telling(2), np.zeros(3, int), np.full((3, 1), 0.1, np.float32)) == {
        "brier": pytest.approx(0.02)
    }


def test_a_function_and_a_keras_metric_of_ones_own():
    from keras import metrics

    targets, outputs = part(3)
    own = {"m:certainty#1": certainty, "m:mine#2": metrics.CategoricalAccuracy(name="mine")}
    for _ in range(2):  # each time anew
        found = measure(tuple(own), *telling(3), targets, outputs, own)
        assert found == {
            "certainty": pytest.approx(outputs.max(axis=1).mean()),
            "mine": pytest.approx((outputs.argmax(axis=1) == targets).mean()),
        }
