"""starshift.learnware.mapped: a learnware's last layer for a user's classes is the learnware, seen through them."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from learnware.shelved import base_in, mine, package_of
from starshift.compose import ensemble
from starshift.compose.predictor import Predictor
from starshift.learnware.candidates import restricted
from starshift.learnware.mapped import added, is_linear_on, mapped, problem, taking
from starshift.records import InputContract, Target, TextContract


def answers(made, tensors, own):
    return own.said(Predictor(made, tensors, own.cache))


@pytest.mark.parametrize("classes", [("b", "a"), ("c", "a", "b"), ("d", "b", "a", "c")])
def test_all_known_classes_are_answered_as_the_learnware_does_among_them(tmp_path, classes):
    content, own = package_of(("a", "b", "c", "d")), mine(tmp_path, ("a", "b"), 5)
    target = Target.of_classes(tuple(f"mine {name}" for name in classes))
    [found] = mapped(content.learnware, content.tensors, classes, target)
    whole = answers(content.learnware, content.tensors, own)
    expected = restricted(whole, [content.learnware.classes.index(name) for name in classes])
    assert found.learnware.classes == target.classes and found.weight == 1.0
    assert np.abs(answers(found.learnware, found.tensors, own) - expected).max() < 1e-4


def test_a_learnware_of_two_classes_has_one_output_and_can_be_turned_around(tmp_path):
    content, own = package_of(("a", "b")), mine(tmp_path, ("a", "b"), 5)
    assert content.tensors["head/kernel"].shape[1] == 1
    [found] = mapped(content.learnware, content.tensors, ("b", "a"), Target.of_classes(("x", "y")))
    whole = answers(content.learnware, content.tensors, own)
    assert np.abs(answers(found.learnware, found.tensors, own) - whole[:, ::-1]).max() < 1e-5


def test_an_unknown_class_gets_the_mean_logit(tmp_path):
    content, own = package_of(("a", "b", "c")), mine(tmp_path, ("a", "b"), 5)
    [found] = mapped(content.learnware, content.tensors, ("a", "", "b"), Target.of_classes(("x", "y", "z")))
    logits = np.log(answers(found.learnware, found.tensors, own))
    assert np.abs(logits[:, 1] - (logits[:, 0] + logits[:, 2]) / 2).max() < 1e-3


def test_a_temperature_becomes_part_of_the_layer(tmp_path):
    content, own = package_of(("a", "b", "c"), temperature=2.0), mine(tmp_path, ("a", "b"), 5)
    [found] = mapped(content.learnware, content.tensors, ("a", "b", "c"), Target.of_classes(("a", "b", "c")))
    assert found.learnware.temperature == 1.0
    whole = answers(content.learnware, content.tensors, own)
    assert np.abs(answers(found.learnware, found.tensors, own) - whole).max() < 1e-4


def test_an_ensemble_comes_apart_into_its_members(tmp_path):
    one, two, own = package_of(("a", "b", "c")), package_of(("a", "b", "c"), seed=2), mine(tmp_path, ("a", "b"), 5)
    whole = structs.replace(
        one.learnware, builder="ensemble", arguments={"combine": "weighted"}, members=(one.learnware, two.learnware)
    )
    tensors = ensemble.together([one.tensors, two.tensors], [0.7, 0.5])
    target = Target.of_classes(("x", "y", "z"))
    found = mapped(whole, tensors, ("c", "a", "b"), target)
    assert [round(member.weight, 6) for member in found] == [0.7, 0.5]
    together = ensemble.combined(
        [answers(member.learnware, member.tensors, own) for member in found], [member.weight for member in found]
    )
    expected = answers(whole, tensors, own)[:, [2, 0, 1]]
    assert np.abs(together - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"builder": "majority"}, "its builder is 'majority'"),
        ({"input": TextContract("text")}, "it takes no pictures"),
        ({"targets": (Target("size", "regression", ()),)}, "it does not tell classes apart"),
        ({"builder": "ensemble", "arguments": {"combine": "vote"}}, "its members vote"),
        ({"builder": "own"}, "its builder is 'own'"),
    ],
)
def test_what_cannot_be_mapped_is_said(changes, why):
    assert problem(structs.replace(package_of(("a", "b")).learnware, **changes)) == why


def test_specialists_and_several_targets_cannot_be_mapped():
    whole, part = package_of(("a", "b", "c")).learnware, package_of(("a", "b")).learnware
    assert problem(structs.replace(whole, builder="ensemble", members=(whole, part))) == "it has specialists"
    assert problem(structs.replace(whole, targets=(whole.target, part.target))) == "it predicts several targets"
    assert problem(whole) == ""


def test_taking_centres_what_is_known():
    matrix = taking([2, -1, 0], 3)
    assert np.allclose(np.array([1.0, 5.0, 3.0]) @ matrix, [1.0, 0.0, -1.0])


def test_heads_add_up():
    kernels = [np.ones((3, 2), np.float32), np.full((3, 2), 2, np.float32)]
    found = added([(kernels[0], np.zeros(2), 0.5), (kernels[1], np.ones(2), 2.0)])
    assert (found["head/kernel"] == 4.5).all() and (found["head/bias"] == 2.0).all()


def test_only_a_plain_head_on_the_very_base_is_linear_on_it(tmp_path):
    made, base = package_of(("a", "b")).learnware, base_in(tmp_path)
    contract = InputContract(224, "stretch")
    assert is_linear_on(made, base.reference, contract, "f32")
    for changes in (
        {"arguments": {**made.arguments, "mirrored": True}},
        {"arguments": {**made.arguments, "cuts": ("top",)}},
        {"precision": "bf16"},
        {"input": InputContract(160, "stretch")},
        {"builder": "convnet"},
    ):
        assert not is_linear_on(structs.replace(made, **changes), base.reference, contract, "f32")
