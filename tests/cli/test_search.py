"""`starshift store search` and `starshift store reuse` as they are typed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from api.test_reuse import photos, store  # noqa: F401  fixtures
from starshift.cli.main import app


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("STARSHIFT_STORE", str(tmp_path / "store"))


def said(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["store", *map(str, words)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_search_shows_the_best_and_the_verdict(store, photos):  # noqa: F811
    shown = said("search", photos, "--top", 1)
    assert "letters:1.0.0" in shown and "blocks:1.0.0" not in shown
    assert "100.0 % (" in shown and "3 of 3" in shown
    assert "3 learnwares in " in shown and "helps" in shown


def test_reuse_writes_a_model_and_says_every_way(store, photos, tmp_path):  # noqa: F811
    shown = said("reuse", photos, "--out", tmp_path / "out")
    assert "own head" in shown and "prior" in shown and shown.count("→") == 1
    assert shown.endswith(f"Model: {tmp_path / 'out'}\n")
    assert (tmp_path / "out" / "learnware.json").is_file()


def test_filters_are_taken_and_mistakes_end_with_2(store, photos, tmp_path):  # noqa: F811
    assert "1 learnware in " in said("search", photos, "--licence", "MIT", "--max-size", 1)
    assert "Did you mean 'MIT'?" in said("search", photos, "--licence", "MTI", code=2)
    assert "There is no store in " in said("search", photos, "--store", tmp_path / "nowhere", code=2)
    assert "is there already" in said("reuse", photos, "--out", photos, code=2)
