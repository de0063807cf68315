"""Scores of every kind: what leads, which is better, and JSON."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.evaluation.protocol import score
from starshift.records import (
    AnyScore,
    Estimate,
    LabelsPredictions,
    NumberPredictions,
    NumberScore,
    Predictions,
    Score,
    StringPredictions,
)
from starshift.records.score import of_classes

PATHS = tuple("abcd")

ANSWERS = {
    "classes": Predictions(
        ("x", "y"), PATHS, np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.4, 0.6]] * 2, np.float32)
    ),
    "numbers": NumberPredictions(PATHS, np.array([1.0, 2, 3, 4]), np.array([1.5, 2, 2, 4])),
    "labels": LabelsPredictions(
        ("p", "q"), PATHS, np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8), np.full((4, 2), 0.6, np.float32)
    ),
    "strings": StringPredictions(
        PATHS, np.array(["1", "22", "3", "4"], object), np.array(["1", "2", "3", "9"], object), np.full(4, 0.9)
    ),
}

LEADING = {
    "classes": ("accuracy", 0.5, True, True),
    "numbers": ("mean absolute error", 0.375, False, False),
    "labels": ("label accuracy", 0.5, True, True),
    "strings": ("accuracy", 0.5, True, True),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_leads_with_its_own_figure(kind):
    leading = score(ANSWERS[kind], seed=0, noun="picture").leading
    assert (leading.metric, leading.estimate.value, leading.higher_is_better, leading.is_share) == LEADING[kind]


@pytest.mark.parametrize("kind", ANSWERS)
def test_scores_know_their_kind_again_in_json(kind):
    given = score(ANSWERS[kind], seed=0, noun="picture")
    written = msgspec.json.encode(given)
    assert msgspec.json.decode(written)["of"] == kind
    assert msgspec.json.decode(written, type=AnyScore) == given


def number_score(mae: float, rmse: float) -> NumberScore:
    def estimate(value):
        return Estimate(value, value, value, 4, "")

    return NumberScore(estimate(mae), estimate(rmse), None)


def test_the_lower_error_is_better_and_of_equals_the_lower_square():
    best = max([number_score(2, 3), number_score(1, 5), number_score(1, 4)], key=lambda one: one.leading.order)
    assert best.root_mean_squared_error.value == 4


def test_older_scores_of_classes_have_no_top_5():
    given = score(ANSWERS["classes"], seed=0, noun="picture")
    assert isinstance(given, Score) and given.top_5 is None
    older = {name: value for name, value in msgspec.to_builtins(given).items() if name not in ("top_5", "brier")}
    assert msgspec.convert(older, AnyScore).top_5 is None
    assert of_classes(given) is given
    with pytest.raises(AssertionError, match="a score of classes is needed here, not NumberScore"):
        of_classes(score(ANSWERS["numbers"], seed=0, noun="picture"))
