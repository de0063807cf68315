"""Figures of several labels at once, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from starshift.evaluation.label_sets import losses, score
from starshift.records import LabelsPredictions


def answers(targets, probabilities) -> LabelsPredictions:
    targets = np.asarray(targets, np.int8)
    names = tuple(f"label {i}" for i in range(targets.shape[1]))
    paths = tuple(map(str, range(len(targets))))
    return LabelsPredictions(names, paths, targets, np.asarray(probabilities, np.float32))


def noisy(count=120, labels=4, seed=0) -> LabelsPredictions:
    rng = np.random.default_rng(seed)
    targets = rng.random((count, labels)) < [0.5, 0.3, 0.1, 0.05][:labels]
    return answers(targets, np.clip(0.5 * targets + 0.6 * rng.random((count, labels)), 0, 1))


def test_figures_are_those_of_scikit_learn():
    given = noisy()
    said, true = given.predicted, given.targets == 1
    found = score(given, seed=0, noun="picture")
    assert found.label_accuracy.value == pytest.approx(1 - reference.hamming_loss(true, said))
    assert found.exact.value == pytest.approx(reference.accuracy_score(true, said))
    assert found.micro_f1.value == pytest.approx(reference.f1_score(true, said, average="micro"))
    assert found.macro_f1.value == pytest.approx(reference.f1_score(true, said, average="macro"))
    losses_of_each = [reference.log_loss(true[:, i], given.probabilities[:, i], labels=[0, 1]) for i in range(4)]
    assert found.log_loss.value == pytest.approx(np.mean(losses_of_each), rel=1e-5)
    recalls = reference.recall_score(true, said, average=None)
    assert [one.recall.value for one in found.labels] == pytest.approx(recalls.tolist())
    assert [one.precision for one in found.labels] == pytest.approx(
        reference.precision_score(true, said, average=None).tolist()
    )


def test_labels_that_are_not_there_have_no_recall_and_do_not_count_in_macro_f1():
    found = score(answers([[1, 0], [1, 0]], [[0.9, 0.1], [0.9, 0.2]]), seed=0, noun="picture")
    assert found.macro_f1.value == 1 and found.labels[1].recall.n == 0 and found.labels[1].precision is None


def test_where_no_label_applies_all_may_be_right():
    found = score(answers([[0], [0]], [[0.1], [0.2]]), seed=0, noun="picture")
    assert found.exact.value == found.label_accuracy.value == 1
    assert found.micro_f1.value == found.macro_f1.value == 0  # nothing was to be found


def test_unknown_rows_are_left_out_and_cost_nothing_that_can_be_said():
    given = answers([[1, 0], [-1, -1]], [[0.9, 0.1], [0.9, 0.1]])
    assert score(given, seed=0, noun="picture").exact.n == 1
    assert losses(given)[0] == pytest.approx(-np.log(0.9)) and np.isnan(losses(given)[1])
    assert np.isfinite(losses(answers([[1]], [[0.0]]))).all()
