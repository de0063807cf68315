"""The baseline of every kind of target: fitted, opened again, and refused where its tensors are another's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from starshift.compose.constant import Constant
from starshift.errors import RunError
from starshift.records import Target

TENSORS = {
    "binary": {"frequencies": np.array([0.25, 0.75], np.float32)},
    "multi-label": {"frequencies": np.array([0.9, 0.1], np.float32)},
    "regression": {"mean": np.array([31.5])},
    "share": {"mean": np.array([0.25])},
    "string": {"string": np.frombuffer("né".encode(), np.uint8)},
}


def learnware(kind: str) -> SimpleNamespace:
    return SimpleNamespace(name="baseline", target=Target("y", kind, ("a", "b")))


def test_the_same_answer_for_every_example():
    assert Constant(learnware("binary"), TENSORS["binary"]).answer(None, range(3)).tolist() == [[0.25, 0.75]] * 3
    assert Constant(learnware("regression"), TENSORS["regression"]).answer(None, range(2)).tolist() == [31.5, 31.5]
    assert Constant(learnware("string"), TENSORS["string"]).answer(None, [7]).tolist() == [["né", 1.0]]
    assert Constant(learnware("string"), TENSORS["string"]).answer(None, []).shape == (0, 2)


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_of_another_kind_or_form_are_refused(kind):
    for tensors in ({}, {"mean": np.zeros(2)}, {"frequencies": np.zeros(3)}, TENSORS[kind] | {"more": np.zeros(1)}):
        with pytest.raises(RunError, match=r"The tensors of 'baseline' are .* are needed"):
            Constant(learnware(kind), tensors)
