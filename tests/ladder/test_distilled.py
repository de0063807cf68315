from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from starshift.augmentation import Augmentation
from starshift.compose.opening import open_model
from starshift.data.read import read_unlabelled
from starshift.ladder import distilled
from starshift.ladder import fit as ways
from starshift.ladder.answering import predict_part
from starshift.ladder.ensemble import Member
from starshift.learnware import package
from starshift.recipe import Recipe, Stage, Teaching

pytestmark = pytest.mark.usefixtures("weights_home")
HEADS = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
STAGE = Stage(optimizer="adam", learning_rate=2e-3, batch_size=8, epochs=4, augmentation=Augmentation(mixup=0.2))
CUT = {"base": "mobilenet_v2", "cut": "block_3_project_BN", "opened": "block_1_project_BN"}


def student(**teaching) -> Recipe:
    return Recipe("truncated", 32, arguments=CUT, stages=(STAGE,), teaching=Teaching(HEADS, views=2, **teaching))


def fitted(recipe, materials):
    epochs = []
    return ways.fit(recipe, materials, on_epoch=epochs.append), epochs


def test_a_student_learns_and_is_a_model_like_any_other(make_materials, tmp_path):
    materials = make_materials()
    model, epochs = fitted(student(), materials)
    learnware = package.write(model.learnware, model.tensors, tmp_path / "model")
    predictor = open_model(*package.read(tmp_path / "model"), materials.cache)
    answers = predict_part(predictor, materials, materials.split.validation)
    assert answers.probabilities.shape == (len(materials.split.validation), 3)
    assert (answers.predicted == answers.targets).mean() > 0.6
    assert [one.epoch for one in epochs] == [1, 2, 3, 4]
    assert learnware.builder == "truncated" and [base.name for base in learnware.bases] == ["mobilenet_v2"]
    assert model.details["taught"] == (
        "by 1 models (MobileNetV2, frozen), of which those speak that did not see the picture, on 2 views of each "
        "(crops); temperature 1, the teacher counts 90%"
    )


def test_nobody_teaches_where_labels_count_alone(make_materials, monkeypatch):
    monkeypatch.setattr(distilled._Distilling, "teacher", lambda *_: pytest.fail("a teacher was fitted"))
    model, _ = fitted(student(soft=0.0), make_materials())
    assert model.details["taught"] == "by the labels alone, on 2 views of each picture (crops)"


def test_every_view_is_judged_by_a_model_that_did_not_see_its_picture(make_materials, monkeypatch):
    materials = make_materials()
    work = distilled._Distilling(student(), materials)
    teacher = work.teacher(ways._fit_one)
    asked = []
    monkeypatch.setattr(distilled, "_asked", partial(_noted, asked, distilled._asked))
    said = teacher.says(work._views, work._train, materials)
    assert said.shape == (2 * len(work._train), 3) and not np.isnan(said).any()
    for model, indices in asked:
        held = next(one for one in teacher.members[0].held_out if one.tensors is model.tensors)
        assert set(indices) <= set(held.indices.tolist())
    assert sorted(index for _, indices in asked for index in indices) == sorted(work._train.tolist())


def _noted(asked, original, model, views, places, count, materials):
    asked.append((model, np.array(materials.split.train)[places].tolist()))
    return original(model, views, places, count, materials)


def test_views_come_in_the_order_of_their_numbers(make_materials):
    """What the teacher says of view v of picture i stands in row v · N + i, as Views counts them."""
    materials = make_materials()
    work = distilled._Distilling(student(), materials)
    teacher = work.teacher(ways._fit_one)
    whole = teacher.says(work._views, work._train, materials)
    one = teacher.members[0].held_out[0]
    place = int(np.flatnonzero(work._train == one.indices[0])[0])
    predictor = distilled.opened(one, materials)
    views = work._views(predictor.frame)
    for view in range(2):
        row = view * len(work._train) + place
        np.testing.assert_allclose(predictor(views[np.array([row])])[0], whole[row], atol=0.02)


def test_pictures_without_labels_are_learned_from(make_materials, tiny_pictures, tmp_path):
    materials = make_materials()
    more = read_unlabelled(tiny_pictures, cache=materials.cache)
    taught = replace(materials, unlabelled=more)
    model, _ = fitted(student(soft=0.5), taught)
    assert f"and of {len(more.dataset.examples)} pictures without labels" in model.details["taught"]
    plain = ways.depends_on(student(), materials)
    assert ways.depends_on(student(), taught) != plain and ways.depended_on(model.learnware) == plain


def test_a_single_picture_of_a_class_is_judged_by_the_model_of_all(make_materials):
    materials = make_materials()
    work = distilled._Distilling(student(), materials)
    teacher = work.teacher(ways._fit_one)
    member = teacher.members[0]
    fewer = Member(member.title, member.models, member.held_out[1:])
    answers = distilled.Teacher((fewer,), (1.0,), teacher.whole).says(work._views, work._train, materials)
    assert not np.isnan(answers).any()
