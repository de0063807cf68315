from __future__ import annotations

import gzip
from types import SimpleNamespace

import pytest

from starshift.data import tables
from starshift.data.kinds import Wanted
from starshift.data.tables import as_cells, read_table
from starshift.errors import DataError, MissingExtra
from tabular import COLUMNS, houses, write


def problems(file, *targets):
    with pytest.raises(DataError) as raised:
        read_table(file, [Wanted(*target) if isinstance(target, tuple) else Wanted(target) for target in targets])
    return "\n".join(raised.value.problems)


@pytest.fixture
def houses_file(tmp_path):
    return write(tmp_path / "houses.csv", houses())


def test_a_table_is_read_with_its_columns(houses_file):
    table = read_table(houses_file, [Wanted("price"), Wanted("sort")])
    dataset = table.dataset
    assert dataset.family == "table" and dataset.noun == "row" and len(dataset.examples) == 120
    assert [(column.name, column.kind) for column in table.columns] == [
        ("size", "number"),
        ("colour", "category"),
        ("paid", "boolean"),
        ("day", "date"),
    ]
    assert dataset.target.kind == "regression" and dataset.targets[1].kind == "binary"
    assert dataset.examples[15].path == "row 17" and len(dataset.further["sort"]) == 120
    assert dataset.facts == {
        "Numbers": "1 (size)",
        "Categories": "1 (colour: 3)",
        "Yes or no": "1 (paid)",
        "Dates": "1 (day)",
        "Left out": "id",
        "Missing cells": "7 of 480 (size 7)",
    }
    assert "Left out: 'id': all its words differ." in dataset.remarks


def test_columns_are_reached_by_name(houses_file):
    table = read_table(houses_file, [Wanted("price")])
    assert table.column("colour")[0] in ("red", "green", "blue") and table.column("id")[0] == "n0000x"
    with pytest.raises(DataError, match=r"has no column 'color'. Did you mean 'colour'"):
        table.column("color")
    assert [column.name for column in table.contract.columns] == ["size", "colour", "paid", "day", "sort"]


def test_gzip_and_tabs_are_read(tmp_path, houses_file):
    packed = tmp_path / "houses.tsv.gz"
    plain = write(tmp_path / "plain.tsv", houses(), delimiter="\t")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert (
        read_table(packed, [Wanted("price")]).dataset.digests
        == read_table(houses_file, [Wanted("price")]).dataset.digests
    )


def test_rows_without_the_leading_target_are_set_aside(tmp_path):
    rows = list(houses(40))
    rows[3][5] = rows[9][5] = ""
    table = read_table(write(tmp_path / "t.csv", rows), [Wanted("price")])
    assert len(table.dataset.examples) == 38
    assert [(aside.path, aside.kind, aside.reason) for aside in table.dataset.set_aside] == [
        ("row 5", "unlabelled", "Row 5 has no value of 'price'."),
        ("row 11", "unlabelled", "Row 11 has no value of 'price'."),
    ]
    assert not any("other targets" in remark for remark in table.dataset.remarks)


def test_equal_rows_are_copies_whatever_their_ids_and_labels(tmp_path):
    rows = list(houses(40))
    rows.append(["another", *rows[0][1:5], "99", "big"])
    digests = read_table(write(tmp_path / "t.csv", rows), [Wanted("price"), Wanted("sort")]).dataset.digests
    assert digests[0] == digests[40] and len(set(digests)) == 40


def test_rows_of_few_possible_values_are_no_copies(tmp_path):
    rows = [[str(place % 2), "ab"[place // 2 % 2], "xyz"[place % 3]] for place in range(60)]
    dataset = read_table(write(tmp_path / "t.csv", rows, ("p", "q", "r")), [Wanted("r")]).dataset
    assert len(set(dataset.digests)) == 60
    assert "Only 4 of 60 rows differ in what models look at; equal rows are not taken for copies." in dataset.remarks


def test_without_a_target_the_columns_are_named(houses_file):
    assert problems(houses_file) == (
        "Say with --target which column of 'houses.csv' is to be predicted, such as --target sort. Its columns: 'id', "
        "'size', 'colour', 'paid', 'day', 'price' and 'sort'."
    )


def test_all_problems_come_together(tmp_path):
    rows = [list(row) for row in houses(30)]
    rows[4][1] = "large"
    rows[7].append("beyond")
    said = problems(write(tmp_path / "t.csv", rows), "prize", "paid")
    assert "'t.csv' has no column 'prize' (--target). Did you mean 'price'?" in said
    assert "The column 'size' of 't.csv' holds numbers and 1 cell that is none (row 6: 'large')" in said
    assert "Row 9 of 't.csv' had more cells than the header" in said
    assert "Put cells that hold the delimiter into quotation marks." in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"a|b\n1|2\n", "names 1 column"),
        ("a,b\n1,Größe\n".encode("latin-1"), "is not UTF-8"),
        (b"a,a\n1,2\n", "'a' more than once"),
        (b"a,,\n1,2,3\n", "more than once"),
        (b"a,b,\n1,2,3\n4,5,7\n", "leaves column 3 without a name"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, words):
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    assert words in problems(file, "b")


def test_a_target_with_one_value_and_no_column_to_learn_from(tmp_path):
    file = write(tmp_path / "t.csv", [["x", "1"], ["x", "1"]], ("a", "b"))
    said = problems(file, "b")
    assert "has one value, '1'" in said
    file = write(tmp_path / "t.csv", [["x", "1"], ["x", "2"]] * 2, ("a", "b"))
    assert "has no column to predict 'b' from. 'a': every cell is 'x'." in problems(file, "b")


def test_a_class_of_one_row_is_named_with_it(tmp_path):
    rows = [["1.5", "p"], ["2", "p"], ["3", "q"], ["4", "q"], ["9", "r"]]
    said = problems(write(tmp_path / "t.csv", rows, ("a", "b")), "b")
    assert "Class 'r' of 'b' has 1 row (row 6); 2 are needed." in said


def test_a_string_cannot_be_read_from_a_row(houses_file):
    assert "is read from pictures; of a row it can be a class: --target sort:multi-class" in problems(
        houses_file, ("sort", "string")
    )


def test_a_first_column_without_name_is_pandas_index(tmp_path):
    rows = [[place, *row] for place, row in enumerate(houses(40))]
    table = read_table(write(tmp_path / "t.csv", rows, ("", *COLUMNS)), [Wanted("price")])
    assert "'unnamed': it counts the rows" in table.dataset.remarks[0]


def test_parquet_without_pyarrow_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"pip install 'starshift\[parquet\]'"):
        read_table(tmp_path / "t.parquet", [Wanted("b")])


def test_parquet_is_read_by_its_columns(tmp_path, monkeypatch):
    columns = {"a": [1.5, None, 3.0, 4.0], "b": [True, False, True, False]}
    table = SimpleNamespace(
        num_rows=4,
        column_names=list(columns),
        column=lambda name: SimpleNamespace(to_pylist=lambda: columns[name]),
    )
    monkeypatch.setattr(tables, "parquet", lambda: SimpleNamespace(read_table=lambda source: table))
    read = read_table(tmp_path / "t.parquet", [Wanted("b")])
    assert read.column("a") == ["1.5", "", "3.0", "4.0"] and read.dataset.labels() == ["true", "false"] * 2
    assert read.dataset.examples[0].path == "row 1"


def test_typed_values_as_cells():
    from datetime import date

    assert as_cells([None, float("nan"), True, 0.1, 3, date(2024, 1, 31), "x"]) == [
        "",
        "",
        "true",
        "0.1",
        "3",
        "2024-01-31",
        "x",
    ]
