from __future__ import annotations

import gzip

import pytest

from starshift.data.streams import pieces
from starshift.errors import DataError


def test_rows_come_a_piece_at_a_time_as_they_stand(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text('\ufeffa;b\n 1 ;"x\ny"\n\n2;z\n3\n', encoding="utf-8")
    found = list(pieces(file, size=2))
    assert [piece.rows for piece in found] == [[["1 ", "x\ny"], ["2", "z"]], [["3", ""]]]
    assert [piece.numbers for piece in found] == [[2, 5], [6]]
    assert found[0].columns == ("a", "b") and found[0].delimiter == ";" and found[0].column("a") == ["1", "2"]


def test_a_header_alone_is_an_empty_piece(tmp_path):
    file = tmp_path / "t.tsv.gz"
    file.write_bytes(gzip.compress(b"a\tb\n"))
    assert [(piece.columns, piece.rows) for piece in pieces(file)] == [(("a", "b"), [])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with an empty line"),
        (b"a,b\n1,2,3\n", "Row 2 of 't.csv' has 3 cells and the header 2"),
        ("a,b\nß,2\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_what_cannot_be_read(tmp_path, content, words):
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(pieces(file))


def test_damaged_gzip_and_a_file_that_is_not_there(tmp_path):
    file = tmp_path / "t.csv.gz"
    file.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="is not whole gzip"):
        list(pieces(file))
    with pytest.raises(DataError, match="cannot be read: No such file"):
        list(pieces(tmp_path / "none.csv"))
