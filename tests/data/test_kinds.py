"""Columns as targets: the kind is inferred and said, and what is in the way is said with its rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.data.kinds import Wanted, natural, parse, understand
from starshift.errors import UsageError
from starshift.records import KINDS


def column(cells, kind=None, rows=None):
    cells = [str(cell) for cell in cells]
    return understand(Wanted("y", kind), cells, rows or range(2, len(cells) + 2), "t.csv")


def kind_of(cells) -> tuple[str, str]:
    found = column(cells)
    assert found.problems == ()
    return found.target.kind, found.target.how


def problem_of(cells, kind=None, rows=None) -> str:
    (problem,) = column(cells, kind, rows).problems
    return problem


@pytest.mark.parametrize(
    ("cells", "kind", "how"),
    [
        (["yes", "no"] * 20, "binary", "2 different values"),
        ([0, 1] * 20, "binary", "2 different whole numbers from 0 to 1"),
        ([3.5, 7.25] * 20, "binary", "2 different numbers from 3.5 to 7.25"),
        (list("abc") * 20, "multi-class", "3 different values"),
        (list(range(10)) * 5, "multi-class", "10 different whole numbers from 0 to 9"),
        (list(range(1, 47)) * 5, "multi-class", "46 different whole numbers from 1 to 46"),
        (list(range(18, 60)) * 5, "regression", "42 different whole numbers from 18 to 59"),
        ([i / 7 for i in range(50)], "regression", "50 different numbers from 0 to 7"),
        ([i / 100 for i in range(50)], "share", "50 different numbers from 0 to 0.49"),
        (["a|b", "b", "c|a", "c"] * 5, "multi-label", "cells hold several of 3 labels"),
        (["a;b", "b", "a", "c; a"] * 5, "multi-label", "cells hold several of 3 labels"),
        (["a|b", "c|d"] * 5, "binary", "2 different values"),
        (["A1", "7", "B"] * 5, "multi-class", "3 different values, not all numbers"),
        (["none", "light", "heavy"] * 5, "multi-class", "3 different values"),
    ],
)
def test_the_kind_is_inferred_and_how_is_said(cells, kind, how):
    assert kind_of(cells) == (kind, how)


def test_a_kind_that_is_given_is_kept():
    assert column([1, 2, 3] * 5, "regression").target == column([1, 2, 3] * 5, "regression").target
    assert column([1, 2, 3] * 5, "regression").labels[:3] == ("1.0", "2.0", "3.0")
    assert column(["ab", "ba"], "string").target.classes == ("a", "b")
    assert column(["x, y", "y", ""], "multi-label").labels == ("x|y", "y", "|")
    assert column([10, 9, 10, 9, 2, 2], "multi-class").target.classes == ("2", "9", "10")


def test_missing_labels_are_counted_and_words_for_them_said():
    found = column(["a", "", "NA", "b", "?"])
    assert found.labels == ("a", "", "", "b", "")
    assert found.remarks == (
        "The target 'y' of t.csv is missing in 3 of 5 rows ('?' and 'NA' among them); they neither teach nor test it.",
    )
    assert column(["x|y", "", "y", "x"], "multi-label").remarks == (
        "The target 'y' of t.csv is empty in 1 of 4 rows, taken as: no label applies.",
    )


def test_a_target_with_one_value():
    said = "The target 'y' of t.csv has one value, 'a', wherever it is not empty: there is nothing to tell apart. Name "
    said += "another column, or add examples of another value."
    assert (
        problem_of(["a", "a", ""]) == problem_of(["a", "a"], "multi-class") == problem_of(["a", "a"], "string") == said
    )
    assert "has one value, '3'" in problem_of([3, "3.0"], "regression")
    assert problem_of(["", "nan"]) == "The target 'y' of t.csv is empty everywhere. Fill it in, or name another column."
    assert problem_of(["", ""], "multi-label").startswith("The target 'y' of t.csv is empty everywhere.")


def test_text_in_a_number_column_is_told_with_its_rows():
    cells = [i / 3 for i in range(40)]
    cells[4], cells[17] = "12 cm", "twelve"
    assert problem_of(cells) == (
        "The target 'y' of t.csv holds numbers and 2 cells that are none (row 6: '12 cm' and row 19: 'twelve'). Mend "
        "or empty what is no number, or say --target y:multi-class if they are names."
    )
    assert problem_of(cells, "regression").startswith(
        "The target 'y' of t.csv must hold numbers, and 2 cells are none (row 6: '12 cm' and row 19: 'twelve'). Write "
    )
    assert "(row 2: 'inf')" in problem_of(["inf", 1, 2], "regression")
    assert problem_of(["x", "1", "2"], "regression", ["a.jpg", "b.jpg", "c.jpg"]).count("('a.jpg': 'x')") == 1


def test_a_share_lies_between_0_and_1():
    assert problem_of([0.5, 1.5, 0.1, -1], "share") == (
        "The target 'y' of t.csv must lie between 0 and 1, and 2 cells do not (row 3: 1.5 and row 5: -1). Say --target "
        "y:regression."
    )


def test_a_decimal_comma_is_recognized():
    assert problem_of([f"{i},{i}5" for i in range(30)]) == (
        "The target 'y' of t.csv holds numbers with a decimal comma ('0,05', '1,15', '2,25', '3,35', '4,45', '5,55', "
        "'6,65', '7,75', '8,85', '9,95' and 20 more). Write them with a point: 3.14."
    )


def test_a_hundred_thousand_labels_are_no_classes():
    names = [f"name {i}" for i in range(100_000)]
    for cells, kind in ((names, None), (names, "multi-class"), (names * 2, None)):
        assert f"has 100,000 different values in {len(cells):,} rows ('name 0', " in problem_of(cells, kind)
        assert "too many to be classes. Is it the right column? Say --target y:string" in problem_of(cells, kind)
    assert "too many to be classes" in problem_of([f"{i}x" if i % 3 else str(i) for i in range(100_000)])
    assert "too many to be classes" in problem_of(names, "multi-label")


def test_what_was_said_to_be_binary_has_two_values():
    assert problem_of(list("abc"), "binary") == (
        "The target 'y' of t.csv was said to be binary, and has 3 values ('a', 'b' and 'c'). Say "
        "--target y:multi-class."
    )


def test_a_string_is_short():
    said = problem_of(["a" * 33, "b"], "string")
    assert "must hold strings of at most 32 characters, and longer ones came (row 2: 33 characters)" in said


def test_targets_are_named_with_their_kind_or_without():
    assert parse("age") == Wanted("age") and parse("age:regression") == Wanted("age", "regression")
    assert str(parse("age:regression")) == "age:regression" and parse("a:b:share") == Wanted("a:b", "share")
    with pytest.raises(UsageError) as caught:
        parse("age:regresion")
    assert str(caught.value) == (
        "--target 'age:regresion': 'regresion' is no kind of target. Did you mean 'regression'? Write COLUMN:KIND with "
        "one of binary, multi-class, multi-label, regression, share, string, or rename a column that has a colon."
    )


def test_numbers_stand_by_size_and_before_words():
    assert sorted(["b", "10", "2", "a", "-1"], key=natural) == ["-1", "2", "10", "a", "b"]


words = (
    st.text(max_size=8)
    | st.integers(-5, 30).map(str)
    | st.floats().map(str)
    | st.sampled_from(["", "a|b", "NA", "1,5"])
)


@given(st.lists(words, max_size=60), st.sampled_from([None, *KINDS]))
@settings(max_examples=400, deadline=None)
def test_any_column_is_a_target_or_has_sentences_with_a_way_out(cells, kind):
    found = column(cells, kind)
    assert len(found.labels) == len(cells)
    if not found.problems:
        encoded = found.target.encode(found.labels)
        assert len(encoded) == len(cells) and len(found.target.strata(found.labels)) == len(cells)
    for problem in found.problems:
        assert problem.startswith("The target 'y' of t.csv") and problem.endswith((".", "3.14."))
        assert any(word in problem for word in ("Say", "say", "Name", "name", "Mend", "Write", "Shorten"))
