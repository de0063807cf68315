"""One of each bad kind among good pictures: `check`, `fit` and `predict` account for every file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import starshift
from bad_files import make_bad_files
from starshift.progress import Silent

KINDS = 25


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("bad") / "photos"
    return folder, make_bad_files(folder)


@pytest.fixture(scope="module")
def bad_run(bad):
    out = bad[0].parent / "run"
    return starshift.fit(bad[0], rungs="convnet", out=out, budget="1h", progress=Silent())


def accounted(dataset) -> tuple[set[str], dict[str, str], Counter]:
    return (
        {picture.path for picture in dataset.pictures},
        {aside.path: aside.kind for aside in dataset.set_aside},
        Counter(dataset.skipped),
    )


def expectations(expected: dict[str, str]) -> tuple[set[str], dict[str, str], Counter]:
    used = {path for path, outcome in expected.items() if outcome == "used"}
    aside = {path: outcome.partition(": ")[2] for path, outcome in expected.items() if outcome.startswith("set aside")}
    skipped = Counter(outcome.partition(": ")[2] for outcome in expected.values() if outcome.startswith("skipped"))
    return used, aside, skipped


def compare(dataset, expected: dict[str, str]) -> None:
    used, aside, skipped = accounted(dataset)
    wanted_used, wanted_aside, wanted_skipped = expectations(expected)
    assert used == wanted_used
    assert aside.keys() == wanted_aside.keys()
    assert all(aside[path] == kind for path, kind in wanted_aside.items() if kind)
    assert skipped == wanted_skipped
    assert len(used) + len(aside) + skipped.total() == len(expected)


def test_there_are_enough_kinds(bad):
    assert sum(not path.startswith("good/") for path in bad[1]) >= KINDS


def test_check_accounts_for_every_file(bad):
    folder, expected = bad
    compare(starshift.check(folder).dataset, expected)


def test_fit_accounts_for_every_file_and_learns_from_the_rest(bad, bad_run):
    from starshift.ladder.folder import RunFolder

    dataset = RunFolder(bad_run.path).read_dataset()
    compare(dataset, bad[1])
    record = bad_run.record
    assert [rung.status for rung in record.rungs] == ["finished", "finished"]
    assert sum(record.data.classes.values()) == len(dataset.pictures)
    assert sum(record.data.set_aside.values()) == len(dataset.set_aside)
    page = bad_run.report.read_text(encoding="utf-8")
    for aside in dataset.set_aside:
        assert aside.path.rsplit("/", 1)[-1] in page, "the report shows every file that was set aside"


def test_predict_has_a_line_for_every_file_that_is_or_claims_to_be_a_picture(bad, bad_run):
    folder, expected = bad
    used, aside, _ = expectations(expected)
    found = {one.file.removeprefix(f"{folder}/"): one for one in bad_run.predict(folder)}
    assert found.keys() == used | aside.keys()
    assert {path for path, one in found.items() if one.reason} == aside.keys()
    assert all(one.label in ("bad", "good") for path, one in found.items() if path in used)


def test_a_second_fit_reads_the_same(bad, bad_run):
    from starshift.ladder.folder import RunFolder

    again = starshift.fit(bad[0], rungs="convnet", out=bad_run.path, progress=Silent())
    assert again.record.rungs[1].score == bad_run.record.rungs[1].score
    compare(RunFolder(again.path).read_dataset(), bad[1])
