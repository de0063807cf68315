"""What a baseline learns: the mean, frequencies, the commonest string, of the training part alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from starshift.ladder import constant
from starshift.records import Target

LABELS = {
    "multi-class": ["a", "a", "b", "", "c", "c"],
    "multi-label": ["x|y", "x", "|", "", "y", "y"],
    "regression": ["1.0", "2.0", "6.0", "", "100.0", "100.0"],
    "string": ["12", "7", "12", "", "99", "99"],
}

CLASSES = {"multi-class": ("a", "b", "c"), "multi-label": ("x", "y")}


@pytest.fixture
def fitted(monkeypatch):
    """Fits on the first four examples, of which one has no label."""
    monkeypatch.setattr(constant, "unfitted", lambda recipe, materials, *, contract: contract)

    def fit(kind: str):
        target = Target("y", kind, CLASSES.get(kind, ()))
        split = SimpleNamespace(train=(0, 1, 2, 3))
        materials = SimpleNamespace(target=target, targets=target.encode(LABELS[kind]), split=split, content=None)
        return constant.fit(None, materials, print)

    return fit


def test_numbers_have_their_mean(fitted):
    model = fitted("regression")
    assert model.tensors["mean"].tolist() == [3.0] and model.details == {"mean": "3"}


def test_classes_and_labels_have_frequencies_that_are_never_0(fitted):
    assert fitted("multi-class").details == {"majority class": "a"}
    frequencies = fitted("multi-class").tensors["frequencies"]
    assert frequencies.argmax() == 0 and (frequencies > 0).all() and frequencies.sum() == pytest.approx(1)
    assert fitted("multi-label").tensors["frequencies"].tolist() == pytest.approx([0.6, 0.4])


def test_strings_have_the_commonest_as_text_in_bytes(fitted):
    model = fitted("string")
    assert model.tensors["string"].dtype == np.uint8 and bytes(model.tensors["string"]).decode() == "12"
    assert model.details == {"commonest string": "12"}
