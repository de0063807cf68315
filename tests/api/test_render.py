from __future__ import annotations

import shutil

import pytest

import starshift
from starshift.api.run import Run
from starshift.errors import RunError


def test_a_report_is_rendered_again_from_the_folder_alone(finished_run, tmp_path):
    shutil.copytree(finished_run.path, tmp_path / "moved")
    (tmp_path / "moved/report.html").unlink()
    report = Run(tmp_path / "moved").render()
    assert report == tmp_path / "moved/report.html"
    first = report.read_text(encoding="utf-8")
    assert (
        first.count("data:image/jpeg") == finished_run.report.read_text(encoding="utf-8").count("data:image/jpeg") > 0
    )
    assert Run(tmp_path / "moved").render().read_text(encoding="utf-8") == first


def test_thumbnails_lie_in_the_folder_under_their_digests(finished_run):
    names = [file.name for file in (finished_run.path / "thumbnails").iterdir()]
    assert names and all(len(name) == 68 and name.endswith(".jpg") for name in names)
    assert "data:image/jpeg;base64," in finished_run.report.read_text(encoding="utf-8")


def test_a_report_without_its_thumbnails_is_a_report(finished_run, tmp_path):
    shutil.copytree(finished_run.path, tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved/thumbnails")
    (tmp_path / "moved/map.json").unlink()  # it holds small pictures of its own
    assert "data:image/jpeg" not in Run(tmp_path / "moved").render().read_text(encoding="utf-8")


def test_a_report_says_how_to_repeat_the_run(finished_run):
    assert f"starshift fit {finished_run.record.data.source}" in finished_run.report.read_text(encoding="utf-8")


def test_what_is_no_run_is_refused_when_it_is_opened(tmp_path):
    with pytest.raises(RunError, match="is not the folder of a run"):
        starshift.Run(tmp_path)


def test_damaged_predictions_are_a_sentence(finished_run, tmp_path):
    shutil.copytree(finished_run.path, tmp_path / "moved")
    (tmp_path / "moved/rungs/convnet/validation.csv").write_text("file,label\n\n")
    with pytest.raises(RunError, match=r"validation.csv does not hold predictions"):
        Run(tmp_path / "moved").render()
