"""Stores by where they are."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from learnware.small import small
from starshift.errors import StoreError, UsageError
from starshift.learnware.store import opening
from starshift.learnware.store.remote import RemoteStore


def test_a_store_is_made_once(tmp_path):
    opening.create(str(tmp_path / "a/b")).close()
    with pytest.raises(StoreError, match="holds a store already; nothing was changed"):
        opening.create(str(tmp_path / "a/b"))


def test_where_none_is_it_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match=r"There is no store in .*`starshift store init`"):
        opening.open_local(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_database_remembers_where_its_files_are(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = opening.create(database, "files")
    made.publish(small(), "cats")
    made.close()
    monkeypatch.chdir("/")
    with closing(opening.open_local(database)) as store:
        assert store.pull("cats")[0].name == "cats"
    shutil.move(tmp_path / "files", tmp_path / "moved")
    with pytest.raises(StoreError, match=r"which is not there\. Name their folder with --files"):
        opening.open_local(database)
    with closing(opening.open_local(database, str(tmp_path / "moved"))) as store:
        assert store.verify().problems == []


def test_a_folder_can_be_moved_with_its_files(folder_store, tmp_path):
    folder_store.publish(small(), "cats")
    folder_store.index.close()
    shutil.move(tmp_path / "store", tmp_path / "moved")
    with closing(opening.open_local(str(tmp_path / "moved"))) as store:
        assert store.verify().learnwares == 1


@pytest.mark.parametrize(
    ("place", "files", "said"),
    [
        ("s3://bucket/x", "", "A bucket goes into --files"),
        ("ftp://host", "", "ftp:// is no store"),
        ("postgresql://localhost/x", "", "keeps its files elsewhere: --files FOLDER"),
        ("https://host", "", "is made where it is served"),
    ],
)
def test_what_cannot_be_made_is_said(place, files, said):
    with pytest.raises(UsageError, match=said):
        opening.create(place, files)


def test_a_server_has_its_own_files():
    assert isinstance(opening.open_store("https://host"), RemoteStore)
    with pytest.raises(UsageError, match="a server has its own"):
        opening.open_store("https://host", str(Path("files")))
