from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from starshift.compose.opening import open_model
from starshift.ladder import ensemble, inside, variance
from starshift.ladder import fit as ways
from starshift.ladder.answering import predict_part
from starshift.learnware import package
from starshift.recipe import Recipe
from starshift.records import Variance

pytestmark = pytest.mark.usefixtures("weights_home")
SMALL = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
LARGE = Recipe("frozen", 40, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,), "mirrored": True})


@pytest.fixture
def fitted(make_materials, tmp_path):
    materials = make_materials()
    recipe = Recipe("ensemble", 40, arguments={"combine": "average"}, members=(LARGE, SMALL))
    model = ways.fit(recipe, materials, on_epoch=lambda epoch: None)
    learnware = package.write(model.learnware, model.tensors, tmp_path / "model")
    opened = open_model(learnware, model.tensors, materials.cache)
    return (
        model,
        materials,
        inside.look(
            opened, predict_part(opened, materials, materials.split.validation), materials, materials.split.validation
        ),
    )


def test_the_first_frozen_member_is_fitted_on_other_samples(fitted):
    model, materials, record = fitted
    assert record.variance is None
    found = variance.with_variance(record, model, materials, materials.split.validation)
    assert found.no_variance == "" and (found.variance.models, found.variance.size) == (25, 5)
    assert 0 < found.variance.together < found.variance.single < 0.25
    assert found.variance.what == (
        "MobileNetV2, frozen, mirror images too, its head fitted on 25 bootstrap samples of the training part"
    )
    again = variance.with_variance(record, model, materials, materials.split.validation)
    assert again.variance == found.variance


def test_the_reason_is_said_where_it_would_take_too_long_or_no_member_is_quickly_fitted(fitted, monkeypatch):
    model, materials, record = fitted
    seen = variance.with_variance(record, replace(model, members=()), materials, materials.split.validation)
    assert seen.no_variance.startswith("none of its members is a linear head on pictures as they are")
    monkeypatch.setattr(variance, "bootstrap_head_seconds", lambda materials, features: 2.0)
    seen = variance.with_variance(record, model, materials, materials.split.validation)
    assert seen.variance is None and seen.no_variance == "25 more heads would take about 50 s"


def test_what_members_that_are_alike_say_of_it_stays(fitted):
    model, materials, record = fitted
    known = structs.replace(record, variance=Variance("x", 0.1, 20, 5, 0.02))
    assert variance.with_variance(known, model, materials, ()) is known
    assert variance.with_variance(None, model, materials, ()) is None


def test_samples_keep_the_classes_and_repeat_rows():
    targets = np.array([0] * 10 + [1] * 3)
    generator = np.random.default_rng(0)
    samples = [ensemble.drawn(targets, generator) for _ in range(variance.HEADS)]
    for rows in samples:
        assert np.bincount(targets[rows]).tolist() == [10, 3]
    assert any(len(set(rows.tolist())) < len(rows) for rows in samples)
