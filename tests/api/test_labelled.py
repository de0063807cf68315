"""An overlay through a whole fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import starshift
from starshift.errors import DataError, UsageError
from starshift.progress import Silent


class Heard(Silent):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def fit(source: Path, out: Path, progress=None, **options):
    return starshift.fit(source, out=out, rungs="baseline", progress=progress or Silent(), **options)


def splits(out: Path) -> dict[str, dict]:
    return {one["path"]: one for one in json.loads((out / "splits.json").read_text())["examples"]}


@pytest.fixture
def overlay(tiny_pictures, tmp_path):
    """A first run, and a file of decisions on some of its pictures."""
    fit(tiny_pictures, tmp_path / "run")
    there = splits(tmp_path / "run")
    lines = ["file,digest,decision,label"]
    for path, decision, label in [
        ("green/green-00.png", "relabel", "red"), ("red/red-01.jpg", "drop", ""), ("sky/sky-02.png", "keep", ""),
    ]:  # fmt: skip
        lines.append(f"{path},{there[path]['digest']},{decision},{label}")
    file = tmp_path / "run" / "labels.overlay.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_an_overlay_changes_labels_and_nothing_else(tiny_pictures, tmp_path, overlay):
    before, files = splits(tmp_path / "run"), {file: file.read_bytes() for file in tiny_pictures.rglob("*.*")}
    run = fit(tiny_pictures, tmp_path / "again", overlay=overlay)
    after = splits(tmp_path / "again")
    assert set(before) - set(after) == {"red/red-01.jpg"}
    assert {path for path in after if after[path]["label"] != before[path]["label"]} == {"green/green-00.png"}
    assert all(after[path]["part"] == before[path]["part"] for path in after)
    assert {file: file.read_bytes() for file in tiny_pictures.rglob("*.*")} == files
    record = run.record
    assert (record.overlay.relabelled, record.overlay.dropped, record.overlay.kept) == (1, 1, 1)
    assert record.overlay.effect is None and "Climb the rung features." in record.overlay.effect_sentence
    assert record.data.classes == {"green": 11, "red": 12, "sky": 12} and record.data.set_aside == {"dropped": 1}
    assert f"--overlay {overlay}" in record.command
    report = run.report.read_text(encoding="utf-8")
    assert "1 picture relabelled, 1 dropped, 1 looked at and kept." in report


def test_an_overlay_next_to_the_run_is_not_applied_unasked(tiny_pictures, tmp_path, overlay):
    heard = Heard()
    run = fit(tiny_pictures, tmp_path / "run", progress=heard)
    assert run.record.overlay is None and run.record.data.classes["green"] == 12
    assert f"{overlay} is there and is not applied; do so with --overlay." in heard.sentences


def test_a_run_without_features_says_that_labels_were_not_searched(tiny_pictures, tmp_path):
    run = fit(tiny_pictures, tmp_path / "run")
    (finding,) = [one for one in run.record.findings if one.kind == "suspected labels"]
    assert finding.severity == "note" and finding.sentence.startswith("Labels were not searched for wrong ones:")
    assert not (tmp_path / "run/suspects.json").exists()


def test_an_overlay_that_is_not_there_or_is_wrong_is_refused(tiny_pictures, tmp_path, overlay):
    with pytest.raises(UsageError, match=r"There is no overlay file '.*none.csv' \(--overlay\)"):
        fit(tiny_pictures, tmp_path / "again", overlay=tmp_path / "none.csv")
    overlay.write_text(overlay.read_text().replace(",red\n", ",rde\n").replace(",keep,", ",keeep,"))
    with pytest.raises(DataError) as caught:
        fit(tiny_pictures, tmp_path / "again", overlay=overlay)
    assert len(caught.value.problems) == 2
    assert "there is no class 'rde'. Did you mean 'red'?" in caught.value.problems[0]
    assert "'keeep' is no decision. Did you mean 'keep'?" in caught.value.problems[1]
