"""Rungs of the user's own: what is refused before there are pictures, and the recipes that they make."""

from __future__ import annotations

import pytest

from own_parts import certainty, one_conv, squared, two_arguments_too_many
from starshift.augmentation import POLICIES
from starshift.errors import UsageError
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.ladder.own import OwnRung, as_rung
from starshift.recipe import Stage
from starshift.records import Dataset, Picture, Target

SMALL = Dataset(
    "x", "class folders", (Target.of_classes(("a", "b")),), (Picture("", "0", "", "", 24, 24, "JPEG", "RGB", 9),) * 30
)  # fmt: skip


def refused(name: str = "mine", **given) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        OwnRung(name, **given)
    return caught.value.problems


def test_all_that_is_wrong_is_said_at_once():
    said = refused(
        "convnet",
        build=two_arguments_too_many,
        like="convent",
        size=0,
        stages=(Stage(loss="focal"),),
        loss=squared,
        metrics=["acu"],
    )
    assert said == (
        "convnet: This name is that of a rung of the ladder; take another one.",
        "convnet: Give build, a function that makes the network, or like, a rung whose network is taken: one of both.",
        "convnet: size is the side of the pictures in pixels, at least 1; 0 came.",
        "convnet: loss is a function, and stages name the loss focal too. Give one of them.",
        "convnet: build is called with (input_shape, classes); two_arguments_too_many takes (input_shape, classes, "
        "width, depth).",
        "convnet: Metric 'acu' is not known. Did you mean 'auc'?",
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "my rung", "build": one_conv}, "The name of a rung is made of letters, digits"),
        ({"like": "convent", "loss": squared}, "Rung 'convent' is not known. Did you mean 'convnet'?"),
        ({"like": "features", "loss": squared}, "features is not trained by stages"),
        ({"like": "convnet"}, "It changes neither loss nor metrics; convnet is that already."),
        ({"like": "convnet", "loss": squared, "fit": "crop"}, "fit belongs to build; with like it is convnet:fit=crop"),
        ({"build": one_conv, "stages": (1,)}, "stages are made of starshift.Stage; 1 came."),
        ({"build": one_conv, "stages": (Stage(metrics=("auc",)),), "metrics": ["auc"]}, "Name them at one place."),
        ({"build": 3}, "build must be a function (input_shape, classes); 3 came."),
        ({"build": one_conv, "loss": one_conv.__call__}, "The loss must be a function;"),
    ],
)
def test_each_mistake_has_its_sentence(given, said):
    assert any(said in problem for problem in refused(**given))


def test_the_recipe_names_every_function_with_its_digest():
    rung = as_rung(OwnRung("mine", build=one_conv, loss=squared, metrics=["auc", certainty]))
    assert (rung.name, rung.family, rung.augments) == ("mine", "mine", False)
    recipe = rung.recipe(Options(), SMALL)
    assert (recipe.builder, recipe.size, recipe.fit) == ("own", 24, "stretch")
    assert [name.partition("#")[0] for name in recipe.own] == [
        "own_parts:one_conv",
        "own_parts:squared",
        "own_parts:certainty",
    ]
    assert {part.reference for part in rung.parts} == set(recipe.own)
    [stage] = recipe.stages
    assert (stage.epochs, stage.metrics[0]) == (30, "auc")
    assert rung.recipe(Options(size=32), SMALL).size == 32


def test_a_rung_like_another_has_its_network_and_training():
    rung = as_rung(OwnRung("mine", like="convnet:dropout=0.5", loss=squared))
    model = find("convnet:dropout=0.5").recipe(Options(), SMALL)
    recipe = rung.recipe(Options(), SMALL)
    assert (recipe.builder, recipe.arguments, recipe.size) == (model.builder, model.arguments, model.size)
    assert recipe.stages[0].loss.startswith("own_parts:squared#")
    assert (rung.family, rung.like) == ("convnet", "convnet:dropout=0.5")
    assert as_rung(OwnRung("m", like="regularized", metrics=["auc"])).augments


def test_a_policy_for_all_rungs_reaches_stages_that_augment():
    stage = Stage(augmentation=POLICIES["seeds"])
    rung = as_rung(OwnRung("mine", build=one_conv, stages=[stage]))
    assert rung.augments
    assert rung.recipe(Options(augment="flip"), SMALL).stages[0].augmentation == POLICIES["flip"]
