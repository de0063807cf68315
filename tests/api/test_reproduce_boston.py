"""The experiment on a table that looks like the housing data, with recipes that take a moment."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.api import experiments, reproduce_boston
from starshift.api.experiments import run
from starshift.errors import DataError, UsageError
from starshift.progress import Silent
from starshift.recipe import Recipe
from tabular import write

LINEAR = {name: Recipe(builder="table-linear", size=1) for name in ("first", "ensemble")}


@pytest.fixture
def housing(tmp_path):
    rng = np.random.default_rng(0)
    rooms, race = rng.normal(6, 1, 60), rng.normal(350, 30, 60)
    rows = [[f"{a:.3f}", f"{b:.2f}", f"{5 * a + b / 50:.2f}"] for a, b in zip(rooms, race, strict=True)]
    write(tmp_path / "boston_housing.csv", rows, ("rm", "b", "medv"))
    return tmp_path


def test_the_table_is_written_and_the_column_left_out(housing, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce_boston, "RECIPES", LINEAR)
    outcome = run("boston", data=housing, seeds=2, out=tmp_path / "out", progress=Silent())
    assert [(line.recipe, len(line.here)) for line in outcome.lines] == [("first", 2), ("ensemble", 2)]
    assert 0 < outcome.lines[0].here[0] < 5
    page = (tmp_path / "out" / "table.md").read_text()
    assert "| ensemble | mean absolute error (1000 $) |" in page and "below 2.11" in page
    assert "The column 'b', which encodes race, is left out" in page and "corrected resampled t-test" in page
    whole = run("boston", data=housing, seeds=2, all_columns=True, out=tmp_path / "whole", progress=Silent())
    assert whole.lines[0].here != outcome.lines[0].here
    assert not any("race" in note for note in whole.notes) and "--all-columns" in whole.command


def test_what_is_finished_is_not_fitted_again(housing, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce_boston, "RECIPES", LINEAR)
    first = run("boston", data=housing, seeds=1, out=tmp_path / "out", progress=Silent())
    monkeypatch.setattr(reproduce_boston, "_error", lambda *args: pytest.fail("fitted again"))
    assert run("boston", data=housing, seeds=1, out=tmp_path / "out", progress=Silent()).lines == first.lines


def test_folds_are_blocks_of_a_shuffle_and_hold_every_row_once():
    folds = reproduce_boston.folds_of(506, 0)
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == list(range(506))
    assert all(not set(fitted) & set(held) for fitted, held in folds)


def test_the_seeds_recipe_has_its_true_amounts():
    recipe = reproduce_boston.RECIPES["the seeds' 64-64-1"]
    stage = recipe.stages[0]
    assert (stage.epochs, stage.batch_size, stage.optimizer, stage.learning_rate) == (100, 1, "rmsprop", 1e-3)
    assert recipe.arguments == {"units": (64, 64)} and reproduce_boston.FOLDS == 4


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(DataError, match=r"Give the folder with boston_housing.csv, or the file itself, by --data"):
        run("boston", data=tmp_path, out=tmp_path / "out", progress=Silent())
    with pytest.raises(UsageError, match="1 to 20; 0 came"):
        run("boston", data=tmp_path, seeds=0)
    assert "boston" in experiments.EXPERIMENTS
