from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from starshift.compose.opening import open_model
from starshift.compose.tables import TableModel
from starshift.data.kinds import Wanted
from starshift.data.tables import read_table
from starshift.errors import MissingExtra, RunError
from starshift.ladder import fit as ways
from starshift.ladder import tables, tabular
from starshift.ladder.answering import predict_part
from starshift.ladder.families import select
from starshift.ladder.materials import Materials
from starshift.ladder.options import Options
from starshift.ladder.paces import Paces
from starshift.learnware import package
from starshift.models import tabular_forest, trees
from starshift.progress import Silent
from starshift.recipe.stage import FEWEST_STEPS
from starshift.records import Split, TableContract
from tabular import houses, write


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(tabular_forest, "TREES", 20)
    monkeypatch.setattr(trees, "MOST_ROUNDS", 40)


@pytest.fixture
def materials(tmp_path):
    def made(*targets: Wanted, rows=None) -> Materials:
        file = write(tmp_path / "houses.csv", rows or houses())
        table = read_table(file, targets)
        split = Split(tuple(range(80)), tuple(range(80, len(table.dataset.examples))), (), "given")
        return Materials(table, split, (), 0, tmp_path, Paces(tmp_path), Silent())

    return made


PRICE, SORT = Wanted("price"), Wanted("sort")


def fitted(name, materials):
    recipe = tables.RUNGS[name].recipe(Options(), materials.dataset)
    return ways.fit(recipe, materials, on_epoch=lambda epoch: None)


@pytest.mark.parametrize("target", [PRICE, SORT])
@pytest.mark.parametrize("name", ["baseline", "linear", "trees", "ensemble"])
def test_a_rung_is_fitted_packed_and_answers(name, target, materials, tmp_path):
    given = materials(target, SORT if target is PRICE else PRICE).about
    one = given(read_table(tmp_path / "houses.csv", [target]).dataset.target)
    model = fitted(name, one)
    package.write(model.learnware, model.tensors, tmp_path / "model")
    learnware, tensors = package.read(tmp_path / "model")
    assert isinstance(learnware.input, TableContract)
    assert [column.name for column in learnware.input.columns] == ["size", "colour", "paid", "day"]
    answers = predict_part(open_model(learnware, tensors, tmp_path), one, one.split.validation)
    if name == "baseline":
        return
    baseline = fitted("baseline", one)
    constant = predict_part(open_model(baseline.learnware, baseline.tensors, tmp_path), one, one.split.validation)
    better = answers.figures.mean() < constant.figures.mean()
    assert better if target is PRICE else not better


def test_means_and_categories_are_those_of_the_training_part(materials):
    rows = list(houses())
    for row in rows[80:]:
        row[1], row[2] = "1000", "violet"
    given = materials(PRICE, rows=rows)
    encoding = tabular.encoding_of(given)
    assert abs(encoding.means[0]) < 1 and "violet" not in encoding.columns[1].categories


def test_details_say_what_the_model_holds(materials):
    model = fitted("ensemble", materials(PRICE))
    assert model.details["holds"].startswith("the training rows, standardized")
    assert "with 1 that say where a value is missing" in model.details["features"]
    assert "× trees (" in model.details["model"]


def test_tensors_that_do_not_fit_are_refused(materials, tmp_path):
    model = fitted("linear", materials(PRICE))
    less = {name: array for name, array in model.tensors.items() if name != "encoding/means"}
    with pytest.raises(RunError, match="means and scales"):
        TableModel(model.learnware, less)
    other = msgspec.structs.replace(model.learnware, builder="table-ensemble")
    with pytest.raises(RunError, match="are not those of an ensemble"):
        TableModel(other, model.tensors).answer(materials(PRICE).content, [0])


def test_a_share_stays_between_0_and_1(materials):
    rows = list(houses())
    for row in rows:
        row[5] = str(min(1.0, max(0.0, 0.5 + float(row[1] or 0) / 4)))
    given = materials(Wanted("price", "share"), rows=rows)
    model = fitted("linear", given)
    outputs = TableModel(model.learnware, model.tensors).answer(given.content, range(120))
    assert outputs.min() >= 0 and outputs.max() <= 1


