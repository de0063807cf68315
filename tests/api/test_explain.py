"""`starshift.explain`: on a trained network, on a run and on a model alone."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import starshift
from discs import COLOURS, draw
from starshift.api import explain as api
from starshift.api.explain import PAGE, write_explanations
from starshift.errors import UsageError
from starshift.progress import Silent


@pytest.fixture
def photo(tmp_path):
    file = tmp_path / "new.png"
    draw(COLOURS["red"], 77, side=40).save(file)
    return file


def test_a_picture_is_explained_by_maps(finished_run, photo, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    found, lost = starshift.explain(finished_run.path, [photo, broken])
    assert found.label in COLOURS and found.explained == found.label and found.unit == "log-odds"
    assert found.probability == max(found.probabilities.values())
    for field in (found.occlusion, found.grad_cam):
        assert field.dtype == np.float32 and field.shape == (28, 28) and field.any()
    assert found.grad_cam.min() >= 0 and found.grad_cam.max() == 1
    assert found.picture.startswith(b"\xff\xd8") and not found.reason
    (note,) = found.notes
    assert note.startswith("No training pictures are shown beside it: a network from scratch has no features")
    assert lost.reason and lost.occlusion is None and lost.file == str(broken)


def test_another_class_can_be_asked_for(finished_run, photo):
    (answered,) = starshift.explain(finished_run.path, photo, grad_cam=False)
    other = next(name for name in COLOURS if name != answered.label)
    (asked,) = starshift.explain(finished_run.path, photo, label=other, grad_cam=False)
    assert asked.explained == other and asked.label == answered.label and asked.grad_cam is None
    assert np.corrcoef(asked.occlusion.ravel(), answered.occlusion.ravel())[0, 1] < 0.5


def test_a_model_alone_is_explained_too_and_says_what_it_does_not_know(finished_run, photo, tmp_path):
    alone = shutil.copytree(finished_run.path / "model", tmp_path / "model")
    (found,) = starshift.explain(alone, photo, grad_cam=False)
    assert found.occlusion is not None and found.alike == ()
    assert found.notes == (
        "No training pictures are shown beside it: this is a model without its run, which knows them.",
    )
    with pytest.raises(UsageError, match="is a model without its run; say with --out where to write the page"):
        write_explanations(alone, photo)
    page, _ = write_explanations(alone, photo, out=tmp_path / "out")
    assert page == tmp_path / "out" / PAGE and page.is_file()


def test_the_page_and_its_pictures_lie_in_the_run(finished_run, photo):
    page, (found,) = write_explanations(finished_run.path, photo)
    assert page == finished_run.path / "explanations" / PAGE
    assert {file.name for file in page.parent.iterdir()} >= {
        PAGE, "01-new-picture.jpg", "01-new-occlusion.jpg", "01-new-grad-cam.jpg"
    }  # fmt: skip
    assert found.label in page.read_text(encoding="utf-8")


def test_what_cannot_be_explained_is_refused_in_words(finished_run, photo, tmp_path, monkeypatch):
    baseline = finished_run.path / "rungs/baseline/model"
    with pytest.raises(UsageError, match=r"is the baseline, which looks at no picture: there is nothing to explain"):
        starshift.explain(baseline, photo)
    with pytest.raises(UsageError, match=r"The model knows no class 'rad'\. Did you mean 'red'\?"):
        starshift.explain(finished_run.path, photo, label="rad")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="There is no picture among the files"):
        starshift.explain(finished_run.path, tmp_path / "empty")
    with pytest.raises(UsageError, match=r"new\.png is a file; name a folder for the page with --out"):
        write_explanations(finished_run.path, photo, out=photo)
    monkeypatch.setattr(api, "MOST", 1)
    with pytest.raises(UsageError, match="2 pictures came; at most 1 are explained at a time"):
        starshift.explain(finished_run.path, [photo, photo])


@pytest.mark.slow
@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize(
    ("rung", "options"),
    [("features", {}), ("features", {"base": "mobilenet_v2+mobilenet"}), ("features", {"head": "dense256"}),
     ("features:cuts=block_13_project_BN/top", {"base": "mobilenet_v2"}), ("fine-tuned", {})],
)  # fmt: skip
def test_every_pretrained_rung_is_explained(finished_pictures, photo, tmp_path, rung, options):
    run = starshift.fit(
        finished_pictures, rungs=rung, out=tmp_path / "run", budget="30m", size=96, protocol="holdout", **options,
        progress=Silent(),
    )  # fmt: skip
    assert run.record.chosen != "baseline"
    (found,) = starshift.explain(run.path, photo)
    assert found.occlusion.shape == found.grad_cam.shape == (96, 96)
    assert found.notes == () and found.grad_cam.max() == 1
    assert len(found.alike) == 3 and all(one.thumbnail for one in found.alike)
    assert found.alike[0].label == "red"
