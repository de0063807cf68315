"""Why the chosen model erred: what is kept in the run folder."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from starshift.compose.predictor import Predictor
from starshift.errors import RunError
from starshift.ladder import why
from starshift.ladder.folder import RunFolder
from starshift.records import RungRecord

CONVNET = RungRecord("convnet", "finished", "key", builder="convnet-28px")


@pytest.fixture
def task(make_materials):
    return make_materials()


@pytest.fixture
def folder(tmp_path, finished_run):
    """A run folder with the convnet that was trained once for all tests."""
    run = RunFolder(tmp_path / "run")
    run.create()
    for name in ("convnet", "baseline"):
        run.clear_rung(name)
        run.write_model(name, *finished_run._folder.read_model(name))
    return run


def parts_in(run: RunFolder, task) -> None:
    run.write_dataset(task.dataset, task.split)


def some(task, count: int = 2) -> list[str]:
    return [task.dataset.pictures[row].path for row in task.split.validation[:count]]


def test_mistakes_have_maps_and_what_lacks_is_said(task, folder):
    parts_in(folder, task)
    why.look("convnet", some(task), [CONVNET], task, folder)
    found = folder.read_why()
    assert found.rung == "convnet" and found.unit == "log-odds" and found.fit == "stretch"
    assert [one.path for one in found.reasons] == some(task)
    for one in found.reasons:
        cells = np.array(one.cells)
        assert cells.shape == (why.CELLS, why.CELLS) and np.isfinite(cells).all() and cells.any()
        assert one.explained in task.dataset.classes and one.alike == ()
    (lack,) = found.lacks
    assert lack.startswith("No training pictures are shown beside them: a network from scratch has no features")


def test_what_is_explained_is_what_the_model_says(task, folder):
    parts_in(folder, task)
    why.look("convnet", some(task), [CONVNET], task, folder)
    predictor = Predictor(*folder.read_model("convnet"), task.cache)
    rows = list(task.split.validation[:2])
    said = predictor(task.pixels(predictor.frame, rows)).argmax(axis=1)
    assert [one.explained for one in folder.read_why().reasons] == [task.dataset.classes[row] for row in said]


def test_the_same_mistakes_of_the_same_model_are_not_explained_again(task, folder, monkeypatch):
    parts_in(folder, task)
    why.look("convnet", some(task), [CONVNET], task, folder)
    before = folder.read_why()
    monkeypatch.setattr(why, "_explained", lambda *_: pytest.fail("was explained again"))
    why.look("convnet", some(task), [CONVNET], task, folder)
    assert folder.read_why() == before
    with pytest.raises(pytest.fail.Exception, match="again"):
        why.look("convnet", some(task, 3), [CONVNET], task, folder)


@pytest.mark.parametrize(("rung", "count"), [("baseline", 2), ("convnet", 0)])
def test_a_baseline_and_a_model_without_mistakes_have_none_and_earlier_ones_go(task, folder, rung, count):
    parts_in(folder, task)
    why.look("convnet", some(task), [CONVNET], task, folder)
    why.look(rung, some(task, count), [CONVNET], task, folder)
    assert folder.read_why() is None


def test_maps_stop_when_they_take_too_long_and_that_is_said(task, folder, monkeypatch):
    parts_in(folder, task)
    monkeypatch.setattr(why, "MOST_SECONDS", -1.0)
    why.look("convnet", some(task), [CONVNET], task, folder)
    found = folder.read_why()
    assert [one.cells for one in found.reasons] == [(), ()]
    assert found.lacks[0].startswith("Maps were made for the first 0 of 2 mistakes, as they took")


def test_a_model_that_cannot_answer_any_more_loses_no_finished_run(task, folder, monkeypatch):
    def broken(*_):
        raise RunError("the network is gone")

    parts_in(folder, task)
    monkeypatch.setattr(why, "occlusion", broken)
    why.look("convnet", some(task), [CONVNET], task, folder)
    assert folder.read_why().lacks[0].startswith("There are no maps of what 'convnet-28px for")
    assert "the network is gone" in folder.read_why().lacks[0]


def test_a_damaged_file_is_made_anew_and_one_of_another_version_is_none(task, folder):
    parts_in(folder, task)
    (folder.path / "why.json").write_text("{")
    with pytest.raises(RunError, match="is not a Why that this version"):
        folder.read_why()
    why.look("convnet", some(task), [CONVNET], task, folder)
    found = folder.read_why()
    folder.write_why(replace(found, schema=found.schema + 1))
    assert folder.read_why() is None


def test_cells_are_means_and_no_more_than_pixels():
    field = np.arange(64, dtype=np.float32).reshape(8, 8)
    assert why._cells(field) == tuple(map(tuple, field.tolist()))
    assert np.array(why._cells(np.ones((3, 3), np.float32))).shape == (3, 3)
    assert np.array(why._cells(np.ones((30, 30), np.float32))).tolist() == [[1.0] * 8] * 8