def test_without_lightgbm_rungs_that_need_it_say_so(materials, monkeypatch):
    def refuse():
        raise MissingExtra("LightGBM cannot be loaded")

    monkeypatch.setattr(trees, "load", refuse)
    given = materials(PRICE)
    with pytest.raises(MissingExtra):
        ways.depends_on(tables.trees(Options(), given.dataset), given)
    assert ways.depends_on(tables.linear(Options(), given.dataset), given) == ()


def test_predicted_seconds_are_positive_and_grow(materials):
    given = materials(PRICE)
    assert ways.predict_seconds(tables.linear(Options(), given.dataset), given) > 0
    seconds = ways.predict_seconds(tables.ensemble(Options(), given.dataset), given)
    given.paces.put("table-ensemble, row and feature", 1.0)
    assert ways.predict_seconds(tables.ensemble(Options(), given.dataset), given) > seconds


def test_folds_keep_copies_on_one_side(materials):
    given = replace(materials(PRICE), groups=[[0, 1, 2, 3]])
    for fitted_on, held in tabular.folds_of(given):
        assert len({0, 1, 2, 3} & set(held.tolist())) in (0, 4) and not set(held) & set(fitted_on)


def test_the_ladder_has_its_rungs_by_name():
    assert [rung.name for rung in select([], "table")] == ["baseline", "linear", "trees", "dense", "ensemble"]
    assert select(["dense:dropout=0.2:epochs=20"], "table")[-1].name == "dense:dropout=0.2:epochs=20"


def test_an_epoch_has_neither_too_few_nor_too_many_steps(materials):
    dataset = materials(PRICE).dataset
    assert tables.dense(Options(), dataset).stages[0].steps_per_epoch == FEWEST_STEPS
    few = msgspec.structs.replace(dataset, examples=dataset.examples * 10)
    assert tables.dense(Options(), few).stages[0].steps_per_epoch == 0
    many = msgspec.structs.replace(dataset, examples=dataset.examples * 100)
    assert tables.dense(Options(), many).stages[0].steps_per_epoch == tables.MOST_STEPS


def test_a_dense_network_that_diverged_is_said_and_recorded(materials, monkeypatch):
    from starshift.training import fit

    said, weights = "The loss became nan in epoch 2. The weights of epoch 1 were kept.", {"head/bias": np.ones(3)}
    stopped = fit.Trained(weights, (), "float32", "of epoch 1", said)
    monkeypatch.setattr(fit, "train", lambda *plain, **named: stopped)
    remarks = []
    monkeypatch.setattr(Silent, "say", lambda self, sentence: remarks.append(sentence))
    details = fitted("dense", materials(PRICE)).details
    assert remarks == [said] and details["stopped"] == said and details["weights"] == "of epoch 1"
    assert details["parameters"] == "3" and details["training"].endswith("falling by a cosine")


@pytest.mark.slow
@pytest.mark.parametrize("target", [PRICE, SORT, Wanted("colour")])
def test_the_dense_network_answers_by_numpy_as_keras_does(target, materials, tmp_path):
    from starshift.models.tabular_dense import build

    given = materials(target)
    recipe = tables.RUNGS["dense"].recipe(Options(), given.dataset)
    stage = msgspec.structs.replace(recipe.stages[0], epochs=3)
    model = ways.fit(msgspec.structs.replace(recipe, stages=(stage,)), given, on_epoch=lambda epoch: None)
    answering = TableModel(model.learnware, model.tensors)
    outputs = answering.answer(given.content, range(20))
    network = build(answering.encoding.features(given.content, [0]).shape[1], given.target)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([model.tensors[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    said = np.asarray(network(answering.encoding.features(given.content, range(20)).astype(np.float32)))
    if given.target.is_number:
        expected = said[:, 0] * model.tensors["target/scale"] + model.tensors["target/mean"]
    else:
        expected = said if said.shape[1] > 1 else np.concatenate([1 - said, said], axis=1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    assert len(model.history) == 3
