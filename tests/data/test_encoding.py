from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.data.encoding import Encoding, Surprises
from starshift.errors import RunError
from starshift.records import Column

NUMBER, COLOUR, PAID, DAY = Column("n", "number"), Column("c", "category"), Column("p", "boolean"), Column("d", "date")


class Cells:
    def __init__(self, **columns):
        self.columns = columns

    def column(self, name):
        return self.columns[name]


def test_numbers_are_standardized_by_the_training_rows_alone():
    rows = Cells(n=["1", "3", "1000"])
    encoding = Encoding.fitted([NUMBER], rows, [0, 1])
    assert encoding.features(rows, [0, 1, 2])[:, 0].tolist() == [-1, 1, 998]


def test_a_gap_is_zero_and_indicated_where_training_had_one():
    rows = Cells(n=["1", "", "3", "x"])
    encoding = Encoding.fitted([NUMBER], rows, [0, 1, 2])
    assert encoding.features(rows, [0, 1, 2, 3]).tolist() == [[-1, 0], [0, 1], [1, 0], [0, 1]]


def test_a_gap_that_training_never_had_is_zero_and_told():
    rows = Cells(n=["1", "3", "", "?", "x"])
    encoding = Encoding.fitted([NUMBER], rows, [0, 1])
    assert encoding.features(rows, [2, 3, 4]).tolist() == [[0], [0], [0]]
    surprises = Surprises(encoding)
    surprises.add(rows)
    assert surprises.sentences == [
        "In 2 rows 'n' is missing, which it never was in training: answered as if it were average.",
        "In 1 row 'n' is no number, and taken for missing ('x').",
    ]


def test_categories_that_training_had_not_share_a_level_with_rare_ones():
    rows = Cells(c=["a", "a", "b", "b", "once", "new", ""])
    encoding = Encoding.fitted([COLOUR], rows, range(5))
    assert encoding.columns[0].categories == ("a", "b")
    assert encoding.features(rows, range(7)).tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 0],
    ]
    raw = encoding.raw(rows, range(7))[:, 0]
    assert raw[:6].tolist() == [0, 0, 1, 1, 2, 2] and np.isnan(raw[6]) and encoding.categorical == [0]
    surprises = Surprises(encoding)
    surprises.add(rows)
    assert "In 2 rows 'c' is of a category that training had not, or too rarely" in surprises.sentences[1]


def test_yes_and_no_are_one_and_zero_and_a_gap_the_share_of_yes():
    rows = Cells(p=["yes", "no", "no", "no", ""])
    encoding = Encoding.fitted([PAID], rows, range(4))
    assert encoding.features(rows, range(5))[:, 0].tolist() == [1, 0, 0, 0, 0.25]


def test_dates_are_four_numbers():
    rows = Cells(d=["2024-01-01", "2025-06-01", ""])
    encoding = Encoding.fitted([DAY], rows, [0, 1])
    assert encoding.features(rows, [0, 1, 2]).shape == (3, 4)
    assert encoding.features(rows, [0, 1])[:, 0].tolist() == [-1, 1]
    assert encoding.raw(rows, [0])[0, :2].tolist() == [2024, 1]


def test_an_encoding_comes_back_from_its_tensors():
    rows = Cells(n=["1", "", "3"], c=["a", "a", "b"], p=["yes", "no", ""], d=["2024-01-01", "2024-02-01", ""])
    encoding = Encoding.fitted([NUMBER, COLOUR, PAID, DAY], rows, range(3))
    again = Encoding.read(encoding.columns, encoding.tensors)
    assert np.array_equal(again.features(rows, range(3)), encoding.features(rows, range(3)))
    assert encoding.categorical == [1]
    with pytest.raises(RunError, match="do not hold the means and scales of its columns"):
        Encoding.read(encoding.columns[:2], encoding.tensors)


@settings(max_examples=40)
@given(st.lists(st.text(max_size=8), min_size=4, max_size=12), st.sampled_from([NUMBER, COLOUR, PAID, DAY]))
def test_no_cell_makes_a_feature_that_is_not_finite(cells, column):
    rows = Cells(**{column.name: cells})
    encoding = Encoding.fitted([column], rows, range(3))
    assert np.isfinite(encoding.features(rows, range(len(cells)))).all()
