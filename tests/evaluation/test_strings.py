"""What is read against what is there: edits by hand and by their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.evaluation.strings import distance, losses, score
from starshift.records import StringPredictions


def answers(true, read) -> StringPredictions:
    arrays = (np.array([*one, None], dtype=object)[:-1] for one in (true, read))
    return StringPredictions(tuple(map(str, range(len(true)))), *arrays, np.ones(len(true), np.float32))


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("12", "21", 2), ("7", "77", 1)],
)
def test_known_distances(one, other, edits):
    assert distance(one, other) == distance(other, one) == edits


text = st.text("abc", max_size=6)


@given(text, text, text)
def test_the_laws_of_a_distance(one, other, third):
    assert (distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))
    assert distance(one, third) <= distance(one, other) + distance(other, third)


def test_figures_of_strings_and_of_characters():
    found = score(answers(["123", "45", "", "6"], ["123", "4", "9", "66"]), seed=0, noun="row")
    assert (found.accuracy.value, found.accuracy.n) == (pytest.approx(1 / 3), 3)
    assert found.character_error_rate.value == pytest.approx(2 / 6)
    assert losses(answers(["123", "45", ""], ["12", "45", "9"])).tolist()[:2] == [pytest.approx(1 / 3), 0.0]
    assert np.isnan(losses(answers([""], ["9"]))[0])


def test_everything_read_right_has_no_error_and_no_interval_of_it():
    found = score(answers(["1", "2"], ["1", "2"]), seed=0, noun="picture")
    assert found.character_error_rate.value == 0 and found.character_error_rate.low is None
