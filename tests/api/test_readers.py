"""Every family but pictures has a reader, which refuses what is not there in words."""

from __future__ import annotations

import pytest

from starshift.api import readers
from starshift.api.readers import READERS, read_content
from starshift.data.kinds import Wanted
from starshift.errors import DataError, UsageError
from starshift.records import NOUNS

ENDINGS = {"table": "csv", "texts": "csv", "sequences": "npz"}


def test_every_family_has_a_reader():
    assert set(READERS) == set(NOUNS) - {"pictures"}


@pytest.mark.parametrize("family", READERS)
def test_what_is_not_there_or_empty_is_refused_in_words(tmp_path, family):
    missing = tmp_path / f"none.{ENDINGS[family]}"
    with pytest.raises(DataError, match=r"none"):
        read_content(family, missing, [Wanted("y")], 2)
    empty = tmp_path / f"empty.{ENDINGS[family]}"
    empty.write_bytes(b"")
    with pytest.raises(DataError, match=r"empty"):
        read_content(family, empty, [Wanted("y")], 2)


def test_a_family_without_a_reader_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "READERS", {})
    with pytest.raises(UsageError, match="looks like table, which this version cannot learn from yet"):
        read_content("table", tmp_path / "t.csv", [], 2)
