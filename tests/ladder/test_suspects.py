"""Suspects and overlays on made-up features, so that nothing is computed by a network."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from starshift.compose.predictor import Predictor
from starshift.data.overlay import COLUMNS, FILE
from starshift.errors import DataError, RunError
from starshift.ladder import frozen, linear, overlaid, suspects
from starshift.ladder.answering import predict_part
from starshift.ladder.folder import RunFolder
from starshift.recipe import Recipe
from starshift.records import RungRecord, Split, files

SIZE = 36  # no other test has features of this size in the cache
RECIPE = Recipe("frozen", SIZE, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
FEATURES = RungRecord("features", "finished", "key", builder="frozen")
MISLABELLED = {0: 1, 13: 2, 25: 0}  # row → the class that the picture really shows
pytestmark = pytest.mark.usefixtures("weights_home")


@pytest.fixture
def task(make_materials):
    """Materials with three wrong labels outside the test part, and one in it."""
    materials = make_materials()
    count = len(materials.dataset.pictures)
    test = tuple(range(5, count, 6))
    validation = tuple(range(1, count, 4))
    train = tuple(sorted(set(range(count)) - {*validation, *test}))
    validation = tuple(row for row in validation if row not in test)
    split = Split(train, validation, test, "by hand")
    store = linear.find_bases(RECIPE, materials).bases[0].store
    shown = materials.targets.copy()
    shown[list(MISLABELLED)] = list(MISLABELLED.values())
    shown[test[0]] = (shown[test[0]] + 1) % 3
    chance = np.random.default_rng(0)
    middles = chance.normal(size=(3, 1280))
    with store.writer(count) as writer:
        for row in range(count):
            features = np.abs(middles[shown[row]] + 0.5 * chance.normal(size=1280))
            if (digest := materials.dataset.digests[row]) not in store:
                writer.add(digest, features.astype(np.float32))
    return dataclasses.replace(materials, split=split)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("starshift.compose.frozen.FrozenBase.network", property(lambda _: pytest.fail("was opened")))


def climbed(materials, folder: RunFolder) -> RunFolder:
    """The rung `features`, as a climb leaves it."""
    folder.create()
    folder.clear_rung("features")
    folder.write_recipe("features", RECIPE)
    model = frozen.fit(RECIPE, materials)
    learnware = folder.write_model("features", model.learnware, model.tensors)
    predictor = Predictor(learnware, model.tensors, materials.cache)
    folder.write_answers("features", predict_part(predictor, materials, materials.split.validation))
    return folder


@pytest.fixture
def folder(task, tmp_path) -> RunFolder:
    return climbed(task, RunFolder(tmp_path / "run"))


def path(materials, row: int) -> str:
    return materials.dataset.pictures[row].path


# --- suspects ---


def test_wrong_labels_are_found_with_the_right_suggestion_and_the_test_part_is_left_sealed(task, folder):
    found, reason = suspects.suspect([FEATURES], task, folder, ())
    assert reason == ""
    assert found.judged == len(task.split.train) + len(task.split.validation) and found.unjudged == 0
    by_path = {one.path: one for one in found.ranked[:3]}
    assert set(by_path) == {path(task, row) for row in MISLABELLED}
    for row, true in MISLABELLED.items():
        one = by_path[path(task, row)]
        assert one.suggested == task.dataset.classes[true] and one.given == task.dataset.pictures[row].label
        assert one.looks_wrong and one.likely_probabilities[0] > one.given_probability
        assert one.part == ("train" if row in task.split.train else "validation")
    assert found.looks_wrong == 3 and found.wrong.n == found.judged
    assert not {one.path for one in found.ranked} & {path(task, row) for row in task.split.test}
    assert found.by.startswith("a linear head on 1,280 features of MobileNetV2, fitted on 5 folds")


def test_settled_labels_are_not_suspected_again(task, folder):
    settled = {task.dataset.digests[0]}
    found, _ = suspects.suspect([FEATURES], task, folder, settled)
    assert found.settled == 1 and found.looks_wrong == 2
    assert path(task, 0) not in {one.path for one in found.ranked}


def test_what_was_found_is_kept_until_something_changes(task, folder, monkeypatch):
    first, _ = suspects.suspect([FEATURES], task, folder, ())
    folder.write_suspects(first)
    assert folder.read_suspects() == first
    monkeypatch.setattr(suspects, "held_out_probabilities", lambda *_, **__: pytest.fail("was judged again"))
    assert suspects.suspect([FEATURES], task, folder, ())[0] == first
    with pytest.raises(pytest.fail.Exception):
        suspects.suspect([FEATURES], task, folder, {task.dataset.digests[0]})
    folder.write_suspects(None)
    assert folder.read_suspects() is None


def test_a_damaged_file_of_suspects_is_made_anew(task, folder):
    (folder.path / "suspects.json").write_text("{")
    with pytest.raises(RunError, match=r"suspects\.json is not a Suspects"):
        folder.read_suspects()
    assert suspects.suspect([FEATURES], task, folder, ())[0].looks_wrong == 3


def test_copies_stay_on_one_side_of_a_fold(task):
    rows = np.array(sorted((*task.split.train, *task.split.validation)))
    together = dataclasses.replace(task, groups=[[0, 12, 24], [int(rows[5]), task.split.test[0]]])
    for fitted, held in suspects._folds(together, rows, task.targets[rows]):
        sides = [set(rows[side].tolist()) & {0, 12, 24} for side in (fitted, held)]
        assert set() in sides


@pytest.mark.parametrize("rungs", [[], [RungRecord("features", "skipped", "")]])
def test_without_frozen_features_the_reason_is_said(task, folder, rungs):
    found, reason = suspects.suspect(rungs, task, folder, ())
    assert found is None
    assert reason.startswith("Labels were not searched for wrong ones: that takes features of a frozen base")


def test_a_dense_head_has_no_pooled_features_to_judge_by(task, folder):
    learnware, _ = folder.read_model("features")
    arguments = {**learnware.arguments, "head": "dense256"}
    shapes = {"dense/kernel": (2, 256), "dense/bias": (256,), "head/kernel": (256, 3), "head/bias": (3,)}
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    folder.write_model("features", msgspec.structs.replace(learnware, arguments=arguments), tensors)
    assert suspects.judging_rung([FEATURES], folder) is None


def test_pictures_that_make_no_folds_are_a_reason(task, folder, monkeypatch):
    def refuse(*_, **__):
        raise DataError("2 training pictures cannot be divided into 5 inner folds.")

    monkeypatch.setattr(suspects, "inner_folds", refuse)
    found, reason = suspects.suspect([FEATURES], task, folder, ())
    assert found is None
    assert (
        reason == "Labels were not searched for wrong ones: 2 training pictures cannot be divided into 5 inner folds."
    )


# --- the overlay ---


@pytest.fixture
def overlay(task, tmp_path):
    """Writes decisions on rows as a file."""

    def write(decisions: dict[int, str]):
        lines = [
            ",".join((path(task, row), task.dataset.digests[row], "relabel" if label in task.dataset.classes else label,
                      label if label in task.dataset.classes else ""))
            for row, label in decisions.items()
        ]  # fmt: skip
        files.write_bytes("\n".join([",".join(COLUMNS), *lines, ""]).encode(), tmp_path / FILE)
        return tmp_path / FILE

    return write


def right_labels(task) -> dict[int, str]:
    return {row: task.dataset.classes[true] for row, true in MISLABELLED.items()}


def test_the_task_under_an_overlay_keeps_parts_groups_and_order(task, overlay):
    grouped = dataclasses.replace(task, groups=[[2, 3, 4], [6, 7]], order=list(range(36)))
    materials, laid, record = overlaid.corrected(grouped, overlay({0: "sky", 3: "drop", 7: "drop"}), min_per_class=2)
    assert [materials.dataset.pictures[row].path for row in materials.groups[0]] == [path(task, 2), path(task, 4)]
    assert len(materials.groups) == 1 and materials.order == [row for row in range(36) if row not in (3, 7)]
    assert materials.dataset.pictures[0].label == "sky" and materials.targets[0] == 2
    assert len(laid.dropped) == 2 and materials.split_digest != task.split_digest
    assert record.sentence == (
        f"{FILE}: 1 picture relabelled, 2 dropped, 0 looked at and kept. The files themselves were not touched."
    )


def test_decisions_on_sealed_pictures_are_said(task, overlay):
    _, _, record = overlaid.corrected(task, overlay({task.split.test[0]: "keep"}), min_per_class=2)
    assert record.sentence.endswith("Among them: 1 picture of the sealed test part.")


def test_the_effect_compares_both_models_on_the_same_corrected_pictures(task, overlay, tmp_path):
    materials, _, record = overlaid.corrected(task, overlay(right_labels(task)), min_per_class=2)
    folder = climbed(materials, RunFolder(tmp_path / "corrected"))
    now = overlaid.with_effect(record, None, [FEATURES], materials, task, folder)
    assert now.effect.model == "features with the overlay" and now.effect.against == "features without it"
    assert now.effect.difference.n == len(task.split.validation) and now.effect.about == "model"
    assert now.effect.difference.low is not None
    assert now.effect_sentence.startswith("features with the overlay, against features without it: ")
    assert "Both models are judged by the corrected labels" in now.effect_sentence


def test_a_measured_effect_is_kept(task, overlay, tmp_path, monkeypatch):
    materials, _, record = overlaid.corrected(task, overlay(right_labels(task)), min_per_class=2)
    folder = climbed(materials, RunFolder(tmp_path / "corrected"))
    first = overlaid.with_effect(record, None, [FEATURES], materials, task, folder)
    monkeypatch.setattr(overlaid, "_without", lambda *_: pytest.fail("was measured again"))
    assert overlaid.with_effect(record, first, [FEATURES], materials, task, folder) == first


def test_why_no_effect_was_measured(task, folder, overlay):
    materials, _, record = overlaid.corrected(task, overlay({0: "keep"}), min_per_class=2)
    assert overlaid.with_effect(record, None, [FEATURES], materials, task, folder).effect_sentence == (
        "It changes no label, so that there is no effect to measure."
    )
    materials, _, record = overlaid.corrected(task, overlay({0: "sky"}), min_per_class=2)
    lacking = overlaid.with_effect(record, None, [], materials, task, folder)
    assert lacking.effect is None and "Climb the rung features." in lacking.effect_sentence
