"""What a store knows: forms by number, many at once, durability."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import inspect

from learnware.small import small
from starshift.errors import MissingExtra, StoreError, UsageError
from starshift.learnware.store import index, migrations, opening
from starshift.learnware.store.index import Index


def test_the_scripts_make_the_tables_that_are_used(tmp_path):
    made = Index(tmp_path / "index.sqlite")
    made.create()
    found = inspect(made._engine)
    for table in (index.LEARNWARES, index.STORE, index.ACCOUNTS, index.LOG):
        assert {one["name"] for one in found.get_columns(table.name)} == {one.name for one in table.columns}
    made.close()
    assert max(migrations.known()) == migrations.HEAD


def old(kind: str, request, tmp_path) -> Index:
    """An index of the first form with a learnware in it."""
    made = Index(tmp_path / "index.sqlite" if kind == "sqlite" else request.getfixturevalue("database"))
    with made._writing() as connection:
        migrations.upgrade(connection, "0001")
    with made._writing() as connection:
        values = {column.name: "" for column in index.LEARNWARES.columns}
        values |= {"number": 1, "name": "cats", "version": "1.0.0", "learnware": b"{}", "id": "ab" * 32}
        values |= dict.fromkeys(["package_bytes", "specification_bytes", "revision"], 0)
        connection.execute(index.LEARNWARES.insert().values(**values))
    return made


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_old_index_is_brought_up_to_date_with_what_is_in_it(kind, request, tmp_path):
    made = old(kind, request, tmp_path)
    with made._reading() as connection:
        assert migrations.current(connection) == "0001"
    threads = [threading.Thread(target=made.open) for _ in range(4)]  # as if a team updated at once
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with made._reading() as connection:
        assert migrations.current(connection) == migrations.HEAD
    assert [entry.reference for entry in made.entries(after=("", ""), most=10)] == ["cats:1.0.0"]
    assert made.accounts() == [] and made.log(10) == []
    made.close()


def test_a_newer_index_is_refused_and_left_alone(folder_store, tmp_path):
    file = tmp_path / "store/index.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of Starshift \(its index has form 9999; .* Update Starshift"):
        opening.open_local(str(tmp_path / "store"))


def test_what_is_no_index_is_a_sentence(tmp_path):
    (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used: file is not a database"):
        opening.open_local(str(tmp_path))


def test_an_empty_database_is_told_from_a_store(database):
    with pytest.raises(StoreError, match=r"holds no store yet\. Make one with `starshift store init`"):
        opening.open_local(database)


def test_sqlite_waits_for_the_disk_at_every_commit(folder_store):
    with folder_store.index._reading() as connection:
        said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert said == ["wal", 2]


def test_a_failed_change_leaves_nothing(folder_store):
    before = folder_store.index.revision()

    def fail() -> None:
        with folder_store.index.changing() as change:
            change.note("publish", "cats:1.0.0")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert folder_store.index.log(10) == [] and folder_store.index.revision() == before


@pytest.mark.parametrize("kind", ["folder", "postgres"])
def test_many_publish_at_once_and_changes_miss_none(kind, request, tmp_path):
    place = str(tmp_path / "store") if kind == "folder" else request.getfixturevalue("database")
    opening.create(place, "" if kind == "folder" else str(tmp_path / "files")).index.close()
    seen: list[str] = []
    failed: list[Exception] = []
    done = threading.Event()

    def publish(writer: int) -> None:
        try:
            own = opening.open_local(place)  # each as its own process has it: no lock in common but the database's
            for number in range(6):
                own.publish(small(writer), f"n{writer}-{number}")
            own.index.close()
        except Exception as error:
            failed.append(error)

    def follow() -> None:
        own, after = opening.open_local(place), 0
        while True:
            last = done.is_set()
            found = own.changes(after)
            seen.extend(one.entry.name for one in found.changed)
            after = found.revision
            if last and not found.more:
                own.index.close()
                return

    writers = [threading.Thread(target=publish, args=(writer,)) for writer in range(6)]
    follower = threading.Thread(target=follow)
    for thread in (*writers, follower):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    follower.join()
    assert failed == []
    assert sorted(seen) == sorted(f"n{writer}-{number}" for writer in range(6) for number in range(6))


def test_what_is_missing_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'starshift\[postgres\]'"):
        Index("postgresql://localhost/store")


def test_a_password_is_never_shown():
    pytest.importorskip("psycopg")
    made = Index("postgresql://me:secret@127.0.0.1:1/store")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        made.open()
    assert "secret" not in str(caught.value) and "secret" not in made.place
    with pytest.raises(UsageError, match="postgresql://USER@HOST/DATABASE") as wrong:
        Index("postgresql://me:secret@host:port/x")
    assert "secret" not in str(wrong.value)
