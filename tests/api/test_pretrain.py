"""`starshift.pretrain`, and fits that start from what it made."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import starshift
from discs import draw_set
from starshift import catalogue
from starshift.api import pretrain as module
from starshift.cli.main import app
from starshift.errors import RunError
from starshift.progress import Silent

QUICK = "modern:epochs=6:width=4:steps_per_epoch=2"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A base that has seen little, made quickly."""
    root = tmp_path_factory.mktemp("pretrain")
    pictures = draw_set(root / "big", classes=("green", "red"), per_class=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "RUNG", QUICK)
        yield starshift.pretrain(pictures, out=root / "mine", size=24, budget="1h", progress=Silent())


def test_it_is_a_row_of_the_catalogue_and_its_weights(base):
    row, weights = catalogue.parse(str(base))
    assert (row.title, row.size, row.builder, row.features) == ("mine", 24, "modern", 16)
    assert "right for " in row.trained_on and weights.is_file()
    assert (base / "run/report.html").is_file()


def test_frozen_features_start_from_it_and_predict_again(base, tmp_path):
    pictures = draw_set(tmp_path / "new")
    run = starshift.fit(
        pictures, base=str(base), rungs="features", size=24, out=tmp_path / "run", budget="1h", progress=Silent()
    )
    features = next(rung for rung in run.record.rungs if rung.name == "features")
    assert features.status == "finished" and features.details["pretrained base"] == "mine"
    answers = run.predict(pictures / "sky")
    assert np.allclose([sum(answer.probabilities.values()) for answer in answers], 1, atol=1e-5)


@pytest.mark.slow
def test_fine_tuning_starts_from_it(base, tmp_path):
    pictures = draw_set(tmp_path / "new")
    run = starshift.fit(
        pictures, base=str(base), rungs="fine-tuned", size=24, out=tmp_path / "run", budget="1h", progress=Silent()
    )
    assert next(rung.status for rung in run.record.rungs if rung.name == "fine-tuned") == "finished"


def test_a_budget_that_is_too_short_makes_no_base(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RUNG", "modern:epochs=100000:width=4")
    pictures = draw_set(tmp_path / "big", classes=("green", "red"))
    with pytest.raises(RunError, match="No base was made: it would take about "):
        starshift.pretrain(pictures, out=tmp_path / "mine", size=24, budget="1s", progress=Silent())
    assert not (tmp_path / "mine" / catalogue.OWN_FILE).exists()


def test_the_command_says_what_is_wrong(tmp_path):
    result = CliRunner().invoke(app, ["pretrain", str(tmp_path / "none"), "--out", str(tmp_path / "mine")])
    assert result.exit_code == 2 and "There is no folder or zip file" in result.output
