from __future__ import annotations

import keras
import pytest
from keras.src.backend.common import global_state

from starshift.errors import RunError
from starshift.models import scratch
from starshift.models.declared import declared, refuse_others
from starshift.records import Target
from starshift.training.weights import read_weights

TARGETS = (Target.of_classes(("a", "b", "c")),)


@pytest.mark.parametrize(
    ("builder", "size", "arguments"),
    [
        ("convnet", 64, {"dense": 8}),
        ("convnet-28px", 28, {}),
        ("modern", 64, {"width": 8, "blocks": (1, 1), "norm": "batch"}),
        ("modern", 64, {"width": 16, "blocks": (1, 1), "kind": "inception", "skip": False}),
        ("truncated", 64, {"base": "mobilenet_v2", "cut": "block_3_expand_relu"}),
    ],
)
def test_a_network_is_declared_as_it_is_built(builder, size, arguments):
    shapes = declared(builder, size, TARGETS, arguments)
    built = read_weights(scratch.build(builder, (size, size, 3), TARGETS, arguments))
    assert shapes == {name: array.shape for name, array in built.items()}
    refuse_others(builder, size, TARGETS, arguments, built)


def test_what_a_fine_tuned_network_has_opened_is_declared_without_weights_of_its_base():
    shapes = declared("fine-tuned", 96, TARGETS, {"base": "mobilenet_v2", "cut": "block_16_project_BN"})
    assert shapes == {"Conv_1/kernel": (1, 1, 320, 1280), "head/kernel": (1280, 3), "head/bias": (3,)}


def test_nothing_that_was_declared_is_allocated_later():
    waiting = list(global_state.get_global_attribute("uninitialized_variables") or ())
    declared("modern", 4096, TARGETS, {"width": 65536, "blocks": (9, 9, 9)})  # terabytes
    with keras.StatelessScope():
        pass
    assert list(global_state.get_global_attribute("uninitialized_variables") or ()) == waiting


def test_a_network_that_cannot_be_is_a_sentence():
    with pytest.raises(RunError, match="Its builder 'convnet' makes no network by these arguments: Pictures of 8 px"):
        declared("convnet", 8, TARGETS, {})
