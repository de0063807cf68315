"""Label files: rows are told by the numbers an editor shows, and every file has one fate."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starshift.data.kinds import parse as parse_target
from starshift.data.labels import Finder, LabelFile, column, label, parse
from starshift.errors import DataError

FILES = ["a/1.jpg", "a/2.jpg", "b/3.png", "b/4.png"]


def read(text: str, files=FILES, folders=(), **columns):
    return label(label_file(**columns), parse(text.encode(), "l.csv"), files, folders)


def label_file(file_column=None, target=None) -> LabelFile:
    targets = [target] if isinstance(target, str) else target or []
    return LabelFile(Path("l.csv"), file_column, tuple(map(parse_target, targets)))


def fates(layout) -> dict[str, str]:
    return {place.path: place.label for place in layout.labelled} | {lost.path: lost.kind for lost in layout.set_aside}


def refusal(text: str | bytes, **columns) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DataError) as caught:
        label(label_file(**columns), parse(content, "l.csv"), FILES, ())
    return str(caught.value)


ROWS = [("file", "label"), ("1", "x"), ("2.jpg", "x"), ("b/3", "y"), ("b/4.png", "y")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends(delimiter, encoding, end):
    text = end.join(delimiter.join(row) for row in ROWS)
    found = label(label_file(), parse(text.encode(encoding), "l.csv"), FILES, ())
    assert fates(found) == {"a/1.jpg": "x", "a/2.jpg": "x", "b/3.png": "y", "b/4.png": "y"}
    assert found.name == "label file"


def test_missing_surplus_doubled_contradictory_and_empty_rows():
    found = read("file,label\n1,x\n9,x\n1,x\n\n2,x\n2,y\n3,\n8,y\n5,y\n", files=[*FILES, "b/5.png"])
    assert fates(found) == {
        "a/1.jpg": "x",
        "a/2.jpg": "contradictory labels",
        "b/3.png": "unlabelled",
        "b/4.png": "unlabelled",
        "b/5.png": "y",
    }
    reasons = {lost.path: lost.reason for lost in found.set_aside}
    assert reasons["a/2.jpg"] == "Rows 6 and 7 of l.csv gave it different classes: 'x' and 'y'."
    assert reasons["b/3.png"] == "Row 8 of l.csv gave it no class."
    assert reasons["b/4.png"] == "No row of l.csv names this file."
    assert "The target 'label' of l.csv is missing in 1 of 3 rows; they neither teach nor test it." in found.remarks
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
        "In l.csv, the column 'file' was taken for the files and the column 'label' was taken for the labels."
    ]
    assert read("file,label\n1,x\n2,y\n", file_column="file", target="label").remarks == []
    three = "file,label,sex\n1,x,m\n2,y,f\n"
    assert "with --target, or several of them: 'label' and 'sex'." in refusal(three)
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
    assert (
        refusal("")
        == refusal(" \n")
        == ("'l.csv' is empty. A header with the names of the columns is needed, and rows below it.")
    )
    assert "It reads 'file|label', as if columns were separated by '|'; put commas there" in refusal(
        "file|label\n1|x\n"
    )
    assert "is a zip or a spreadsheet, not CSV" in refusal(b"PK\x03\x04\x14\x00")
    assert "looks like UTF-16 without its mark" in refusal("file,label\n1,x\n".encode("utf-16-le"))
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
            found = label(label_file(), parse(prefix + content, "l.csv"), FILES, ())
        except DataError:
            continue
        assert sorted(fates(found)) == FILES


# --- several targets ---------------------------------------------------------------------------------

FACES = "file,age,sex,tags\n1,31.5,f,smiling|hat\n2,,m,\n3,40,m,hat\n4,22,,smiling\n"


def test_every_target_has_its_kind_and_its_labels():
    found = read(FACES, target=["sex", "age:regression", "tags"])
    assert [(one.name, one.kind, one.classes) for one in found.targets] == [
        ("sex", "binary", ("f", "m")),
        ("age", "regression", ()),
        ("tags", "multi-label", ("hat", "smiling")),
    ]
    assert fates(found) == {"a/1.jpg": "f", "a/2.jpg": "m", "b/3.png": "m", "b/4.png": "unlabelled"}
    assert found.set_aside[0].reason == "Row 5 of l.csv gave it no class."
    assert found.further == {
        "age": {"a/1.jpg": "31.5", "a/2.jpg": "", "b/3.png": "40.0", "b/4.png": "22.0"},
        "tags": {"a/1.jpg": "hat|smiling", "a/2.jpg": "|", "b/3.png": "hat", "b/4.png": "smiling"},
    }
    assert found.problems == []


def test_a_number_may_lead():
    found = read(FACES, target="age:regression")
    assert fates(found) == {"a/1.jpg": "31.5", "a/2.jpg": "unlabelled", "b/3.png": "40.0", "b/4.png": "22.0"}
    assert found.set_aside[0].reason == "Row 3 of l.csv gave it no label."


def test_what_is_wrong_with_several_targets_is_said_together_with_row_numbers():
    text = "file,age,sex,share\n1,31 years,f,0.5\n2,30,f,1.5\n3,forty,f,0.1\n"
    found = read(text, target=["age:regression", "sex", "share:share"])
    assert found.problems == [
        "The target 'age' of l.csv must hold numbers, and 2 cells are none (row 2: '31 years' and row 4: 'forty'). "
        "Write them with a point, without unit or thousands mark, or empty them.",
        "The target 'sex' of l.csv has one value, 'f', wherever it is not empty: there is nothing to tell apart. Name "
        "another column, or add examples of another value.",
        "The target 'share' of l.csv must lie between 0 and 1, and a cell does not (row 3: 1.5). Say --target "
        "share:regression.",
    ]
    assert not found.labelled or found.problems


def test_rows_that_contradict_each_other_in_one_of_several_targets():
    found = read("file,age,sex\n1,3,f\n1,4,f\n2,5,m\n3,6,\n3,6,f\n", target=["sex", "age:regression"])
    assert fates(found)["a/1.jpg"] == "contradictory labels"
    reasons = {lost.path: lost.reason for lost in found.set_aside}
    assert reasons["a/1.jpg"] == "Rows 2 and 3 of l.csv gave it different values of 'age': '3' and '4'."
    assert fates(found)["b/3.png"] == "f"


def test_labels_that_apply_at_once_may_have_a_row_each():
    found = read("file,tags\n1,hat\n1,beard\n2,hat\n3,\n", target="tags:multi-label")
    assert fates(found) == {"a/1.jpg": "beard|hat", "a/2.jpg": "hat", "b/3.png": "|", "b/4.png": "unlabelled"}


def test_rows_of_files_that_are_not_there_make_no_classes():
    found = read("file,label\n1,x\n2,y\ngone,z\n")
    assert found.targets[0].classes == ("x", "y")


def test_no_column_twice_and_every_lacking_one_at_once():
    said = refusal("file,age,sex\n1,3,f\n", file_column="fil", target=["agee", "race"])
    assert said.count("has no column") == 3
    assert "no column 'agee' (--target). Did you mean 'age'?" in said


def test_a_further_column_is_read_by_name():
    table = parse(FACES.encode(), "l.csv")
    assert column(label_file(target="sex"), table, FILES, "age", "--slice-by")["a/1.jpg"] == "31.5"
    with pytest.raises(DataError, match=r"no column 'agee' \(--slice-by\). Did you mean 'age'"):
        column(label_file(target="sex"), table, FILES, "agee", "--slice-by")
