from __future__ import annotations

import numpy as np
import pytest

from learnware import hostile
from starshift.errors import RunError
from starshift.learnware import archive, declared, package
from starshift.records import TextContract


def test_a_network_that_is_what_it_declares_is_verified():
    found = package.load(archive.packed(hostile.network()))
    declared.verify(found.learnware, found.tensors)


def test_a_fitted_network_is_what_it_declares(finished_run):
    learnware, tensors = package.read(finished_run.path / "model")
    assert learnware.builder == "convnet-28px"
    declared.verify(learnware, tensors)


def test_heads_are_compared_without_keras_and_need_no_more():
    found = package.load(archive.packed(hostile.good()))
    assert declared.problems(found.learnware, found.tensors) == []
    declared.verify(found.learnware, found.tensors)
    wrong = {**found.tensors, "head/bias": np.zeros(2, np.float32)}
    assert "are needed" in declared.problems(found.learnware, wrong)[0]


def test_tensors_of_no_member_are_strangers():
    frozen = hostile.learnware()
    whole = hostile.learnware(builder="ensemble", arguments={"of": ("features",)}, members=(frozen,))
    tensors = {f"member/{name}": array for name, array in hostile.HEAD.items()} | {"weights": np.ones(1, np.float32)}
    assert declared.problems(whole, tensors) == []
    extra = {**tensors, "backdoor": np.ones(1, np.float32)}
    assert declared.problems(whole, extra) == ["It has tensors that belong to none of its models."]


def test_a_builder_of_other_things_is_refused():
    learnware = hostile.learnware(builder="ngrams", arguments={"views": ("words",)}, bases=())
    assert declared.problems(learnware, hostile.HEAD) == [
        "Its builder 'ngrams' makes no models that take what it says it takes."
    ]


def test_arguments_that_make_a_builder_stumble_are_a_sentence():
    learnware = hostile.learnware(builder="ngrams", arguments={"views": ("words",)}, bases=(), input=TextContract(""))
    assert declared.problems(learnware, hostile.HEAD) == [
        "Its tensors and arguments are not those of 'ngrams' (KeyError: 'orders')."
    ]


def test_what_differs_is_named():
    found = package.load(archive.packed(hostile.network()))
    with pytest.raises(RunError, match=r"it lacks 'conv1/bias'; it lacks 'conv1/kernel'; .*; 2 more\."):
        declared.verify(found.learnware, {})
