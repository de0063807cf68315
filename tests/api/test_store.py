"""`starshift.Store` as a Python user has it."""

from __future__ import annotations

import pytest

import starshift
from learnware.small import small
from starshift.errors import StoreError, UsageError
from starshift.learnware import package


@pytest.fixture
def store(tmp_path):
    with starshift.Store.init(tmp_path / "store") as made:
        yield made


@pytest.fixture
def model(tmp_path):
    package.unpack(small(), tmp_path / "model")
    return tmp_path / "model"


def test_what_was_made_is_opened_again(store, model, tmp_path):
    entry = store.publish(model, name="cats").entry
    with starshift.Store(tmp_path / "store") as again:
        assert list(again.list()) == [again.find("cats")] == [entry]
        assert again.learnware("cats") == small().learnware
        assert again.card("cats") == small().contents["README.md"].decode()
        assert again.verify().problems == []
        assert [one.entry for one in again.changes().changed] == [entry]
        assert again.place == str(tmp_path / "store") and not again.keeps_tombstones


def test_a_tar_is_published_too(store, tmp_path):
    (tmp_path / "cats.tar").write_bytes(package.pack(small()))
    assert store.publish(tmp_path / "cats.tar").entry.id == small().id


def test_a_title_without_a_letter_of_ours_wants_a_name(store, tmp_path):
    package.unpack(small(name="猫と犬"), tmp_path / "model")
    with pytest.raises(UsageError, match="No name can be made of '猫と犬'; give it one with --name"):
        store.publish(tmp_path / "model")


def test_who_asks_by_id_gets_that_or_nothing(store, model, tmp_path, monkeypatch):
    entry = store.publish(model, name="cats").entry
    other = package.pack(small(2))
    monkeypatch.setattr(store._store, "pull", lambda reference: (entry, other))
    with pytest.raises(StoreError, match=r"gave another learnware than .*; nothing was written"):
        store.pull(entry.id, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_the_holder_does_is_for_the_holder(tmp_path):
    with pytest.raises(UsageError, match="for the machine that serves it"):
        starshift.Store("http://127.0.0.1:1").token("anna")
