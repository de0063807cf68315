"""Texts from columns and folders: what is read, what is set aside, and every bad input with its words."""

from __future__ import annotations

import csv
import gzip
from io import StringIO
from pathlib import Path

import pytest

from starshift.data.kinds import Wanted
from starshift.data.texts import decoded, read_texts, text_files
from starshift.errors import DataError
from starshift.findings.duplicates import groups
from starshift.records import TextContract

GOOD = ["I liked this film and would see it again tomorrow", "A wonderful story that is told with a lot of love"]
BAD = ["I hated this film and left after only ten minutes", "A dull story that is told without any love at all"]


def table(folder: Path, rows: list[list[str]], name: str = "reviews.csv", header: tuple[str, ...] = ("text", "label")):
    stream = StringIO(newline="")
    csv.writer(stream).writerows([header, *rows])
    file = folder / name
    content = stream.getvalue().encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


def reviews(more: list[list[str]] | None = None) -> list[list[str]]:
    return [*([text, "pos"] for text in GOOD), *([text, "neg"] for text in BAD), *(more or [])]


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.csv.gz"])
def test_a_column_of_texts_is_read_with_its_labels(tmp_path, name):
    texts = read_texts(table(tmp_path, reviews(), name), [Wanted("label")])
    assert texts.texts == (*GOOD, *BAD)
    assert [example.path for example in texts.dataset.examples] == ["row 2", "row 3", "row 4", "row 5"]
    assert texts.dataset.labels() == ["pos", "pos", "neg", "neg"]
    assert texts.dataset.family == "texts"
    assert texts.dataset.noun == "text"
    assert texts.contract == TextContract("text")
    assert len(texts.words) == 4
    assert texts.dataset.facts["Script"] == "Latin"
    assert "words in the middle" in texts.dataset.facts["Length"]
    assert texts.column("label") == ["pos", "pos", "neg", "neg"]


def test_the_only_possible_target_is_taken_and_said(tmp_path):
    rows = [[str(number), *row] for number, row in enumerate(reviews())]
    texts = read_texts(table(tmp_path, rows, header=("id", "review", "mood")), [])
    assert texts.dataset.target.name == "mood"
    assert "The column 'mood' was taken for the target." in texts.dataset.remarks


def test_equal_texts_have_equal_digests_and_stay_together(tmp_path):
    texts = read_texts(table(tmp_path, reviews([[GOOD[0], "neg"]])), [Wanted("label")])
    assert groups(texts.dataset, ()) == [[0, 4]]


def test_rows_without_text_or_label_are_set_aside_with_their_numbers(tmp_path):
    texts = read_texts(table(tmp_path, reviews([["", "pos"], [GOOD[0], ""], [BAD[0], "n/a"]])), [Wanted("label")])
    assert [(one.path, one.kind) for one in texts.dataset.set_aside] == [
        ("row 6", "empty text"),
        ("row 7", "unlabelled"),
        ("row 8", "unlabelled"),
    ]
    assert texts.dataset.set_aside[0].reason == "Row 6 has no text in 'text'."
    assert texts.dataset.set_aside[1].reason == "Row 7 has no value of 'label'."
    assert len(texts.texts) == 4


def test_several_targets_are_read_and_the_first_leads(tmp_path):
    rows = [[*row, str(stars)] for row, stars in zip(reviews(), (4.5, 5, 1, 2.5), strict=True)]
    file = table(tmp_path, rows, header=("text", "label", "stars"))
    texts = read_texts(file, [Wanted("stars", "regression"), Wanted("label")])
    assert [(one.name, one.kind) for one in texts.dataset.targets] == [("stars", "regression"), ("label", "binary")]
    assert texts.dataset.further["label"] == ("pos", "pos", "neg", "neg")


def test_short_texts_are_texts_where_the_family_is_given(tmp_path):
    file = table(tmp_path, [["good film", "a"], ["nice film", "a"], ["bad film", "b"], ["dull film", "b"]])
    assert read_texts(file, [Wanted("label")]).text_column == "text"


@pytest.mark.parametrize(
    ("header", "rows", "targets", "says"),
    [
        (("text", "label"), reviews(), ["lable"], "has no column 'lable' (--target). Did you mean 'label'?"),
        (
            ("text", "label"),
            reviews([["one more text that is long enough to be one", "mixed"]]),
            ["label"],
            "Class 'mixed'",
        ),
        (("text", "label"), [["", "a"], ["", "b"]], ["label"], "No column of 'reviews.csv' holds texts"),
        (("label", "other"), [["a", "1"], ["b", "2"]], ["label"], "No column of 'reviews.csv' holds texts"),
        (("text", "label"), [[text, "a"] for text in (*GOOD, *BAD)], ["label"], "nothing to tell apart"),
        (("text", "id"), [[text, str(n)] for n, text in enumerate(GOOD)], [], "No column of 'reviews.csv' could be"),
    ],
)
def test_bad_tables_are_refused_with_what_to_do(tmp_path, header, rows, targets, says):
    with pytest.raises(DataError) as error:
        read_texts(table(tmp_path, rows, header=header), [Wanted(name) for name in targets])
    assert says in str(error.value)


def test_a_class_of_one_text_is_named_with_its_row(tmp_path):
    with pytest.raises(DataError, match=r"Class 'odd' has 1 text \(row 6\); 2 are needed\. Add texts, or take"):
        read_texts(table(tmp_path, reviews([[GOOD[0], "odd"]])), [Wanted("label")])


