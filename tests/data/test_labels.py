"""Label files: rows are told by the numbers an editor shows, and every file has one fate."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starshift.data.labels import Finder, LabelFile, label, parse
from starshift.errors import DataError

FILES = ["a/1.jpg", "a/2.jpg", "b/3.png", "b/4.png"]


def read(text: str, files=FILES, folders=(), **columns):
    return label(LabelFile(Path("l.csv"), **columns), text.encode(), files, folders)


def fates(layout) -> dict[str, str]:
    return {place.path: place.label for place in layout.labelled} | {lost.path: lost.kind for lost in layout.set_aside}


def refusal(text: str | bytes, **columns) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DataError) as caught:
        label(LabelFile(Path("l.csv"), **columns), content, FILES, ())
    return str(caught.value)


ROWS = [("file", "label"), ("1", "x"), ("2.jpg", "x"), ("b/3", "y"), ("b/4.png", "y")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends(delimiter, encoding, end):
    text = end.join(delimiter.join(row) for row in ROWS)
    found = label(LabelFile(Path("l.csv")), text.encode(encoding), FILES, ())
    assert fates(found) == {"a/1.jpg": "x", "a/2.jpg": "x", "b/3.png": "y", "b/4.png": "y"}
    assert found.name == "label file"


def test_missing_surplus_doubled_contradictory_and_empty_rows():
    found = read("file,label\n1,x\n9,x\n1,x\n\n2,x\n2,y\n3,\n8,y\n")
    assert fates(found) == {
        "a/1.jpg": "x",
        "a/2.jpg": "contradictory labels",
        "b/3.png": "unlabelled",
        "b/4.png": "unlabelled",
    }
    reasons = {lost.path: lost.reason for lost in found.set_aside}
    assert reasons["a/2.jpg"] == "Rows 6 and 7 of l.csv gave it different classes: 'x' and 'y'."
    assert reasons["b/3.png"] == "Row 8 of l.csv gave it no class."
    assert reasons["b/4.png"] == "No row of l.csv names this file."
    assert "Rows 3 and 9 of l.csv named files that are not there." in found.remarks
    assert "Rows 2 and 4 of l.csv said the same of 'a/1.jpg'; it is used once." in found.remarks


def test_many_row_numbers_are_counted():
    text = "file,label\n" + "".join(f"gone{i},x\n" for i in range(33)) + "1,x\n" * 40
    assert "Rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 23 more of l.csv named files" in " ".join(
        read(text, file_column="file").remarks
    )


def test_row_numbers_survive_line_breaks_in_cells():
    assert "Row 4 of l.csv named" in " ".join(read('file,label\n1,"x\ny"\ngone,x\n2,x\n').remarks)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1", ["a/1.jpg"]),
        ("1.jpg", ["a/1.jpg"]),
        ("a/1.JPG", ["a/1.jpg"]),
        (".\\a\\1.jpg", ["a/1.jpg"]),
        ("/data/photos/a/1.jpg", ["a/1.jpg"]),
        ("same", ["x/same.jpg", "x/same.png"]),
        ("same.png", ["x/same.png"]),
        ("v1.5", ["v1.5.jpg"]),
        ("noending", ["noending"]),
        ("11", []),
        ("c/1.jpg", []),
    ],
)
def test_cells_find_their_files(cell, found):
    files = ["a/1.jpg", "x/same.jpg", "x/same.png", "v1.5.jpg", "noending"]
    assert Finder(files).find(cell) == found


def test_a_row_that_fits_two_files_sets_both_aside():
    found = read("file,label\nsame,x\n1,y\n", files=["same.jpg", "same.png", "1.jpg"])
    assert fates(found) == {"same.jpg": "ambiguous row", "same.png": "ambiguous row", "1.jpg": "y"}
    assert found.set_aside[0].reason == "Row 2 of l.csv, 'same', fits 2 pictures: same.jpg and same.png."


def test_columns_are_guessed_only_where_one_can_be_meant():
    assert read("file,label\n1,x\n2,y\n").remarks == [
        "In l.csv, the column 'file' was taken for the files and the column 'label' was taken for the classes."
    ]
    assert read("file,label\n1,x\n2,y\n", file_column="file", target="label").remarks == []
    three = "file,label,sex\n1,x,m\n2,y,f\n"
    assert "with --target: 'label' and 'sex'." in refusal(three)
    assert fates(read(three, target="sex"))["a/1.jpg"] == "m"
    assert "More than one column of 'l.csv' seems to hold the files" in refusal("n,m,label\n1,1,x\n2,2,y\n")
    assert "No column of 'l.csv' seems to hold the files" in refusal("n,label\n8,x\n9,y\n")


def test_columns_that_are_not_there_come_with_near_matches():
    said = refusal("file,breed\n1,x\n", file_column="File", target="bread")
    assert "'l.csv' has no column 'File' (--file-column). Did you mean 'file'?" in said
    assert "'l.csv' has no column 'bread' (--target). Did you mean 'breed'? Its columns: 'file' and 'breed'." in said
    assert "must differ" in refusal("file,breed\n1,x\n", file_column="file", target="file")


def test_tables_that_cannot_be_used():
    assert "names 1 column(s)" in refusal("file\n1\n")
    assert "names 0 column(s)" in refusal("")
    assert "has a header and no rows" in refusal("file,label\n")
    assert "'a' more than once" in refusal("a,a\n1,2\n")
    assert "is not UTF-8 (line 2); in a spreadsheet, save it as 'CSV UTF-8'" in refusal(b"file,label\n\xe9,x\n")
    assert "is no CSV" in refusal('file,label\n1,"' + "x" * 200_000)
    assert "No row of 'l.csv' names a picture" in refusal("file,label\n8,x\n", file_column="file")


def test_long_rows_are_said_and_short_ones_filled():
    table = parse(b"file,label\n1,x,more\n2\n", "l.csv")
    assert [row.cells for row in table.rows] == [("1", "x"), ("2", "")]
    assert "Row 2 of 'l.csv'" in table.remarks[0]


def test_parts_come_from_the_folders():
    found = read("file,label\n1,x\n3,y\n", files=["train/1.jpg", "val/3.jpg"], folders=["train", "val"])
    assert {place.path: place.part for place in found.labelled} == {
        "train/1.jpg": "train",
        "val/3.jpg": "validation",
    }


@given(st.text(max_size=200) | st.binary(max_size=200))
@example('a,b\n"')
@example("a,b\n\x00,1")
@example("a,b\r1,x\r")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text):
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    for prefix in (b"", b"file,label\n1,x\n"):
        try:
            found = label(LabelFile(Path("l.csv")), prefix + content, FILES, ())
        except DataError:
            continue
        assert sorted(fates(found)) == FILES
