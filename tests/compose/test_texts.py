"""Saved models of texts: they answer as they were fitted, without Keras, and damaged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

import some_texts
from starshift.compose import telling
from starshift.compose.opening import open_model
from starshift.compose.texts import TextModel
from starshift.errors import RunError
from starshift.ladder import fit as ways
from starshift.ladder import texts as rungs
from starshift.ladder.options import Options
from starshift.learnware import package


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A linear model of four classes and the materials that it was fitted on."""
    return _fitted(tmp_path_factory, "linear", 4)


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    """An ensemble of two classes."""
    return _fitted(tmp_path_factory, "ensemble", 2)


def _fitted(tmp_path_factory, name, classes):
    folder = tmp_path_factory.mktemp(name)
    materials = some_texts.materials(some_texts.read(folder, classes), folder)
    recipe = rungs.RUNGS[name].recipe(Options(), materials.dataset)
    return ways.fit(recipe, materials, on_epoch=lambda epoch: None), materials


def test_a_model_that_is_read_again_answers_the_same(linear, tmp_path):
    model, materials = linear
    package.write(model.learnware, model.tensors, tmp_path / "model")
    opened = open_model(*package.read(tmp_path / "model"), tmp_path)
    before = TextModel(model.learnware, model.tensors).answer(materials.content, range(12))
    assert np.array_equal(opened.answer(materials.content, range(12)), before)
    assert np.array_equal(opened(materials.content.texts[:12]), before)


def test_the_card_says_that_it_takes_texts(linear, tmp_path):
    model, _ = linear
    package.write(model.learnware, model.tensors, tmp_path / "model")
    card = (tmp_path / "model/README.md").read_text()
    assert "texts, in a column 'text'" in card
    assert "picture" not in card


def test_texts_without_known_words_are_answered_too(linear):
    model, _ = linear
    said = TextModel(model.learnware, model.tensors)(["", "xyzzy", "!!"])
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-6)
    assert TextModel(model.learnware, model.tensors)([]).shape == (0, 4)


def test_a_temperature_changes_how_sure_it_is_and_no_answer(linear):
    model, materials = linear
    plain = TextModel(model.learnware, model.tensors).answer(materials.content, range(9))
    warm = TextModel(structs.replace(model.learnware, temperature=2.0), model.tensors).answer(
        materials.content, range(9)
    )
    assert (plain.argmax(axis=1) == warm.argmax(axis=1)).all()
    assert warm.max() < plain.max()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda tensors: tensors.pop("words/kernel"), "are needed"),
        (lambda tensors: tensors.update(bias=np.zeros(3, np.float32)), "are needed"),
        (lambda tensors: tensors.pop("words/units"), "lacks the vocabulary"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(linear, spoil, says):
    model, _ = linear
    tensors = dict(model.tensors)
    spoil(tensors)
    with pytest.raises(RunError, match=says):
        TextModel(model.learnware, tensors)


def test_views_that_are_not_known_are_refused(linear):
    model, _ = linear
    learnware = structs.replace(model.learnware, arguments={**model.learnware.arguments, "views": ["letters"]})
    with pytest.raises(RunError, match="words, ratios, characters are known"):
        TextModel(learnware, model.tensors)


def test_the_heaviest_words_of_each_class_are_the_telling_ones(linear, ensemble):
    model, materials = linear
    found = telling.heaviest(TextModel(model.learnware, model.tensors), 3)
    for label, heavy in zip(materials.dataset.classes, found, strict=True):
        assert heavy[0][0] in some_texts.TELLING[label]
        assert all(weight > 0 for _, weight in heavy)
    model, materials = ensemble
    found = telling.heaviest(TextModel(model.learnware, model.tensors), 4)
    assert found[materials.dataset.classes.index("bad")][0][0] in some_texts.TELLING["bad"]
    assert len({word for word, _ in found[0]}) == len(found[0])


def test_the_words_of_a_text_are_told_as_they_are_written(ensemble):
    model, materials = ensemble
    good, bad = (materials.dataset.classes.index(name) for name in ("good", "bad"))
    opened = TextModel(model.learnware, model.tensors)
    found = telling.pieces(opened, "The film was WONDERFUL,<br />not dull!", good, bad)
    assert "".join(piece.text for piece in found) == "The film was WONDERFUL, not dull!"
    weights = {piece.text.strip(): piece.weight for piece in found}
    assert weights["WONDERFUL,"] > 0 > weights["dull!"]
    assert weights["WONDERFUL,"] == max(weights.values())


def test_what_words_add_is_what_the_model_says(linear):
    model, materials = linear
    opened = TextModel(model.learnware, model.tensors)
    text = materials.content.texts[0]
    added = sum(piece.weight for piece in telling.pieces(opened, text, 0, 1))
    from starshift.data.words import corpus

    outputs = opened.outputs(corpus([text]))[0] - model.tensors["bias"]
    assert added == pytest.approx(float(outputs[0] - outputs[1]), abs=1e-4)
