"""Sequences from the file to the run, and new ones predicted: without Keras, as far as the linear rung goes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import starshift
from starshift.cli.main import app
from starshift.progress import Silent
from waves import save_waves, waves


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequences")
    source = save_waves(folder / "waves.npz", gaps=True)
    return starshift.fit(source, target="level", rungs="linear", out=folder / "run", progress=Silent())


def test_a_run_says_what_was_learned_from(run):
    record = json.loads((run.path / "run.json").read_text())
    assert record["data"]["family"] == "sequences" and record["chosen"] == "linear"
    assert record["data"]["facts"]["Features"] == "2 (wave and noise)"
    assert "sequence" in (run.path / "report.html").read_text()
    assert "sequences of 24 steps of wave, noise" in (run.path / "model" / "README.md").read_text()


def test_new_sequences_get_a_line_each(run, tmp_path):
    values, _, levels = waves(6, 30, seed=5)
    np.savez(tmp_path / "new.npz", x=values)
    result = CliRunner().invoke(app, ["predict", str(run.path), str(tmp_path / "new.npz"), "--format", "csv"])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["sequence"] for row in rows] == [f"sequence {place}" for place in range(6)]
    assert np.corrcoef([float(row["predicted"]) for row in rows], levels)[0, 1] > 0.9


def test_sequences_of_another_form_are_refused(run, tmp_path):
    np.savez(tmp_path / "new.npz", x=np.zeros((2, 5, 3)))
    result = CliRunner().invoke(app, ["predict", str(run.path), str(tmp_path / "new.npz")])
    assert result.exit_code == 2
    assert "'new.npz' has 3 features; the model takes 2: wave and noise." in " ".join(result.output.split())
