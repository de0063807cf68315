"""Every store there is, for the same examination."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from learnware import fake_s3, postgres
from learnware.served import served
from starshift.learnware.store import opening, tokens
from starshift.learnware.store.store import LocalStore, Store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    pytest.importorskip("psycopg")
    if reason := postgres.reason_against():
        pytest.skip(reason)
    with postgres.running() as address:
        yield address


@pytest.fixture
def database(postgres_server: str) -> str:
    """A fresh one."""
    return postgres.database(postgres_server, f"store-{secrets.token_hex(4)}")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_s3.FakeS3]:
    pytest.importorskip("obstore")
    with fake_s3.running() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "here")
        yield fake


@dataclass
class Examined:
    """A store, and the index and the files behind it, which for a server are on the other side."""

    store: Store
    behind: LocalStore


KINDS = ("folder", "bucket", "postgres", "postgres-and-bucket", "server")


@pytest.fixture(params=KINDS)
def examined(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Examined]:
    kind = request.param
    if "bucket" in kind:
        request.getfixturevalue("s3")
    files = "s3://bucket/team" if "bucket" in kind else str(tmp_path / "files") if kind == "postgres" else ""
    place = request.getfixturevalue("database") if "postgres" in kind else str(tmp_path / "store")
    local = opening.create(place, files)
    if kind != "server":
        yield Examined(local, local)
    else:
        pytest.importorskip("fastapi")
        token = tokens.make(local.index, "alice")
        with served(local) as address:
            yield Examined(opening.open_store(address, token=token), local)
    local.index.close()


@pytest.fixture
def folder_store(tmp_path: Path) -> Iterator[LocalStore]:
    made = opening.create(str(tmp_path / "store"))
    yield made
    made.index.close()
