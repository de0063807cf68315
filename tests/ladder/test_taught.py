from __future__ import annotations

import numpy as np
import pytest

from starshift.compose.opening import open_model
from starshift.ladder import fit as ways
from starshift.ladder import taught
from starshift.ladder.answering import predict_part
from starshift.ladder.ensemble import opened
from starshift.ladder.materials import Model
from starshift.learnware import package
from starshift.recipe import Recipe

SMALL = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
LARGE = Recipe("frozen", 44, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})


@pytest.fixture
def teacher(weights_home, make_materials):
    materials = make_materials()
    recipe = Recipe("ensemble", 44, arguments={"combine": "average"}, members=(LARGE, SMALL))
    return ways.fit(recipe, materials, on_epoch=lambda epoch: None), materials


def answers(model, materials, folder):
    learnware = package.write(model.learnware, model.tensors, folder)
    return predict_part(open_model(learnware, model.tensors, materials.cache), materials, materials.split.validation)


def test_a_student_is_held_against_its_teacher(teacher, tmp_path):
    model, materials = teacher
    same = answers(model, materials, tmp_path / "model")
    for base in opened(model, materials).members[0].bases.bases:
        _ = base.network  # converted: features that another test has stored would do without
    student = Model(model.learnware, model.tensors, teacher=model)
    found = taught.look("distilled", student, same, materials, materials.split.validation)
    assert found.agreement.value == 1 and found.agreement.n == len(materials.split.validation)
    assert found.accuracy.value == np.mean(same.right)
    assert (found.verdict.model, found.verdict.against) == ("distilled", "its teacher")
    assert found.verdict.outcome == "undecided" and found.verdict.difference.value == 0
    assert found.models == 2 and found.teacher == "MobileNetV2, frozen, start 1; MobileNetV2, frozen, start 2"
    assert found.cost.multiply_adds > 1e6


def test_a_model_that_nobody_taught_has_no_such_record():
    assert taught.look("convnet", Model(None, {}), None, None, ()) is None
