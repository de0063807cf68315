"""The seeds' experiments on texts: what is held out, what is fitted, and what the table says."""

from __future__ import annotations

import numpy as np
import pytest

import some_texts
from starshift.api import reproduce_texts
from starshift.api.outcome import Asked
from starshift.api.reproduce_texts import IMDB, REUTERS, Experiment, Fitted, find_texts, hold_out, imdb
from starshift.errors import DataError
from starshift.progress import Silent
from starshift.records import files


def asked(tmp_path, seeds: int = 1) -> Asked:
    (tmp_path / "out").mkdir(exist_ok=True)
    return Asked(tmp_path, tmp_path / "out", seeds, False, Silent())


def test_the_amounts_are_the_seeds():
    assert (IMDB.held_out, IMDB.epochs, IMDB.units) == (10_000, 20, (16, 16))
    assert (REUTERS.held_out, REUTERS.epochs, REUTERS.units) == (1_000, 9, (64, 64))
    assert REUTERS.labels == ("one-hot", "integer")


def test_exactly_so_many_are_held_out_and_copies_are_on_one_side(tmp_path):
    texts = some_texts.read(tmp_path)
    split = hold_out(texts, 10, 0)
    assert (len(split.validation), len(split.train)) == (10, 38)
    assert not set(split.validation) & set(split.train)
    assert hold_out(texts, 10, 1).validation != split.validation
    with pytest.raises(DataError, match="48 texts came, of which 48 are to be held out"):
        hold_out(texts, 48, 0)


def test_texts_are_found_in_files_or_said_to_be_missing(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        find_texts(tmp_path / "gone")
    with pytest.raises(DataError, match=r"holds neither train\.csv nor train\.csv\.gz nor a folder train"):
        find_texts(tmp_path)
    some_texts.write(tmp_path, name="train.csv")
    assert find_texts(tmp_path)[1] is None
    some_texts.write(tmp_path, classes=3, name="test.csv")
    with pytest.raises(DataError, match="classes that training never saw: odd"):
        find_texts(tmp_path)


def test_the_table_has_a_line_for_every_recipe_and_keeps_what_is_finished(tmp_path, monkeypatch):
    some_texts.write(tmp_path, name="train.csv")
    some_texts.write(tmp_path, each=6, name="test.csv")
    monkeypatch.setattr(
        reproduce_texts, "IMDB", Experiment(12, 3, (4,), {"the seeds' 4-1, best epoch, on all": "88 %"}, True)
    )
    made = []

    def pretend(recipe, materials, test):
        made.append((recipe, len(materials.split.train)))
        return Fitted(len(materials.split.train), 0.9, 0.8, 0.7 if test else None, 1.5, 3, 2)

    monkeypatch.setattr(reproduce_texts, "_fitted", pretend)
    lines, notes = imdb(asked(tmp_path, seeds=2))
    names = [(line.recipe, line.metric) for line in lines]
    assert names == [
        ("the seeds' 4-1, 3 epochs", "accuracy, held out"),
        ("the seeds' 4-1, best epoch", "accuracy, held out"),
        ("the seeds' 4-1, best epoch, on all", "accuracy, test"),
        ("linear", "accuracy, held out"),
        ("linear, on all", "accuracy, test"),
        ("ensemble", "accuracy, held out"),
        ("ensemble, on all", "accuracy, test"),
    ]
    assert lines[2].theirs == "88 %"
    assert lines[0].here == (0.9, 0.9)
    assert made[1][0].stages[0].epochs == 2  # the best epoch of the whole training
    assert {count for _, count in made} == {36, 48}
    assert any("seed by seed: 2, 2; the seeds' is 4" in note for note in notes)
    assert len(files.read(tmp_path / "out" / "results.json", dict[str, Fitted])) == len(made) == 14
    imdb(asked(tmp_path, seeds=2))
    assert len(made) == 14


@pytest.mark.slow
def test_integer_labels_have_the_loss_of_one_hot_ones():
    from starshift.training.keras_setup import load_keras

    keras = load_keras()
    targets = np.eye(3, dtype=np.float32)[[0, 2]]
    outputs = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]], np.float32)
    found = reproduce_texts.integer_crossentropy(
        keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(outputs)
    )
    np.testing.assert_allclose(np.asarray(found), -np.log([0.7, 0.4]), atol=1e-5)
