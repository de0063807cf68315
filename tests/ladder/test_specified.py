from __future__ import annotations

import numpy as np
import pytest

import starshift
from frozen_run import frozen_run
from starshift.ladder import specified
from starshift.learnware import package
from starshift.progress import Silent
from starshift.records import Predictions


def test_a_run_without_any_base_says_that_it_has_no_specification(finished_run):
    found = package.load(finished_run.path / "model")
    assert found.specification is None
    said = [note for note in finished_run.record.notes if "has no specification" in note]
    assert len(said) == 1 and "MobileNetV2 needs its weights: put mobilenet_v2_weights" in said[0]
    assert said[0] in (finished_run.path / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")


def test_the_published_model_says_where_it_comes_from_and_what_it_beat(finished_run):
    learnware = package.load(finished_run.path / "model").learnware
    record = finished_run.record
    assert learnware.provenance.seed == 0 and learnware.provenance.made == record.started[:10]
    assert len(learnware.provenance.recipe) == len(learnware.provenance.data) == 64
    assert (learnware.beat.model, learnware.beat.against) == ("convnet", "baseline")
    assert {one.protocol for one in learnware.evaluations} == {record.split}
    text = (finished_run.path / "model/learnware.json").read_text(encoding="utf-8")
    assert str(finished_run.path) not in text and record.environment.platform not in text


def test_the_same_model_published_again_is_the_same_learnware(finished_pictures, finished_run, monkeypatch):
    before = (finished_run.path / "model/learnware.json").read_bytes()
    monkeypatch.setattr("starshift.api.fit._now", lambda: "2031-01-01T00:00:00+00:00")
    starshift.fit(finished_pictures, rungs="convnet", out=finished_run.path, progress=Silent())
    assert (finished_run.path / "model/learnware.json").read_bytes() == before


def test_a_baseline_beats_nothing():
    answers = Predictions(("a", "b"), ("x",), np.array([0]), np.array([[1, 0]], np.float32))
    assert specified.beat("baseline", {"baseline": answers}, "picture") is None
    assert specified.beat("convnet", {"convnet": answers}, "picture") is None
    assert specified.beat("convnet", {"convnet": answers, "baseline": answers}, "picture").outcome == "undecided"


@pytest.fixture
def materials(tmp_path):
    """Of a run whose pictures nobody has: their features lie in the cache."""
    from starshift.ladder.materials import Materials

    folder = frozen_run(tmp_path / "run", tmp_path / "cache")
    dataset, parts = folder.read_dataset(), {name: [] for name in ("train", "validation", "test")}
    of = {example.path: example.part for example in folder.read_splits().examples}
    for index, example in enumerate(dataset.examples):
        parts[of[example.path]].append(index)
    from starshift.records import Split

    split = Split(**{name: tuple(rows) for name, rows in parts.items()}, how="")
    content = type("Content", (), {"dataset": dataset})()
    return folder, Materials(content, split, (), 0, tmp_path / "cache", None, Silent())


def test_features_of_the_run_make_its_specification_without_its_pictures(materials):
    folder, task = materials
    learnware, _ = folder.read_model("features")
    content, why = specified.specification(learnware, task)
    assert why == ""
    from starshift.learnware import specify

    record = specify.read(content).record
    assert record.space.digest == "ab" * 32 and record.count == len(task.split.train)
    assert [cell.classes for cell in record.cells] == [("cat",), ("dog",)]
    both, _ = specified.specification(learnware, task, retrained=True)
    assert specify.read(both).record.count == len(task.split.train) + len(task.split.validation)


def test_of_many_pictures_some_are_drawn(materials, monkeypatch):
    folder, task = materials
    monkeypatch.setattr(specified, "MOST_PICTURES", 40)
    learnware, _ = folder.read_model("features")
    from starshift.learnware import specify

    one, two = (specify.read(specified.specification(learnware, task)[0]) for _ in range(2))
    assert one.record.count == 40 and np.array_equal(one.means, two.means)
