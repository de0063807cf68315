from __future__ import annotations

import shutil

import pytest

import starshift
from starshift.errors import DataError, UsageError
from starshift.progress import Silent


def test_a_check_reads_and_looks(tiny_pictures):
    shutil.copy(tiny_pictures / "red/red-00.png", tiny_pictures / "red/again.png")
    (tiny_pictures / "sky/broken.jpg").write_bytes(b"\xff\xd8\xff")
    checked = starshift.check(tiny_pictures)
    assert len(checked.dataset.pictures) == 37
    assert [aside.path for aside in checked.dataset.set_aside] == ["sky/broken.jpg"]
    # The classes of these pictures are colours, which is told and left to the reader to judge.
    assert [finding.kind for finding in checked.findings] == ["exact copies", "shortcut"]
    assert "from the mean colour in" in checked.findings[1].sentence


def test_a_check_takes_a_label_file(tmp_path, finished_pictures):
    (tmp_path / "flat").mkdir()
    lines = ["id,colour"]
    for name in ("red", "green"):
        for number in range(4):
            shutil.copy(
                finished_pictures / name / f"{name}-{2 * number:02d}.png", tmp_path / "flat" / f"{name}{number}.png"
            )
            lines.append(f"{name}{number},{name}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    checked = starshift.check(tmp_path / "flat", labels=tmp_path / "labels.csv", file_column="id", target="colour")
    assert checked.dataset.classes == ("green", "red") and checked.dataset.layout == "label file"


def test_what_cannot_be_used_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        starshift.check(tmp_path / "empty")
    with pytest.raises(UsageError, match="give it with --labels"):
        starshift.check(tmp_path / "empty", target="breed")


def test_a_bar_goes_away_whatever_happens(tmp_path):
    gone = []

    class Watched(Silent):
        def finish(self):
            gone.append(True)

    with pytest.raises(DataError):
        starshift.check(tmp_path / "nowhere", progress=Watched())
    assert gone
