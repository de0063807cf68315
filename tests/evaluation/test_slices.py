"""Figures by the values of another column, and whether two of them are unlike."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.evaluation.protocol import score
from starshift.evaluation.slices import MOST_SLICES, slices
from starshift.records import NumberPredictions, Predictions


def classes(right, *, known=None) -> Predictions:
    right = np.asarray(right)
    targets = np.where(np.ones(len(right), bool) if known is None else known, np.arange(len(right)) % 2, -1)
    said = np.where(right, targets, 1 - targets)
    return Predictions(("a", "b"), paths(len(right)), targets, np.eye(2, dtype=np.float32)[said % 2])


def paths(count):
    return tuple(f"{i}.jpg" for i in range(count))


def by(answers, values, **changes):
    settings = dict(by="column:sex", rung="features", part="validation", balanced=False, seed=0, noun="picture")
    return slices(answers, dict(zip(answers.paths, values, strict=True)), **settings | changes)


def test_every_figure_of_a_slice_is_that_of_its_examples_alone():
    answers, values = classes([True] * 50 + [False, True] * 25), ["f", "m"] * 50
    found = by(answers, values)
    assert [(row.value, row.n) for row in found.rows] == [("f", 50), ("m", 50)]
    assert found.leading == "accuracy" and found.left_out == 0
    alone = score(answers.chosen(np.arange(0, 100, 2)), seed=0, noun="picture")
    assert found.rows[0].figures["accuracy"] == alone.accuracy
    assert found.rows[0].figures["log_loss"] == alone.log_loss


def test_slices_whose_intervals_do_not_touch_are_unlike():
    found = by(classes([True] * 95 + [False] * 5 + [True] * 60 + [False] * 40), ["f"] * 100 + ["m"] * 100)
    assert found.unlike == ("m", "f")
    assert by(classes([True] * 95 + [False] * 5 + [True] * 90 + [False] * 10), ["f"] * 100 + ["m"] * 100).unlike is None
    few = by(classes([True] * 100 + [False] * 4), ["f"] * 100 + ["m"] * 4)
    assert few.unlike is None  # 4 are too few to say so


def test_examples_without_a_value_are_a_slice_and_without_a_label_in_none():
    found = by(classes([True] * 6, known=np.arange(6) > 0), ["f", "f", "", "f", "", "f"])
    assert [(row.value, row.n) for row in found.rows] == [("f", 3), ("", 2)]


def test_many_values_are_cut_to_the_largest():
    values = [f"v{i:02}" for i in range(40)] + ["large"] * 10
    found = by(classes([True, False] * 25), values)
    assert found.rows[0].value == "large" and len(found.rows) == MOST_SLICES
    assert found.left_out == 41 - MOST_SLICES


def test_many_numbers_are_cut_into_ranges():
    found = by(classes([True, False] * 50), [str(20 + i) for i in range(99)] + [""])
    assert [(row.value, row.n) for row in found.rows] == [
        ("20 to below 44.5", 25),
        ("44.5 to below 69", 24),
        ("69 to below 93.5", 25),
        ("93.5 to 118", 25),
        ("", 1),
    ]


def test_errors_of_numbers_lead_where_numbers_are_predicted():
    rng = np.random.default_rng(0)
    answers = NumberPredictions(paths(200), np.zeros(200), rng.exponential(size=200) * ([1] * 100 + [3] * 100))
    found = by(answers, ["f"] * 100 + ["m"] * 100)
    assert found.leading == "mean_absolute_error" and found.unlike == ("f", "m")


def test_balanced_accuracy_leads_where_it_chose():
    assert by(classes([True, False] * 10), ["f", "m"] * 10, balanced=True).leading == "balanced_accuracy"


def test_values_of_examples_that_are_not_named_are_empty():
    found = slices(
        classes([True] * 4), {"0.jpg": "f"}, by="x", rung="r", part="test", balanced=False, seed=0, noun="row"
    )
    assert [row.value for row in found.rows] == ["", "f"]
    assert found.rows[0].figures["accuracy"].value == pytest.approx(1)
