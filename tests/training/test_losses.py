from __future__ import annotations

import numpy as np
import pytest

from starshift.models.heads import shape_targets
from starshift.recipe import LOSSES
from starshift.training.losses import hits_for, loss_for


@pytest.mark.parametrize("name", LOSSES)
def test_two_classes_by_one_output_cost_what_two_outputs_cost(name):
    second, targets = np.array([0.1, 0.7, 0.4], np.float32)[:, None], np.array([0, 1, 1])
    one = np.array(loss_for(name, 2).call(shape_targets(targets, 2), second))
    both = np.array(loss_for(name, 3).call(np.eye(2, dtype=np.float32)[targets], np.hstack([1 - second, second])))
    np.testing.assert_allclose(one, both, rtol=1e-4)


def test_the_losses_are_what_their_names_say():
    targets, outputs = shape_targets(np.array([1]), 2), np.array([[0.8]], np.float32)
    found = {name: float(loss_for(name, 2)(targets, outputs)) for name in LOSSES}
    assert found["crossentropy"] == pytest.approx(-np.log(0.8), rel=1e-4)
    assert found["focal"] == pytest.approx(-np.log(0.8) * 0.2**2, rel=1e-4)
    assert found["mean squared error"] == pytest.approx(0.04, rel=1e-4)


def test_an_answer_is_right_if_it_names_the_class_that_has_most_of_a_mixed_target():
    mixed, outputs = np.array([[0.7], [0.3], [0.9]]), np.array([[0.6], [0.2], [0.4]])
    assert np.array(hits_for(2)(mixed, outputs)).tolist() == [1, 1, 0]
    mixed, outputs = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), np.array([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
    assert np.array(hits_for(3)(mixed, outputs)).tolist() == [1, 0]
