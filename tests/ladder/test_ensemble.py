from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from starshift.compose.opening import open_model
from starshift.data.decode import Frame
from starshift.errors import RunError
from starshift.evaluation.permits import rows_for
from starshift.ladder import ensemble, inside
from starshift.ladder import fit as ways
from starshift.ladder.answering import predict_part
from starshift.learnware import package
from starshift.recipe import Recipe, Stage

pytestmark = pytest.mark.usefixtures("weights_home")
STRENGTHS = (1e-2,)
STAGE = Stage(optimizer="adam", learning_rate=0.01, batch_size=8, epochs=2)
LARGE = Recipe("frozen", 44, arguments={"bases": ("mobilenet_v2",), "strengths": STRENGTHS, "mirrored": True})
SMALL = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": STRENGTHS})
NETWORK = Recipe("convnet-28px", 20, stages=(STAGE,))


def together(*members: Recipe, **arguments) -> Recipe:
    return Recipe("ensemble", max(one.size for one in members), arguments=arguments, members=members)


def saved(model, materials, folder: Path):
    learnware = package.write(model.learnware, model.tensors, folder)
    return open_model(*package.read(folder), materials.cache), learnware


def fitted(recipe, materials):
    return ways.fit(recipe, materials, on_epoch=lambda epoch: None)


@pytest.mark.parametrize("how", ["weighted", "greedy", "average", "vote"])
def test_an_ensemble_answers_the_same_from_the_store_from_pixels_and_after_it_was_saved(how, make_materials, tmp_path):
    materials = make_materials()
    model = fitted(together(LARGE, SMALL, combine=how), materials)
    predictor, learnware = saved(model, materials, tmp_path / "model")
    assert predictor.frames == (Frame(44), Frame(32)) or how == "greedy"
    stored = predict_part(predictor, materials, materials.split.validation).probabilities
    pixels = {frame: materials.pixels(frame, materials.split.validation) for frame in predictor.frames}
    np.testing.assert_allclose(stored, predictor(pixels), atol=0.02)
    shrunk = predictor(pixels[predictor.frame])  # for members that look at smaller pictures
    assert shrunk.shape == stored.shape and (shrunk.argmax(axis=1) == stored.argmax(axis=1)).mean() > 0.8
    np.testing.assert_allclose(stored.sum(axis=1), 1, rtol=1e-5)
    assert (stored.argmax(axis=1) == materials.targets[list(materials.split.validation)]).mean() > 0.8
    assert learnware.builder == "ensemble" and len(learnware.members) == len(model.tensors["weights"])
    assert [base.name for base in learnware.bases] == ["mobilenet_v2"]


def test_weights_are_chosen_on_pictures_that_the_models_asked_did_not_see(make_materials):
    materials = make_materials()
    member = ensemble.members(together(SMALL), materials, ways._fit_one, held_out=True)[0]
    train = set(rows_for("weights", materials.split).tolist())
    held = [set(one.indices.tolist()) for one in member.held_out]
    assert set().union(*held) <= train and sum(map(len, held)) == len(set().union(*held))
    assert not any(np.array_equal(one.tensors["head/kernel"], member.models[0].tensors["head/kernel"])
                   for one in member.held_out)  # fmt: skip
    answers = ensemble.held_out_answers(member, materials)
    assert answers.shape == (len(train), 3)


def test_a_network_is_fitted_once_for_every_fold_and_these_answer_together(make_materials, tmp_path):
    materials = make_materials()
    model = fitted(together(NETWORK, SMALL, folds=2), materials)
    assert model.details["members"] == "2 of 2 that were tried, 3 models"
    predictor, learnware = saved(model, materials, tmp_path / "model")
    assert [one.builder for one in learnware.members] == ["convnet-28px", "convnet-28px", "frozen"]
    record = inside.look(
        predictor, predict_part(predictor, materials, materials.split.validation), materials, materials.split.validation
    )
    assert [one.models for one in record.members] == [2, 1]
    assert sum(one.weight for one in record.members) == pytest.approx(1, abs=1e-3)
    assert len(record.disagreement) == 2 and record.variance is None
    assert record.accuracy >= min(one.accuracy for one in record.members)


def test_starts_differ_and_are_told_apart(make_materials):
    recipe = together(NETWORK, NETWORK, SMALL, combine="average")
    titles = ensemble.titles(recipe)
    assert titles == ["convnet-28px, by adam, start 1", "convnet-28px, by adam, start 2", "MobileNetV2, frozen"]
    model = fitted(recipe, make_materials())
    assert not np.array_equal(model.tensors["member/head/kernel"], model.tensors["member_2/head/kernel"])


def test_bagging_draws_a_sample_for_each_member(make_materials):
    materials = make_materials()
    model = fitted(together(SMALL, SMALL, combine="average", bagging=True), materials)
    assert not np.array_equal(model.tensors["member/head/kernel"], model.tensors["member_2/head/kernel"])
    drawn = ensemble.bootstrap(materials)
    train = rows_for("weights", materials.split)
    assert set(drawn) < set(train.tolist()) and 0.4 < len(drawn) / len(train) < 0.9
    assert set(materials.targets[list(drawn)]) == set(materials.targets[train])


def test_averaged_weights_are_one_model(make_materials, tmp_path):
    materials = make_materials()
    model = fitted(together(SMALL, SMALL, combine="weights", bagging=True), materials)
    assert model.learnware.builder == "frozen" and not model.learnware.members
    assert model.details["weights"] == "the mean of those of 2 models"
    predictor, _ = saved(model, materials, tmp_path / "model")
    assert predict_part(predictor, materials, materials.split.validation).probabilities.shape[1] == 3


def test_models_of_other_shapes_have_no_mean():
    from starshift.ladder.materials import Model

    models = [Model(None, {"head/kernel": np.zeros((size, 1))}) for size in (2, 3)]
    with pytest.raises(RunError, match="Only models of one architecture can have their weights averaged"):
        ensemble._of_one_weight([ensemble.Member("x", tuple(models), ())])


def test_features_that_members_share_are_foretold_once(make_materials):
    materials = make_materials()
    one = ways.predict_seconds(together(SMALL, combine="average"), materials)
    assert ways.predict_seconds(together(SMALL, SMALL, combine="average"), materials) == pytest.approx(one)
    assert ways.predict_seconds(together(SMALL, LARGE, combine="average"), materials) > one


def test_weights_that_are_none_are_refused(make_materials, tmp_path):
    materials = make_materials()
    model = fitted(together(SMALL, combine="average"), materials)
    for wrong in (np.array([-1.0]), np.array([0.0]), np.array([1.0, 1.0])):
        with pytest.raises(RunError, match="no usable 'weights', which say what each of its members counts"):
            package.write(model.learnware, {**model.tensors, "weights": wrong}, tmp_path / "model")
        with pytest.raises(RunError, match="no usable 'weights', which say what each of its members counts"):
            open_model(model.learnware, {**model.tensors, "weights": wrong}, materials.cache)


def test_a_model_that_says_it_has_members_and_has_none_is_refused(make_materials, tmp_path):
    materials = make_materials()
    model = fitted(together(SMALL, combine="average"), materials)
    with pytest.raises(RunError, match="An ensemble has members, and no other model has"):
        package.write(structs.replace(model.learnware, members=()), model.tensors, tmp_path / "model")
