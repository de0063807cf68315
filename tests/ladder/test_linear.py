from __future__ import annotations

import math

import numpy as np
import pytest

from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame
from starshift.ladder import frozen, linear
from starshift.ladder.answering import predict_part
from starshift.ladder.options import Options
from starshift.ladder.rungs import RUNGS
from starshift.recipe import Recipe
from starshift.records import Dataset, Picture, Target

STRENGTHS = (1e-2,)
PLAIN = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": STRENGTHS})
AUGMENTED = Recipe("frozen", 32, arguments={**PLAIN.arguments, "views": 4, "augmentation": "crops"})
pytestmark = pytest.mark.usefixtures("weights_home")


def test_the_rung_is_features_with_views_of_crops():
    picture = Picture("a", "x", "", "a", 500, 375, "JPEG", "RGB", 9)
    dataset = Dataset("x", "class folders", (Target.of_classes(("x", "y")),), (picture,) * 2000)
    augmented, plain = (RUNGS[name].recipe(Options(), dataset) for name in ("features-augmented", "features"))
    assert augmented.arguments == {**plain.arguments, "views": 4, "augmentation": "crops"}


def test_views_are_learned_from_and_counted(make_materials):
    materials = make_materials()
    model = frozen.fit(AUGMENTED, materials)
    assert model.details["augmented views"] == "4 of each training picture (crops), beside the picture itself"
    assert model.nondeterministic == ""
    plain = frozen.fit(PLAIN, materials)
    assert "augmented views" not in plain.details
    assert not np.array_equal(model.tensors["head/kernel"], plain.tensors["head/kernel"])
    assert model.learnware.arguments["views"] == 4


def test_the_same_views_come_again_from_the_store(make_materials, monkeypatch):
    first = frozen.fit(AUGMENTED, make_materials())
    monkeypatch.setattr("starshift.inference.network.Network.run", lambda *_: pytest.fail("was computed again"))
    again = frozen.fit(AUGMENTED, make_materials())
    np.testing.assert_array_equal(first.tensors["head/kernel"], again.tensors["head/kernel"])


def test_only_the_plain_view_is_predicted_from(make_materials):
    materials = make_materials()
    model = frozen.fit(AUGMENTED, materials)
    predictor = Predictor(model.learnware, model.tensors, materials.cache)
    stored = predict_part(predictor, materials, materials.split.validation).probabilities
    anew = predictor(materials.pixels(predictor.frame, materials.split.validation))
    np.testing.assert_allclose(stored, anew, atol=0.02)


def test_views_are_halved_until_they_fit_and_the_record_says_so(make_materials):
    materials = make_materials()
    bases = frozen.find_bases(AUGMENTED, materials)
    materials.paces.put(linear._view_pace_name(AUGMENTED, bases.bases[0]), 1.0)  # 24 pictures, so 24 s for each view
    materials.paces.put(linear.HEAD_PACE_NAME, 1e-15)
    assert linear.affordable_views(AUGMENTED, materials, bases) == 1
    materials.paces.put(linear._view_pace_name(AUGMENTED, bases.bases[0]), linear.VIEW_SECONDS / 24 / 2.5)
    assert linear.affordable_views(AUGMENTED, materials, bases) == 2
    model = frozen.fit(AUGMENTED, materials)
    assert "2 of each training picture" in model.details["augmented views"]
    assert "4 would have taken more than 45 s" in model.details["augmented views"]
    assert "depends on how fast this machine was found to be" in model.nondeterministic


def test_a_smaller_budget_leaves_views_half_of_it(make_materials):
    materials = make_materials(budget_seconds=10)
    bases = frozen.find_bases(AUGMENTED, materials)
    materials.paces.put(linear._view_pace_name(AUGMENTED, bases.bases[0]), 5 / 24 / 2.5)
    materials.paces.put(linear.HEAD_PACE_NAME, 1e-15)
    assert linear.affordable_views(AUGMENTED, materials, bases) == 2


def test_what_is_predicted_to_take_grows_with_what_is_missing(make_materials):
    materials = make_materials()
    seeds = Recipe("frozen", 32, arguments={**AUGMENTED.arguments, "augmentation": "digits"})
    name = linear._view_pace_name(seeds, frozen.find_bases(seeds, materials).bases[0])
    materials.paces.put(name, 0.25)
    before = frozen.predict_seconds(seeds, materials)
    frozen.fit(seeds, materials)
    materials.paces.put(name, 0.25)
    assert before - frozen.predict_seconds(seeds, materials) == pytest.approx(4 * 24 * 0.25, abs=1)


def test_the_measured_pace_of_views_is_remembered(make_materials):
    materials = make_materials()
    other = Recipe("frozen", 32, arguments={**AUGMENTED.arguments, "augmentation": "seeds"})
    frozen.fit(other, materials)
    pace = materials.paces.get(linear._view_pace_name(other, frozen.find_bases(other, materials).bases[0]))
    assert pace is not None and math.isfinite(pace)


@pytest.mark.slow
def test_cuts_give_the_features_of_those_depths_and_answer_alike(make_materials):
    materials = make_materials()
    cuts = ("block_2_add", "top")
    recipe = Recipe("frozen", 32, arguments={**PLAIN.arguments, "cuts": cuts})
    model = frozen.fit(recipe, materials)
    assert model.details["features"] == "1,304 per picture, pooled at block_2_add and top"
    assert model.tensors["head/kernel"].shape == (1304, 3)
    predictor = Predictor(model.learnware, model.tensors, materials.cache)
    stored = predict_part(predictor, materials, materials.split.validation).probabilities
    anew = predictor(materials.pixels(predictor.frame, materials.split.validation))
    np.testing.assert_allclose(stored, anew, atol=0.02)


def test_sizes_give_features_of_each_and_answer_alike(make_materials):
    materials = make_materials()
    arguments = {**AUGMENTED.arguments, "views": 2, "sizes": (32, 48)}
    recipe = Recipe("frozen", 48, arguments=arguments)
    model = frozen.fit(recipe, materials)
    assert model.details["features"] == "2,560 per picture, seen at 32 and 48 px"
    assert model.details["pretrained base"] == "MobileNetV2"
    assert len(model.learnware.bases) == 1 and model.learnware.picture.size == 48
    assert frozen.depends_on(recipe, materials) == frozen.depended_on(model.learnware)
    predictor = Predictor(model.learnware, model.tensors, materials.cache)
    stored = predict_part(predictor, materials, materials.split.validation).probabilities
    anew = predictor(materials.pixels(predictor.frame, materials.split.validation))
    np.testing.assert_allclose(stored, anew, atol=0.02)


def test_views_are_gathered_when_they_are_asked_for(make_materials):
    materials = make_materials()
    part = materials.part(Frame(32), materials.split.validation)
    assert len(part) == len(materials.split.validation)
    np.testing.assert_array_equal(
        part[np.array([2, 0])], materials.pixels(Frame(32), materials.split.validation)[[2, 0]]
    )


def test_a_budget_that_may_cost_views_is_part_of_what_a_rung_depends_on(weights_home, make_materials):
    ample, short, shorter = (frozen.depends_on(AUGMENTED, make_materials(seconds)) for seconds in (1e9, 80.0, 60.0))
    assert ample == frozen.depends_on(PLAIN, make_materials(60.0))
    assert len({ample, short, shorter}) == 3
