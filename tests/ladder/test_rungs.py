from __future__ import annotations

import pytest

from starshift.augmentation import Augmentation
from starshift.errors import UsageError
from starshift.ladder.families import LADDERS, select
from starshift.ladder.options import Options
from starshift.ladder.rungs import FEW_PICTURES, MANY_CLASSES, RUNGS
from starshift.models import weights
from starshift.models.scratch import SMALLEST
from starshift.recipe import Stage
from starshift.recipe.stage import FEWEST_STEPS
from starshift.records import Dataset, Picture, Target


def data(width: int = 500, height: int = 375, *, classes: int = 2, each: int = 600) -> Dataset:
    names = tuple(f"class {i:03d}" for i in range(classes))
    pictures = tuple(
        Picture(f"{name}/{i}", name, "", f"{name}{i}", width, height, "JPEG", "RGB", 9)
        for name in names
        for i in range(each)
    )
    return Dataset("x", "class folders", (Target.of_classes(names),), pictures)


@pytest.mark.parametrize("rung", RUNGS.values(), ids=RUNGS)
def test_every_rung_makes_a_checked_recipe_for_any_number_of_classes(rung):
    for dataset in (data(), data(classes=101, each=2), data(20, 20, each=5)):
        recipe = rung.recipe(Options(), dataset)
        assert recipe.size >= 1
    assert rung.description.endswith(".")


def test_no_names_mean_the_whole_ladder_and_the_baseline_is_always_there():
    assert [rung.name for rung in select([], store=True)] == list(LADDERS["pictures"])
    assert [rung.name for rung in select(["features"])] == ["baseline", "features"]
    assert [rung.name for rung in select(["features", "baseline"])] == ["baseline", "features"]


def test_all_unknown_rungs_are_named_with_guesses():
    with pytest.raises(UsageError) as caught:
        select(["feature", "convnet", "xyz"])
    assert caught.value.problems == (
        "Rung 'feature' is not known. Did you mean 'features'?",
        f"Rung 'xyz' is not known. Known: {', '.join(LADDERS['pictures'])}.",
    )


def test_convnet_is_the_seeds_recipe():
    recipe = RUNGS["convnet"].recipe(Options(), data())
    assert recipe.builder == "convnet" and recipe.size == 150
    assert recipe.arguments == {"channels": (32, 64, 128, 128), "dense": 512}
    assert recipe.stages == (Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, epochs=30),)


def test_regularized_is_the_seeds_network_and_training_in_its_true_amounts():
    recipe, plain = (RUNGS[name].recipe(Options(), data()) for name in ("regularized", "convnet"))
    assert (recipe.builder, recipe.size) == (plain.builder, plain.size)
    assert recipe.arguments == plain.arguments | {"dropout": 0.5}
    [stage] = recipe.stages
    assert stage.batch_size * stage.steps_per_epoch * stage.epochs == 320_000
    assert (stage.optimizer, stage.learning_rate, stage.epochs) == ("rmsprop", 1e-4, 100)
    assert stage.augmentation == Augmentation(rotation=40, shift=0.2, shear=0.2, zoom=0.2, flip=True)
    small = RUNGS["regularized"].recipe(Options(), data(20, 20))
    assert (small.builder, small.arguments) == ("convnet-28px", {"dropout": 0.5})


@pytest.mark.parametrize(
    ("side", "size", "sizes"),
    [(500, 128, (64, 64, 96, 128)), (100, 100, (48, 48, 72, 100)), (40, 40, ()), (20, 32, ())],
)
def test_the_pictures_of_modern_grow_where_they_are_large_enough(side, size, sizes):
    recipe = RUNGS["modern"].recipe(Options(), data(side, side))
    assert (recipe.size, recipe.stages[0].sizes) == (size, sizes)


def test_modern_has_enough_batches_on_few_pictures():
    few, many = (RUNGS["modern"].recipe(Options(), data(each=each)).stages[0] for each in (30, 1500))
    assert (few.steps_per_epoch, many.steps_per_epoch) == (FEWEST_STEPS, 0)


@pytest.mark.parametrize(
    ("width", "height", "builder", "size"),
    [
        (500, 375, "convnet", 150),
        (300, 100, "convnet", 100),
        (46, 46, "convnet", 46),
        (45, 300, "convnet-28px", 28),
        (8, 8, "convnet-28px", 28),
    ],
)
def test_the_network_and_its_size_follow_the_pictures(width, height, builder, size):
    recipe = RUNGS["convnet"].recipe(Options(), data(width, height, each=3))
    assert (recipe.builder, recipe.size) == (builder, size)


@pytest.mark.parametrize(("asked", "builder"), [(18, "convnet-28px"), (45, "convnet-28px"), (46, "convnet")])
def test_a_size_that_is_asked_for_decides(asked, builder):
    recipe = RUNGS["convnet"].recipe(Options(size=asked), data())
    assert (recipe.builder, recipe.size) == (builder, asked)
    assert asked >= SMALLEST[builder]


def test_features_take_a_second_base_where_it_pays(monkeypatch):
    monkeypatch.setattr(weights, "obtain", lambda base: None)  # both are at hand

    def bases(dataset, options=Options()):  # noqa: B008
        return RUNGS["features"].recipe(options, dataset).arguments["bases"]

    assert bases(data(each=FEW_PICTURES)) == ("mobilenet_v2",)
    assert bases(data(each=FEW_PICTURES // 2)) == ("mobilenet_v2", "mobilenet")
    assert bases(data(classes=MANY_CLASSES + 1, each=200)) == ("mobilenet_v2", "mobilenet")
    assert bases(data(), Options(bases=("vgg16",))) == ("vgg16",)


def test_whether_the_second_base_joins_is_found_out_unless_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(weights, "obtain", lambda base: None)  # both are at hand

    def joining(rung, options=Options()):  # noqa: B008
        return select([rung])[-1].recipe(options, data(each=10)).arguments.get("joining")

    assert joining("features") is joining("features-augmented") is joining("fine-tuned") is True
    assert joining("features", Options(bases=("mobilenet_v2", "mobilenet"))) is None
    assert joining("features:bases=mobilenet_v2/mobilenet") is None
    assert joining("features", Options(head="dense256")) is None


def test_features_do_without_a_second_base_whose_weights_are_not_to_be_had():
    assert RUNGS["features"].recipe(Options(), data(each=10)).arguments["bases"] == ("mobilenet_v2",)


def test_features_look_at_224_pixels_unless_told_otherwise():
    assert RUNGS["features"].recipe(Options(), data()).size == 224
    assert RUNGS["features"].recipe(Options(size=96), data()).size == 96


def test_a_head_is_given_to_the_rungs_that_take_one():
    dense = Options(head="dense256")
    assert RUNGS["features"].recipe(dense, data()).arguments["head"] == "dense256"
    # Two bases are the default for so many classes; the seeds' head stands on one.
    assert RUNGS["features"].recipe(dense, data(classes=11)).arguments["bases"] == ("mobilenet_v2",)
    assert RUNGS["fine-tuned"].recipe(dense, data()).arguments["head"] == "dense256"
    assert "head" not in RUNGS["features-augmented"].recipe(dense, data()).arguments
    assert [rung.name for rung in RUNGS.values() if rung.takes_head] == ["features", "fine-tuned"]
    with pytest.raises(UsageError, match="stands on the last map of one base"):
        RUNGS["features"].recipe(Options(head="dense256", bases=("mobilenet_v2", "mobilenet")), data())
