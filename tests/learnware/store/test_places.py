from __future__ import annotations

import pytest

from starshift.learnware.store import places


def test_the_users_own_place(monkeypatch, tmp_path):
    monkeypatch.delenv("STARSHIFT_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert places.usual_place().endswith("starshift/store")
    monkeypatch.setenv("STARSHIFT_STORE", "https://store.example.org")
    assert places.usual_place() == "https://store.example.org"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("postgresql://me:secret@db:5432/stores", "postgresql://me:***@db:5432/stores"),
        ("https://me:secret@store.example.org", "https://me:***@store.example.org"),
        ("postgresql://me@db/stores", "postgresql://me@db/stores"),
        ("https://store.example.org:8000/a@b", "https://store.example.org:8000/a@b"),
        ("../team", "../team"),
        ("", ""),
    ],
)
def test_passwords_are_not_shown(place, shown):
    assert places.without_password(place) == shown
