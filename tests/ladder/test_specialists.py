from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from starshift.compose import ensemble as combining
from starshift.compose.opening import open_model
from starshift.errors import UsageError
from starshift.ladder import fit as ways
from starshift.ladder import specialists
from starshift.ladder.answering import predict_part
from starshift.learnware import package
from starshift.recipe import Recipe, Stage


def confused(pictures: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A generalist on six classes that cannot tell 0 from 1, and 2 from 3; and the classes."""
    generator = np.random.default_rng(seed)
    targets = np.arange(pictures) % 6
    answers = np.full((pictures, 6), 0.01)
    for row, target in enumerate(targets):
        pair = {0: (0, 1), 1: (0, 1), 2: (2, 3), 3: (2, 3)}.get(int(target), (int(target),))
        share = generator.uniform(0.2, 0.8)
        answers[row, list(pair)] = [share, 1 - share] if len(pair) == 2 else [0.9]
    return (answers / answers.sum(axis=1, keepdims=True)).astype(np.float32), targets


def test_classes_that_are_confused_are_a_group():
    answers, _ = confused()
    found = [group.tolist() for group in specialists.groups_of(answers, 4)]
    assert sorted(found) == [[0, 1], [2, 3]]
    assert specialists.groups_of(answers, 1) == []  # all classes together are no specialty
    assert specialists.groups_of(answers[:, :2], 2) == []


def test_a_specialist_divides_what_its_group_has_and_nothing_else():
    answer = np.array([[0.3, 0.3, 0.4]], np.float32)
    own = np.array([[0.9, 0.1]], np.float32)
    found = combining.specialized(answer, np.array([0, 1]), own, 1.0)
    np.testing.assert_allclose(found, [[0.54, 0.06, 0.4]], rtol=1e-5)
    np.testing.assert_allclose(combining.specialized(answer, np.array([0, 1]), own, 0.0), answer, rtol=1e-5)


def test_what_specialists_count_is_what_helps():
    answers, targets = confused()
    knows = np.where(np.isin(targets, (0, 1))[:, None], np.eye(2)[np.minimum(targets, 1)] * 0.9 + 0.05, np.nan)
    share, why = specialists.share_of(answers, [(np.array([0, 1]), knows)], targets)
    assert share == 1.0 and why.startswith("log loss ") and why.endswith("with a share of 1")
    wrong = 1 - knows
    assert specialists.share_of(answers, [(np.array([0, 1]), wrong)], targets)[0] == 0.0


RECIPE = Recipe(
    "ensemble",
    32,
    arguments={"combine": "average", "specialists": 2},
    members=(Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)}),),
)


@pytest.mark.usefixtures("weights_home")
def test_specialists_are_kept_behind_the_others_and_asked(make_materials, tmp_path, monkeypatch):
    materials = make_materials()
    monkeypatch.setattr(specialists, "groups_of", lambda answers, count: [np.array([0, 2])])
    monkeypatch.setattr(specialists, "share_of", lambda *_: (0.5, "as the test wants it"))
    model = ways.fit(RECIPE, materials, on_epoch=lambda epoch: None)
    names = [materials.target.classes[place] for place in (0, 2)]
    assert model.details["specialists"] == (
        f"1 groups ({', '.join(names)}); on training pictures that they did not see: as the test wants it"
    )
    learnware = package.write(model.learnware, model.tensors, tmp_path / "model")
    assert [one.classes for one in learnware.members] == [materials.target.classes, tuple(names)]
    predictor = open_model(*package.read(tmp_path / "model"), materials.cache)
    answers = predict_part(predictor, materials, materials.split.validation).probabilities
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    plain = open_model(learnware, {**model.tensors, "share": np.zeros(1, np.float32)}, materials.cache)
    without = predict_part(plain, materials, materials.split.validation).probabilities
    np.testing.assert_allclose(answers[:, [0, 2]].sum(axis=1), without[:, [0, 2]].sum(axis=1), rtol=1e-4)
    assert not np.allclose(answers, without)


@pytest.mark.usefixtures("weights_home")
@pytest.mark.parametrize("how", ["average", "weighted", "vote"])
def test_they_are_judged_on_all_training_pictures_that_models_did_not_see(make_materials, monkeypatch, how):
    materials, seen = make_materials(), []

    def share_of(answers, said, targets):
        seen.append((answers, said, targets))
        return 0.0, "noted"

    monkeypatch.setattr(specialists, "groups_of", lambda answers, count: [np.array([0, 2])])
    monkeypatch.setattr(specialists, "share_of", share_of)
    recipe = structs.replace(RECIPE, arguments={"combine": how, "specialists": 2})
    ways.fit(recipe, materials, on_epoch=lambda epoch: None)
    ((answers, ((_, own),), targets),) = seen
    assert len(answers) == len(targets) == len(materials.split.train)
    np.testing.assert_array_equal(~np.isnan(own).any(axis=1), np.isin(targets, (0, 2)))


@pytest.mark.usefixtures("weights_home")
def test_specialists_that_do_not_help_are_left_out_and_said(make_materials, monkeypatch):
    monkeypatch.setattr(specialists, "groups_of", lambda answers, count: [np.array([0, 2])])
    monkeypatch.setattr(specialists, "share_of", lambda *_: (0.0, "no gain"))
    model = ways.fit(RECIPE, make_materials(), on_epoch=lambda epoch: None)
    assert len(model.learnware.members) == 1 and "share" not in model.tensors
    assert model.details["specialists"].startswith("none kept: 1 groups")


@pytest.mark.usefixtures("weights_home")
def test_specialists_need_a_member_that_is_a_linear_head(make_materials):
    stage = Stage(optimizer="adam", learning_rate=0.01, batch_size=8, epochs=1)
    network = Recipe("convnet-28px", 20, stages=(stage,))
    recipe = Recipe("ensemble", 20, arguments={"combine": "average", "specialists": 2}, members=(network,))
    with pytest.raises(UsageError, match="Specialists are linear heads on frozen features; name features among"):
        ways.fit(recipe, make_materials(), on_epoch=lambda epoch: None)
