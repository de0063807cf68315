"""Functions of the user's own, known by their source."""

from __future__ import annotations

import functools
import runpy

import numpy as np
import pytest

from own_parts import certainty, one_conv
from starshift.compose.own import builder_of, in_order, lacking_builder, own
from starshift.errors import UsageError
from starshift.records import InputContract, Learnware, Target


def test_a_function_is_known_by_place_and_source():
    one = own("builder", one_conv)
    assert (one.part.module, one.part.name, one.call) == ("own_parts", "one_conv", one_conv)
    assert one.part.file.endswith("own_parts.py") and len(one.part.digest) == 64
    assert one.reference == f"own_parts:one_conv#{one.part.digest[:16]}"
    assert own("builder", one_conv) == one
    assert own("metric", certainty).part.digest != one.part.digest


def test_another_source_is_another_function(tmp_path):
    parts = []
    for value in (1, 2):
        file = tmp_path / f"mine{value}.py"
        file.write_text(f"def build(input_shape, classes):\n    return {value}\n")
        parts.append(own("builder", runpy.run_path(str(file))["build"]).part)
    assert parts[0].name == parts[1].name and parts[0].digest != parts[1].digest


def test_a_keras_metric_is_known_by_its_class_and_settings():
    from keras import metrics

    one, two = own("metric", metrics.AUC(num_thresholds=50)), own("metric", metrics.AUC(num_thresholds=60))
    assert one.part.name == "AUC" and one.part.module.startswith("keras.")
    assert one.part.digest != two.part.digest
    with pytest.raises(UsageError, match=r"The metric AUC is a class; give one that is made: AUC\(\)\."):
        own("metric", metrics.AUC)


def test_what_has_no_source_is_refused_in_words():
    unread = eval("lambda shape, classes: None")
    with pytest.raises(UsageError, match=r"The source of the builder <lambda> cannot be read.* Put it into a file"):
        own("builder", unread)
    with pytest.raises(UsageError, match=r"The builder must be a function; functools\.partial"):
        own("builder", functools.partial(one_conv, classes=3))
    with pytest.raises(UsageError, match=r"The metric must be a function or a keras.metrics.Metric; 3 came\."):
        own("metric", 3)


def test_weights_go_by_their_place():
    weights = {"conv2d_7/kernel": np.ones(2), "conv2d_7/bias": np.zeros(1)}
    assert list(in_order(weights)) == ["0000 kernel", "0001 bias"]


def test_a_model_without_a_record_says_what_it_can():
    model = Learnware(
        1, "x", "", (Target.of_classes(("a", "b")),), InputContract(8, "stretch"), "own",
        {"build": "m:f#0123456789abcdef"}, (), "f32", (), "", "", {}, "",
    )  # fmt: skip
    assert builder_of(model) is None
    assert "starshift.predict(RUN, PHOTOS, build=my_builder)" in str(lacking_builder(model))
