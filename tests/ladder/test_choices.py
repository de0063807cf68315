from __future__ import annotations

import msgspec
import pytest

from starshift import catalogue
from starshift.errors import MissingWeights
from starshift.ladder import choices, frozen
from starshift.recipe import Recipe
from starshift.records import Target

STRENGTHS = (1e-2,)
BASES = Recipe("frozen", 32, arguments={"bases": ("auto",), "strengths": STRENGTHS})
DEPTHS = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": STRENGTHS, "cuts": ("auto",)})


@pytest.mark.parametrize(("recipe", "is_open"), [(BASES, True), (DEPTHS, True)])
def test_auto_leaves_something_to_choose(recipe, is_open):
    assert choices.is_open(recipe) is is_open
    named = msgspec.structs.replace(recipe, arguments={"bases": ("vgg16",), "strengths": STRENGTHS})
    assert not choices.is_open(named)


def test_no_weights_at_hand_are_said_with_the_file_that_would_do():
    with pytest.raises(MissingWeights, match="No base's weights are on this machine for --base auto to choose from"):
        choices.bases_at_hand(224)


def test_bases_at_hand_are_those_whose_files_are_there(weights_home):
    found = choices.bases_at_hand(224)
    assert "mobilenet_v2" in found and "vgg16" not in found


def test_bases_that_take_no_pictures_so_small_are_left_out(weights_home):
    with pytest.raises(MissingWeights):
        choices.bases_at_hand(31)


@pytest.mark.parametrize("base", catalogue.BASES.values(), ids=catalogue.BASES)
def test_the_depths_of_every_base_are_its_own_and_end_at_the_top(base):
    tried = choices.depths_to_try(base.name)
    assert tried[-1] == "top" and len(set(tried)) == len(tried) <= choices.MOST_DEPTHS + 1
    assert set(tried[:-1]) <= set(base.cut_points) and base.cut_points[0] in tried


@pytest.mark.slow
def test_the_best_base_is_taken_and_the_record_says_by_how_much(weights_home, make_materials):
    if "mobilenet" not in choices.bases_at_hand(32):
        pytest.skip("the weights of MobileNet are not on this machine")
    materials = make_materials()
    assert frozen.predict_seconds(BASES, materials) > 0
    assert len(frozen.depends_on(BASES, materials)) == len(choices.bases_at_hand(32))
    model = frozen.fit(BASES, materials)
    why = model.details["base chosen"]
    assert "nats better than the next; log loss over 5 inner folds of the training part: " in why
    assert "mobilenet + mobilenet_v2 0." in why or "mobilenet_v2 + mobilenet 0." in why
    assert "auto" not in model.learnware.arguments["bases"]
    assert model.details["pretrained base"] == why.split(",")[0]


def test_a_second_base_joins_where_inner_folds_are_for_it(weights_file, weights_home, make_materials):
    materials = make_materials()
    twice = ("mobilenet_v2", f"mobilenet_v2@{weights_file}")
    views = {"views": 2, "augmentation": "crops"}
    recipe = Recipe("frozen", 32, arguments={"bases": twice, "strengths": STRENGTHS, "joining": True, **views})
    assert choices.is_open(recipe)
    assert not choices.is_open(msgspec.structs.replace(recipe, arguments={**recipe.arguments, "bases": twice[:1]}))
    settled, why = choices.settle(recipe, materials)
    assert "joining" not in settled.arguments and settled.arguments["bases"] in (twice, twice[:1])
    assert why["base chosen"].count("mobilenet_v2 + ") == 1  # both together were tried, and the first alone
    assert choices.predict_seconds(recipe, materials) > 0
    model = frozen.fit(recipe, materials)
    assert model.learnware.arguments == settled.arguments
    assert model.details["base chosen"] == why["base chosen"] and "could be added" not in model.details


@pytest.mark.slow
def test_the_best_depth_is_taken_and_the_record_has_the_loss_of_each(weights_home, make_materials):
    materials = make_materials()
    assert frozen.predict_seconds(DEPTHS, materials) > 0
    model = frozen.fit(DEPTHS, materials)
    why = model.details["depth chosen"]
    for cut in choices.depths_to_try("mobilenet_v2"):
        assert f"{cut} 0." in why or f"{cut} 1." in why
    assert "auto" not in model.learnware.arguments["cuts"]


def test_what_decided_is_called_by_its_name():
    losses = {("a",): 0.5, ("a", "b"): 0.4}
    numbers, classes = Target("price", "regression"), Target.of_classes(["x", "y"])
    said = choices._in_words(losses, "A + B", numbers)
    assert said.startswith(
        "A + B, 0.1000 better than the next; squared error of standardized numbers over 5 inner folds"
    )
    said = choices._in_words(losses, "A + B", classes)
    assert said.startswith(
        "A + B, 0.1000 nats better than the next; log loss over 5 inner folds of the training part: a"
    )
