from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import starshift
from starshift.api.demo import DEMO_PICTURES, write_digits


def test_digits_are_written_as_a_folder_like_any_other(tmp_path):
    folder = write_digits(tmp_path / "digits", pictures=50)
    files = sorted(folder.rglob("*.png"))
    assert len(files) == 50 and {file.parent.name for file in files} <= set("0123456789")
    digits = load_digits()
    for file in files[:5]:
        index = int(file.stem.partition("-")[2])
        assert digits.target[index] == int(file.parent.name)
        grey = 255 - np.asarray(Image.open(file)).astype(int)
        np.testing.assert_allclose(grey * 16 / 255, digits.images[index], atol=0.05)


def test_writing_again_leaves_the_files_alone(tmp_path):
    folder = write_digits(tmp_path / "digits", pictures=20)
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")}
    write_digits(tmp_path / "digits", pictures=20)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")} == before


@pytest.mark.slow
def test_the_demo_runs_from_end_to_end(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "starshift", "demo"], cwd=tmp_path, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert f"{DEMO_PICTURES} pictures of 10 classes" in done.stderr
    run = starshift.Run(tmp_path / "runs/demo/run")
    baseline, convnet, features = run.record.rungs
    assert (baseline.status, convnet.status, features.status) == ("finished", "finished", "skipped")
    assert convnet.score.accuracy.value > 0.75
    assert convnet.verdict.outcome == "gain"
    assert convnet.predicted_seconds > 0
    assert done.stdout.rstrip().endswith("report.html")
