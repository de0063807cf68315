from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.data.columns import dates_of, is_missing, look, moment, number, truth


def kind_of(cells, name="x"):
    found = look(name, cells, range(2, 2 + len(cells)), "'t.csv'")
    return found.column.kind if found.column else found.left_out or found.problem


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1.5", "2", "", "-3e2"], "number"),
        (["0", "1", "1", "0"], "boolean"),
        (["yes", "No", "?", "YES"], "boolean"),
        (["2024-01-31", "2023/2/1", "1.12.2022"], "date"),
        (["red", "green", "red", "n/a"], "category"),
        (["3", "3", "4", "3"], "number"),
        (["", "NA", "null"], "every cell is empty"),
        (["a", "a"], "every cell is 'a'"),
        ([str(place) for place in range(7, 19)], "it counts the rows"),
        ([str(place) for place in range(7, 12)], "number"),
        ([f"word{place}" for place in range(12)], "all its words differ"),
        ([f"word{place // 2 * (place < 4)}{place}" for place in range(11)] + ["word00"], "most of its words differ"),
        (["one two three four five six seven eight nine ten"] * 3 + ["a b c d e f g h i j"], "it holds running text"),
    ],
)
def test_the_kind_of_a_column(cells, kind):
    assert kind_of(cells) == kind


def test_a_constant_with_gaps_is_kept_since_the_gaps_may_tell():
    assert kind_of(["3", "", "3"]) == "number"


def test_words_in_a_column_of_numbers_are_named_with_their_rows():
    cells = ["1", "2", "three", "4", "5", "6", "7", "8", "9", "3"]
    assert kind_of(cells) == (
        "The column 'x' of 't.csv' holds numbers and 1 cell that is none (row 4: 'three'). Mend or empty it; an empty "
        "cell is a missing value."
    )


def test_a_column_of_words_and_some_numbers_is_a_category():
    assert kind_of(["1", "b", "b", "c", "1", "c"]) == "category"


def test_decimal_commas_are_named():
    problem = kind_of(["1,5", "2,25", "3"])
    assert "has decimal commas, or commas between thousands (row 2: '1,5' and row 3: '2,25')" in problem


def test_a_word_among_dates_is_named():
    assert "holds dates and 1 cells that are none (row 6: 'soon')" in kind_of(
        ["2024-01-01"] * 4 + ["soon"] + ["2024-02-01"]
    )


def test_infinity_and_underscores_are_no_numbers():
    assert all(math.isnan(number(cell)) for cell in ("inf", "1_000", "x", ""))


def test_dates_become_year_month_day_of_week_and_seconds():
    found = dates_of(["1970-01-02", "", "2024-02-29T12:00:00+00:00"])
    assert found[0].tolist() == [1970, 1, 4, 86400]
    assert np.isnan(found[1]).all()
    assert found[2, 3] == datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()


def test_a_date_that_could_be_another_is_none():
    assert moment("01/02/2024") is None and moment("2024-13-01") is None


@given(st.text(max_size=30))
def test_no_cell_breaks_the_readers(cell):
    number(cell)
    truth(cell)
    moment(cell)
    is_missing(cell)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=15))
def test_every_column_is_something(cells):
    assert kind_of(cells)
