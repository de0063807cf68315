"""What family a source is of, by a look at it."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.data import sniff
from starshift.data.labels import parse
from starshift.data.sniff import family_of, is_text, peek, read_bytes, text_column, words
from starshift.errors import DataError

REVIEW = "the film was a long and slow one and yet nobody of us left before the end"

TEXTS = "id,text,label\n" + "".join(f"{i},{REVIEW} {i},{i % 2}\n" for i in range(20))

NUMBERS = "a,b,y\n" + "".join(f"{i},{i * i},{i % 3}\n" for i in range(20))


def file(folder, name, content):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content", "family"),
    [
        ("t.csv", NUMBERS, "table"),
        ("t.tsv", NUMBERS.replace(",", "\t"), "table"),
        ("t.csv.gz", NUMBERS, "table"),
        ("t.csv", TEXTS, "texts"),
        ("t.csv.gz", TEXTS, "texts"),
        ("t.CSV", TEXTS, "texts"),
        ("t.csv", "", "table"),
        ("t.csv", b"\xff\x00\x01", "table"),
        ("t.parquet", b"PAR1", "table"),
        ("t.npz", b"", "sequences"),
        ("t.zip", b"", "pictures"),
    ],
)
def test_files_by_their_ending_and_their_first_rows(tmp_path, name, content, family):
    assert family_of(file(tmp_path, name, content), {"label", "y"}) == family


def test_folders_by_what_lies_in_them(tmp_path):
    for kind in ("jpg", "txt"):
        (tmp_path / kind / "cat").mkdir(parents=True)
        for number in range(3):
            (tmp_path / kind / "cat" / f"{number}.{kind}").write_text("x")
    assert family_of(tmp_path / "jpg") == "pictures"
    assert family_of(tmp_path / "txt") == "texts"
    (tmp_path / "parts/train").mkdir(parents=True)
    (tmp_path / "txt/cat").rename(tmp_path / "parts/train/cat")
    assert family_of(tmp_path / "parts") == "texts"
    assert family_of(tmp_path / "missing") == "pictures"  # whose reader says that it is not there
    assert family_of(tmp_path / "missing.csv") == "table"


def test_texts_are_a_column_of_running_words_with_nothing_else_to_learn_from():
    table = parse(TEXTS.encode(), "t.csv")
    assert text_column(table, {"label"}) == "text"
    assert text_column(table, set()) == "text"
    beside = parse(TEXTS.replace("id,text", "age,text").replace("\n1", "\n2").encode(), "t.csv")
    assert text_column(beside, {"label"}) is None  # an age can be learned from: a table
    assert text_column(parse(NUMBERS.encode(), "t.csv"), {"y"}) is None


def test_chinese_has_words_without_blanks():
    assert words("这部电影很好看，我很喜欢") > 4
    assert is_text(["这是一部非常好看的电影我们都很喜欢它"] * 3) and not is_text(["好看", "不好看"])
    assert is_text([REVIEW]) and not is_text(["a b c"]) and not is_text([])


def test_a_look_reads_the_beginning_and_no_half_row(tmp_path):
    long = "a,b\n" + '1,"x\ny"\n' * 200_000
    table = peek(file(tmp_path, "t.csv", long))
    assert len(table.rows) > 1000 and set(table.cells("b")) == {"x\ny"}


def test_a_look_at_a_long_file_is_one_reading_whatever_its_encoding(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(sniff, "parse", lambda content, name: read.append(name) or parse(content, name))
    long = TEXTS + "".join(f'{i},"{REVIEW}\n{REVIEW}, {i}",{i % 2}\n' for i in range(20, 10_000))
    for name, encoding in (("wide.csv", "utf-16"), ("plain.csv", "utf-8")):
        assert family_of(file(tmp_path, name, long.encode(encoding)), {"label"}) == "texts"
    assert read == ["wide.csv", "plain.csv"]


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"'t.csv' is empty"):
        peek(file(tmp_path, "t.csv", ""))
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(NUMBERS.encode())[:-9])
    with pytest.raises(DataError, match=r"'half.csv.gz' is not whole gzip .*; download it again"):
        read_bytes(tmp_path / "half.csv.gz")
    (tmp_path / "plain.csv.gz").write_bytes(NUMBERS.encode())
    for look in (peek, read_bytes):
        with pytest.raises(DataError, match=r"'plain.csv.gz' is not (whole )?gzip"):
            look(tmp_path / "plain.csv.gz")
    with pytest.raises(DataError, match=r"none.csv' cannot be read: No such file"):
        read_bytes(tmp_path / "none.csv")
    assert read_bytes(file(tmp_path, "whole.csv.gz", NUMBERS)) == NUMBERS.encode()


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_file_has_a_family_and_is_read_or_refused(tmp_path_factory, content, packed):
    path = tmp_path_factory.getbasetemp() / f"any.csv{'.gz' if packed else ''}"
    path.write_bytes(content)
    assert family_of(path) in ("table", "texts")
    try:
        peek(path)
    except DataError as error:
        problems = error.problems
    else:
        problems = ()
    assert all(problem.endswith((".", "?")) and path.name in problem for problem in problems)
