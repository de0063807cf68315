"""The rungs for texts: recipes, linear models over n-grams, and what they keep from the validation part."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import some_texts
from starshift.compose.texts import TextModel
from starshift.errors import UsageError
from starshift.ladder import fit as ways
from starshift.ladder import texts as rungs
from starshift.ladder import textual_networks
from starshift.ladder.families import find, select
from starshift.ladder.options import Options
from starshift.recipe import Recipe
from starshift.records import TextContract


def fitted(recipe: Recipe, materials):
    model = ways.fit(recipe, materials, on_epoch=lambda epoch: None)
    return model, TextModel(model.learnware, model.tensors)


def recipe_of(name: str, dataset) -> Recipe:
    return rungs.RUNGS[name].recipe(Options(), dataset)


def accuracy(model: TextModel, materials) -> float:
    held = list(materials.split.validation)
    return float((model.answer(materials.content, held).argmax(axis=1) == materials.targets[held]).mean())


@pytest.mark.parametrize("name", ["linear", "ensemble"])
@pytest.mark.parametrize("classes", [2, 4])
def test_linear_models_find_the_telling_words(tmp_path, name, classes):
    materials = some_texts.materials(some_texts.read(tmp_path, classes), tmp_path)
    model, opened = fitted(recipe_of(name, materials.dataset), materials)
    assert accuracy(opened, materials) > 0.95
    assert model.learnware.input == TextContract("text")
    assert model.learnware.targets == materials.dataset.targets
    assert "inner folds" in (model.details or {})["chosen by"]
    answers = opened.answer(materials.content, range(len(materials.dataset.examples)))
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_numbers_are_learned_in_their_unit(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path, target="stars"), tmp_path)
    _, opened = fitted(recipe_of("linear", materials.dataset), materials)
    held = list(materials.split.validation)
    errors = np.abs(opened.answer(materials.content, held) - materials.targets[held])
    assert errors.mean() < 0.5 < np.abs(materials.targets[held] - materials.targets.mean()).mean()


def test_the_vocabulary_is_of_the_training_part_only(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path), tmp_path)
    held = materials.split.validation[0]
    texts = list(materials.content.texts)
    texts[held] = "unheard unheard unheard " + texts[held]
    from starshift.data import words

    content = type(materials.content)(materials.dataset, tuple(texts), words.corpus(texts), "text")
    changed = type(materials)(content, materials.split, (), 0, materials.cache, materials.paces, materials.progress)
    _, opened = fitted(recipe_of("linear", changed.dataset), changed)
    assert "unheard" not in opened.grams["words"].units
    settled, grams, _ = textual_networks.inputs_for(recipe_of("dense", changed.dataset), changed)
    assert "unheard" not in grams.units
    assert settled.arguments["orders"] == (1,)


def test_the_same_seed_gives_the_same_model(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path, 4), tmp_path)
    recipe = recipe_of("ensemble", materials.dataset)
    one, other = (fitted(recipe, materials)[0].tensors for _ in range(2))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_scripts_without_blanks_are_looked_at_in_pairs(tmp_path):
    file = tmp_path / "films.csv"
    good, bad = "这部电影非常好看我很喜欢", "这部电影非常难看我不喜欢"
    rows = "".join(f"{text}{number}号,{label}\n" for number in range(12) for text, label in ((good, "g"), (bad, "b")))
    file.write_text(f"text,label\n{rows}", encoding="utf-8")
    from starshift.data.kinds import Wanted
    from starshift.data.texts import read_texts

    materials = some_texts.materials(read_texts(file, [Wanted("label")]), tmp_path)
    _, opened = fitted(recipe_of("linear", materials.dataset), materials)
    spelt = {opened.grams["words"].spelt(column, "") for column in range(len(opened.grams["words"]))}
    assert {"好", "好看"} <= spelt
    settled, _, _ = textual_networks.inputs_for(recipe_of("dense", materials.dataset), materials)
    assert settled.arguments["orders"] == (1, 2)
    assert accuracy(opened, materials) == 1


def test_durations_are_predicted_before_anything_is_fitted(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path, 4), tmp_path)
    assert 0 < ways.predict_seconds(recipe_of("linear", materials.dataset), materials) < 5
    assert 0 < ways.predict_seconds(recipe_of("ensemble", materials.dataset), materials) < 30


def test_the_seeds_networks_are_chosen_by_the_number_of_classes(tmp_path):
    two, four = some_texts.read(tmp_path, 2).dataset, some_texts.read(tmp_path, 4).dataset
    assert recipe_of("dense", two).arguments == {"words": 10_000, "units": (16, 16)}
    assert recipe_of("dense", four).arguments == {"words": 10_000, "units": (64, 64)}
    assert recipe_of("dense", two).stages[0].batch_size == 16


def test_variants_of_texts_change_what_there_is():
    assert [rung.name for rung in select(["recurrent:block=lstm:recurrent=32", "linear"], "texts")] == [
        "baseline",
        "linear",
        "recurrent:block=lstm:recurrent=32",
    ]
    assert find("linear:orders=1/2/3", "texts").changes.arguments == {"orders": (1, 2, 3)}
    assert find("dense:epochs=4:counted=yes", "texts").changes.stage == {"epochs": 4}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("linear:size=64", "linear takes no 'size'"),
        ("dense:augment=crops", "'augment' would change nothing"),
        ("convnet", "It is a rung for pictures; this is read as texts"),
        ("linaer", "Did you mean 'linear'?"),
    ],
)
def test_what_texts_have_not_is_refused(name, says):
    with pytest.raises(UsageError) as error:
        find(name, "texts")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"views": ("word",)}, "View 'word' is not known. Did you mean 'words'?"),
        ({"views": ()}, "views must name one or more of words, ratios, characters."),
        ({"strengths": (0,)}, "strengths must be one or more numbers above 0"),
        ({"balances": (2.0,)}, "balances must be one or more numbers from 0 to 1"),
        ({"orders": (9,)}, "orders go up to 5 words in a row"),
    ],
)
def test_recipes_on_texts_are_checked(arguments, says):
    with pytest.raises(UsageError) as error:
        Recipe("ngrams", 1, arguments=arguments)
    assert says in str(error.value)


def test_ratios_are_refused_where_there_are_not_two_classes(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path, 4), tmp_path)
    arguments = recipe_of("linear", materials.dataset).arguments | {"views": ("ratios",)}
    with pytest.raises(
        UsageError, match=r"ratio of two classes, and 'label' is multi-class\. Take words or characters"
    ):
        ways.depends_on(Recipe("ngrams", 1, arguments=arguments), materials)


def test_a_block_is_known_by_its_name():
    with pytest.raises(UsageError, match=r"Block 'gruu' is not known\. Did you mean 'gru'"):
        Recipe("word-sequence", 1, arguments={"block": "gruu"})


def test_networks_over_words_learn_and_answer_without_keras(tmp_path):
    materials = some_texts.materials(some_texts.read(tmp_path), tmp_path)
    recipe = recipe_of("dense", materials.dataset)
    stage = msgspec.structs.replace(recipe.stages[0], epochs=12, patience=0, learning_rate=1e-2)
    model, opened = fitted(msgspec.structs.replace(recipe, stages=(stage,)), materials)
    assert accuracy(opened, materials) > 0.9
    assert len(model.history) == 12
    assert model.history[-1].validation_accuracy == pytest.approx(accuracy(opened, materials), abs=1e-6)
