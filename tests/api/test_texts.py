"""Texts from end to end: a run, its report, and predictions for files of rows and for text files, without Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import some_texts
import starshift
from starshift.errors import DataError
from starshift.progress import Silent
from starshift.records import files
from starshift.report.texts import TextLook


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run of baseline, linear and ensemble; not to be changed."""
    folder = tmp_path_factory.mktemp("texts")
    source = some_texts.write(folder, each=40)
    out = folder / "run"
    starshift.fit(
        source,
        target="label",
        family="texts",
        rungs="linear,ensemble",
        out=out,
        protocol="holdout",
        progress=Silent(),
    )
    return out


def test_a_run_on_texts_chooses_a_rung_and_opens_the_test_part(run):
    record = starshift.Run(run).record
    assert record.data.family == "texts"
    assert record.chosen in ("linear", "ensemble")
    assert record.test is not None
    assert (run / "model/learnware.json").is_file()


def test_the_report_shows_the_heaviest_words(run):
    look = files.read(run / "texts.json", TextLook)
    heavy = {one.label: [word for word, _ in one.words] for one in look.heavy}
    assert heavy["good"][0] in some_texts.TELLING["good"]
    assert look.told_by == look.rung
    page = (run / "report.html").read_text()
    assert "The heaviest words" in page
    assert "The most confident mistakes" in page
    assert "picture" not in page.partition('id="texts"')[2].partition("</section>")[0]


def test_the_report_is_made_again_without_the_texts(run):
    before = (run / "report.html").read_text().partition('id="texts"')[2].partition("</section>")[0]
    starshift.Run(run).render()
    after = (run / "report.html").read_text().partition('id="texts"')[2].partition("</section>")[0]
    assert before == after


def test_text_files_are_answered_and_bad_ones_have_their_reason(run, tmp_path):
    (tmp_path / "good.txt").write_text("a wonderful and moving evening")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "bad.md").write_text("DULL, dull, awful!")
    found = {Path(one.file).name: one for one in starshift.predict(run, tmp_path)}
    assert found["good.txt"].label == "good"
    assert found["bad.md"].label == "bad"
    assert found["bad.md"].probability > 0.5
    assert found["empty.txt"].reason == f"'{tmp_path / 'empty.txt'}' is empty."
    with pytest.raises(DataError, match="There is no file or folder"):
        starshift.predict(run, tmp_path / "gone.txt")


def test_a_file_of_rows_comes_back_with_columns_added_and_without_keras(run, tmp_path):
    new = tmp_path / "new.csv"
    new.write_text("id,text\n1,a wonderful evening\n2,an awful and dull one\n")
    code = (
        "import sys\n"
        "from starshift.cli.main import app\n"
        f"app(['predict', {str(run)!r}, {str(new)!r}, '--format', 'csv'], standalone_mode=False)\n"
        "assert not {'keras', 'tensorflow', 'openvino', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert rows[0][:4] == ["id", "text", "predicted", "probability"]
    assert [row[2] for row in rows[1:]] == ["good", "bad"]