def test_two_columns_of_texts_are_one_too_many(tmp_path):
    rows = [[text, text[::-1] + " and some more words behind it", label] for text, label in reviews()]
    file = table(tmp_path, rows, header=("title", "text", "label"))
    with pytest.raises(DataError, match=r"running text in more than one column \('title' and 'text'\)"):
        read_texts(file, [Wanted("label")])


def test_all_problems_come_together(tmp_path):
    rows = [[text, text[::-1] + " and some more words behind it", label] for text, label in reviews()]
    with pytest.raises(DataError) as error:
        read_texts(table(tmp_path, rows, header=("title", "text", "label")), [Wanted("lable")])
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"text,label\n", "has a header and no rows"),
        (b"text,text\na,b\n", "more than once"),
        ("text,label\nsch\u00f6n,a\n".encode("latin-1"), "is not UTF-8 (line 2)"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path, content, says):
    file = tmp_path / "reviews.csv"
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_texts(file, [Wanted("label")])
    assert says in str(error.value)


# --- folders ---


def folder(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def class_folders(**more: bytes | str) -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {f"pos/{n}.txt": text for n, text in enumerate(GOOD)}
    return files | {f"neg/{n}.txt": text for n, text in enumerate(BAD)} | dict(more)


def test_a_folder_per_class_is_read(tmp_path):
    texts = read_texts(folder(tmp_path, class_folders()), [])
    assert [example.path for example in texts.dataset.examples] == ["neg/0.txt", "neg/1.txt", "pos/0.txt", "pos/1.txt"]
    assert texts.dataset.labels() == ["neg", "neg", "pos", "pos"]
    assert texts.dataset.layout == "class folders"
    assert texts.contract == TextContract("")


def test_parts_are_kept(tmp_path):
    files = {f"{part}/{name}": text for part in ("train", "test") for name, text in class_folders().items()}
    texts = read_texts(folder(tmp_path, files), [])
    assert texts.dataset.given_parts == ("train", "test")


def test_files_that_are_no_texts_are_set_aside_or_skipped(tmp_path):
    files = class_folders() | {
        "pos/utf16.txt": "Ein sch\u00f6ner Film".encode("utf-16"),
        "pos/latin.txt": "Ein sch\u00f6ner Film".encode("latin-1"),
        "neg/empty.txt": "  \n",
        "neg/binary.txt": b"a\0b",
        "loose.txt": "lies beside",
        "pos/notes.pdf": b"%PDF",
        ".hidden/x.txt": "x",
    }
    texts = read_texts(folder(tmp_path, files), [])
    found = {one.path: (one.kind, one.reason) for one in texts.dataset.set_aside}
    assert found["pos/latin.txt"] == ("not UTF-8", "'pos/latin.txt' is not UTF-8 (byte 7); save it as UTF-8.")
    assert found["neg/empty.txt"] == ("empty", "'neg/empty.txt' is empty.")
    assert found["neg/binary.txt"][0] == "no text"
    assert found["loose.txt"] == (
        "unlabelled",
        "The text lies beside the folders of the classes, so its class is not known.",
    )
    assert texts.dataset.skipped == {"hidden files": 1, ".pdf ending": 1}
    assert "Ein sch\u00f6ner Film" in texts.texts


def test_a_target_for_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="--target names columns of a file"):
        read_texts(folder(tmp_path, class_folders()), [Wanted("label")])


def test_class_folders_without_texts_are_named(tmp_path):
    files = class_folders() | {"odd/one.txt": "", "few/one.txt": GOOD[0]}
    with pytest.raises(DataError) as error:
        read_texts(folder(tmp_path, files), [])
    assert "Class 'few' has 1 text (few/one.txt); 2 are needed." in str(error.value)
    assert "The class folder 'odd' holds no text that can be read." in str(error.value)


def test_a_folder_without_classes_says_how_to_tell_them(tmp_path):
    with pytest.raises(DataError) as error:
        read_texts(folder(tmp_path, {"a.txt": GOOD[0], "b.txt": BAD[0]}), [])
    assert "text" in str(error.value)
    assert "picture" not in str(error.value)


def test_decoding_tells_why_a_file_is_no_text():
    assert decoded("\ufeffhallo".encode(), "a.txt") == ("hallo", "", "")
    assert decoded(b"\xff\xfea", "a.txt")[1] == "not UTF-16"
    assert decoded(b"x" * 20_000_001, "a.txt")[1] == "too large"


def test_files_to_answer_for_are_found_or_all_missing_ones_named(tmp_path):
    folder(tmp_path / "some", class_folders() | {"other.md": "x", "pos/a.pdf": b"x"})
    (tmp_path / "bare").mkdir()
    (tmp_path / "review.asc").write_text("any ending where it is named")
    found = text_files([tmp_path / "some", tmp_path / "review.asc"])
    assert [file.name for file in found] == ["0.txt", "1.txt", "other.md", "0.txt", "1.txt", "review.asc"]
    spared = text_files([tmp_path / "some"], tmp_path / "some" / found[0].parent.name)
    assert [file.name for file in spared] == ["other.md", "0.txt", "1.txt"]
    with pytest.raises(DataError) as error:
        text_files([tmp_path / "bare", tmp_path / "gone.txt"])
    assert [problem.split("'")[0] for problem in error.value.problems] == ["The folder ", "There is no file or folder "]


# --- real data ---


@pytest.mark.slow
@pytest.mark.parametrize(("name", "copies", "classes"), [("imdb", 96, 2), ("reuters", 46, 46)])
def test_copies_in_the_real_sets_are_found(shared, name, copies, classes):
    texts = read_texts(shared / "data" / name / "train.csv.gz", [Wanted("label")])
    assert len(texts.dataset.classes) == classes
    assert sum(len(group) - 1 for group in groups(texts.dataset, ())) == copies
