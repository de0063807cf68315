"""Several targets of one set of pictures: heads that share, models apart, and labels that lack."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from msgspec import structs

from starshift.compose.opening import open_model
from starshift.compose.predictor import Predictor
from starshift.errors import RunError, UsageError
from starshift.ladder import fit as ways
from starshift.ladder import frozen, multitask
from starshift.ladder.answering import predict_all
from starshift.ladder.families import find
from starshift.ladder.folder import answers_name
from starshift.ladder.materials import About, Materials
from starshift.ladder.options import Options
from starshift.learnware import package
from starshift.recipe import Recipe, Stage
from starshift.records import Target

SIZE, TAGS = Target("size / cm", "regression"), Target("tags", "multi-label", ("cold", "loud"))
BASELINE = Recipe("majority", 1)
FROZEN = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})


@pytest.fixture
def materials(make_materials) -> Materials:
    """36 discs with their colour, a size that follows it, and labels; some sizes lack."""
    made = make_materials()
    order = {"green": 0, "red": 1, "sky": 2}
    colours = [order[example.label] for example in made.dataset.examples]
    sizes = ["" if row % 5 == 0 else repr(100.0 + 50 * colour) for row, colour in enumerate(colours)]
    tags = [("|", "loud", "cold|loud")[colour] for colour in colours]
    dataset = structs.replace(
        made.dataset,
        targets=(made.dataset.target, SIZE, TAGS),
        further={SIZE.name: tuple(sizes), TAGS.name: tuple(tags)},
    )
    return replace(made, content=About(made.content, dataset))


def test_materials_about_one_target_are_those_of_a_task_with_that_alone(materials):
    about = materials.about(SIZE)
    assert about.dataset.targets == (SIZE,) and about.target == SIZE and about.dataset.further == {}
    assert np.isnan(about.targets).sum() == 8
    taught = about.taught()
    assert not np.isnan(taught.targets[list(taught.split.train)]).any()
    assert taught.split.validation == materials.split.validation
    assert materials.taught() is materials  # every picture has a colour
    assert materials.about(materials.target).targets.tolist() == materials.targets.tolist()


def test_answers_are_about_the_target_in_question(materials):
    rows = materials.split.validation
    answers = materials.answers(rows, np.full(len(rows), 150.0), 1)
    assert answers.leads == "mean absolute error" and answers.known.sum() < len(rows)


def test_a_baseline_is_one_for_each_target_and_comes_back_from_disk(materials, tmp_path):
    model = ways.fit(BASELINE, materials, on_epoch=print)
    assert set(model.tensors) == {"apart/frequencies", "apart_2/mean", "apart_3/frequencies"}
    assert model.details["models"] == "3, one for each of class, size / cm, tags; none shares"
    package.write(model.learnware, model.tensors, tmp_path / "model")
    learnware, tensors = package.read(tmp_path / "model")
    assert [one.targets for one in learnware.apart] == [(target,) for target in materials.dataset.targets]
    opened = open_model(learnware, tensors, materials.cache)
    first, further = predict_all(opened, materials, materials.split.validation)
    assert first.leads == "accuracy" and list(further) == ["size / cm", "tags"]
    sizes = materials.about(SIZE).taught()
    assert further["size / cm"].values[0] == sizes.targets[list(sizes.split.train)].mean()
    other = msgspec.structs.replace(learnware, apart=learnware.apart[:2])
    with pytest.raises(RunError, match="models of one target each are not those of its targets"):
        package.write(other, tensors, tmp_path / "other")


def test_what_is_for_several_targets_is_refused_for_one_and_counted(materials):
    apart = Recipe("fine-tuned", 32, arguments={"base": "mobilenet_v2", "cut": "block_15_add", "sharing": False})
    assert multitask.problems(apart, materials.dataset) == []
    assert multitask.problems(apart, materials.about(TAGS).dataset) == [
        "sharing is between several targets; there is one, 'tags'."
    ]
    weighed = Recipe("convnet", 64, stages=(Stage(loss_weights=(1.0, 2.0)),) * 2)
    assert multitask.problems(weighed, materials.dataset) == [
        "2 loss weights do not fit 3 targets (class, size / cm, tags): give one for each."
    ]
    assert "loss_weights weigh several targets" in multitask.problems(weighed, materials.about(TAGS).dataset)[0]
    assert multitask.is_apart(apart, materials) and not multitask.is_apart(apart, materials.about(TAGS))
    assert "sharing" not in multitask.alone(apart).arguments and not multitask.alone(weighed).stages[0].loss_weights


@pytest.mark.usefixtures("weights_home")
def test_frozen_features_serve_a_head_for_each_target(materials):
    model = frozen.fit(FROZEN, materials)
    assert {"head/kernel", "head_2/kernel", "head_3/kernel", "target_2/mean"} <= set(model.tensors)
    assert model.tensors["head_2/kernel"].shape == (1280, 1) and model.tensors["head_3/bias"].shape == (2,)
    assert model.details["head of size / cm"].startswith("linear (C = ")
    predictor = Predictor(model.learnware, model.tensors, materials.cache)
    first, further = predict_all(predictor, materials, materials.split.validation)
    assert first.figures.mean() > 0.8 and further["tags"].figures.mean() > 0.8
    known, sizes = further["size / cm"].known, materials.about(SIZE).taught()
    knows_nothing = np.abs(sizes.targets[list(sizes.split.validation)] - sizes.targets[list(sizes.split.train)].mean())
    assert further["size / cm"].figures[known].mean() < 30 < knows_nothing[known].mean()  # cm, of 100, 150 and 200
    anew = predictor.all(materials.pixels(predictor.frame, materials.split.validation))
    for one, other in zip(anew, (first.probabilities, further["size / cm"].values), strict=False):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=0.05)
    alone = frozen.fit(FROZEN, materials.about(materials.target))
    np.testing.assert_array_equal(alone.tensors["head/kernel"], model.tensors["head/kernel"])


@pytest.mark.slow
@pytest.mark.usefixtures("weights_home")
def test_a_fine_tuned_base_is_shared_or_each_target_has_its_own(materials):
    arguments = {
        "base": "mobilenet_v2", "cut": "block_15_add", "views": 1, "augmentation": "flip", "strengths": (1e-2,),
        "beside": ("mobilenet_v2",),
    }  # fmt: skip
    stage = Stage(optimizer="adam", learning_rate=1e-3, batch_size=8, epochs=2)
    shared = Recipe("fine-tuned", 32, arguments=arguments, stages=(stage,))
    apart = structs.replace(shared, arguments={**arguments, "sharing": False})
    for recipe in (shared, apart):
        model = ways.fit(recipe, materials, on_epoch=lambda epoch: None)
        learnware = structs.replace(model.learnware, files={"model.safetensors": str(id(model))}, precision="f32")
        answers, further = predict_all(
            Predictor(learnware, model.tensors, materials.cache), materials, materials.split.validation
        )
        assert answers.figures.mean() > 0.6 and set(further) == {"size / cm", "tags"}
        known = further["size / cm"].known
        assert further["size / cm"].figures[known].mean() < 45
        names = {name.partition("/")[0] for name in model.tensors}
        if recipe is shared:
            start = frozen.fit(structs.replace(FROZEN), materials)
            assert {"head", "head_2", "head_3", "block_16_expand", "features"} <= names
            assert not np.array_equal(model.tensors["head_2/kernel"], start.tensors["head_2/kernel"])
        else:
            assert names == {"apart", "apart_2", "apart_3"}


def test_variants_say_how_losses_are_weighed_and_whether_layers_are_shared(materials):
    dataset = materials.dataset
    apart = find("fine-tuned:sharing=no").recipe(Options(bases=("mobilenet_v2",)), dataset)
    assert apart.arguments["sharing"] is False and multitask.is_apart(apart, materials)
    shared = find("fine-tuned:sharing=yes").recipe(Options(bases=("mobilenet_v2",)), dataset)
    assert "sharing" not in shared.arguments
    weighed = find("convnet:loss_weights=1/0.5/2").recipe(Options(), dataset)
    assert [stage.loss_weights for stage in weighed.stages] == [(1.0, 0.5, 2.0)]
    learned = find("convnet").recipe(Options(loss_weights="uncertainty"), dataset)
    assert [stage.loss_weights for stage in learned.stages] == ["uncertainty"]
    for words, said in {
        "loss_weights=1/much": "Loss weights are balanced, uncertainty, or numbers above 0, one for each target",
        "loss_weights=1/0": "Loss weights are numbers above 0, one for each target; 1.0, 0.0 came",
        "loss_weights=balance": "Loss weights 'balance' are not known. Did you mean 'balanced'",
        "sharing=yes": "convnet:sharing=yes changes nothing",
    }.items():
        with pytest.raises(UsageError, match=said):
            find(f"convnet:{words}")


def test_what_is_of_classes_is_refused_for_other_targets(materials):
    sizes = materials.about(SIZE).dataset
    with pytest.raises(UsageError, match="auc are metrics of classes; 'size / cm' is a regression target"):
        find("convnet:metrics=auc").recipe(Options(), sizes)
    with pytest.raises(UsageError, match="The loss focal is not for targets of kind regression"):
        find("convnet:loss=focal").recipe(Options(), sizes)
    assert find("convnet:loss=focal").recipe(Options(), materials.dataset).stages[0].loss == "focal"


def test_answers_lie_in_files_by_target_whatever_it_is_called():
    assert answers_name("validation") == "validation.csv" and answers_name("test", "age") == "test.age.csv"
    odd = answers_name("test", "size / cm")
    assert odd.startswith("test.size---cm-") and odd != answers_name("test", "size - cm")
