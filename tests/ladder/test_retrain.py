"""The chosen recipe once more, on training and validation pictures together."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import starshift
from api.test_fit import Heard
from starshift.errors import RunError
from starshift.ladder import retrain as module
from starshift.ladder.retrain import OF_THE_MODEL_BEFORE, stop_where_found
from starshift.learnware import package
from starshift.progress import Silent
from starshift.recipe import Recipe, Stage
from starshift.records import Epoch


def history(losses):
    return [Epoch(i, 1.0, 0.5, 0.8, float(loss), 0.7) for i, loss in enumerate(losses, start=1)]


TURNS_AT_9 = history(0.5 + 0.01 * (np.arange(1, 31) - 9) ** 2)


def test_training_stops_where_validation_was_best():
    recipe = Recipe("convnet", 150, stages=(Stage(epochs=30, patience=5),))
    (stage,) = stop_where_found(recipe, TURNS_AT_9).stages
    assert (stage.epochs, stage.patience) == (9, 0)


@pytest.mark.parametrize(
    "stages",
    [(Stage(schedule="cosine"),), (Stage(sizes=(64, 96)),), (Stage(epochs=5), Stage(epochs=25))],
    ids=["falling rate", "growing pictures", "two stages"],
)
def test_a_course_that_was_planned_as_a_whole_is_gone_through_again(stages):
    recipe = Recipe("modern", 150, stages=stages)
    assert stop_where_found(recipe, TURNS_AT_9) == recipe


def test_nothing_to_stop_where_there_are_no_epochs():
    recipe = Recipe("frozen", 224, arguments={"bases": ("mobilenet_v2",)})
    assert stop_where_found(recipe, []) == recipe


@pytest.fixture(scope="module")
def retrained(finished_pictures, tmp_path_factory):
    out, heard = tmp_path_factory.mktemp("retrained") / "run", Heard()
    run = starshift.fit(finished_pictures, rungs="convnet", out=out, retrain_on_all=True, progress=heard)
    return run, heard


def test_the_model_that_is_published_was_trained_on_all_but_the_sealed(retrained):
    run, _ = retrained
    record = run.record
    parts = record.data.parts
    assert record.retrained.rung == record.chosen == "convnet"
    assert record.retrained.pictures == parts["train"] + parts["validation"]
    learnware, tensors = package.read(run.path / "model")
    assert learnware.trained_on.startswith(f"{record.retrained.pictures} pictures")
    before, _ = package.read(run.path / "rungs/convnet/model")
    assert before.trained_on.startswith(f"{parts['train']} pictures") and before.id != learnware.id
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_its_validation_figure_is_said_to_be_of_the_model_before(retrained):
    run, _ = retrained
    learnware, _ = package.read(run.path / "model")
    validation, test = learnware.evaluations
    chosen = next(rung for rung in run.record.rungs if rung.name == "convnet")
    assert (validation.part, validation.about) == ("validation", OF_THE_MODEL_BEFORE)
    assert validation.score == chosen.score
    assert (test.part, test.sealed, test.about) == ("test", True, "")
    assert OF_THE_MODEL_BEFORE in (run.path / "model/README.md").read_text()


def test_the_test_part_was_opened_once_for_the_retrained_model(retrained):
    run, _ = retrained
    assert run.record.test.retrained and len(run.record.openings) == 1
    learnware, _ = package.read(run.path / "model")
    assert learnware.evaluations[1].score == run.record.test.score
    page = run.report.read_text()
    assert "for this model, which was trained again on training and validation pictures together, on" in page


def test_it_is_said(retrained):
    run, heard = retrained
    pictures = run.record.retrained.pictures
    assert f"Training convnet again on {pictures} training and validation pictures together" in heard.text
    assert run.record.notes[0].startswith(f"model/ holds convnet trained again on {pictures} training and validation")
    assert run.record.command.endswith("--retrain-on-all")


def test_the_same_command_keeps_it(retrained, finished_pictures, monkeypatch):
    run, _ = retrained
    before = run.record
    monkeypatch.setattr(module.family, "fit", None)
    heard = Heard()
    again = starshift.fit(finished_pictures, rungs="convnet", out=run.path, retrain_on_all=True, progress=heard)
    assert again.record.retrained == before.retrained and again.record.test == before.test
    assert "convnet was trained again on all pictures already; kept." in heard.text


def test_a_test_part_that_was_opened_before_is_not_opened_for_it(finished_run, finished_pictures, tmp_path):
    import shutil

    out = tmp_path / "run"
    shutil.copytree(finished_run.path, out)
    run = starshift.fit(finished_pictures, rungs="convnet", out=out, retrain_on_all=True, progress=Silent())
    assert not run.record.test.retrained and run.record.test == finished_run.record.test
    assert "for 'convnet' before it was trained again on all pictures, and is not opened again" in run.record.notes[1]
    learnware, _ = package.read(out / "model")
    assert [one.part for one in learnware.evaluations] == ["validation"]


def test_an_older_record_reads_without_it(finished_run):
    raw = msgspec.json.decode((finished_run.path / "run.json").read_bytes())
    del raw["retrained"]
    del raw["test"]["retrained"]
    assert msgspec.convert(raw, type(finished_run.record)).retrained is None


def test_a_baseline_is_not_trained_again(finished_pictures, tmp_path):
    run = starshift.fit(
        finished_pictures, rungs="baseline", out=tmp_path / "run", retrain_on_all=True, progress=Silent()
    )
    assert run.record.retrained is None and run.record.notes == ()
    with pytest.raises(RunError):
        package.read(tmp_path / "run" / "retrained")


def test_the_seeds_head_is_trained_for_the_epochs_found():
    recipe = Recipe("frozen", 64, arguments={"bases": ("mobilenet_v2",), "head": "dense256"})
    assert [stage.epochs for stage in stop_where_found(recipe, TURNS_AT_9).stages] == [9]


@pytest.mark.parametrize(("merged", "epochs"), [(False, 30), (True, 9)])
def test_epochs_of_a_head_that_was_trained_before_are_not_counted_as_the_opened_networks(merged, epochs):
    arguments = {"base": "mobilenet_v2", "cut": "block_12_add", "head": "dense256", "merged": merged}
    recipe = Recipe("fine-tuned", 64, arguments=arguments, stages=(Stage(epochs=30),))
    assert [stage.epochs for stage in stop_where_found(recipe, TURNS_AT_9).stages] == [epochs]
