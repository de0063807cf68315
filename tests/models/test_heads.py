from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.errors import UsageError
from starshift.models.heads import class_weights, classification_head, probabilities, shape_targets


@pytest.mark.parametrize(
    ("classes", "units", "activation"), [(2, 1, "sigmoid"), (3, 3, "softmax"), (101, 101, "softmax")]
)
def test_one_unit_for_two_classes_and_one_each_for_more(classes, units, activation):
    inputs = keras.Input((5,))
    outputs = classification_head(inputs, classes)
    head = keras.Model(inputs, outputs).get_layer("head")
    assert outputs.shape == (None, units)
    assert head.activation.__name__ == activation


def test_targets_take_the_form_of_the_head():
    two = shape_targets(np.array([0, 1, 1]), 2)
    assert two.dtype == np.float32 and two.tolist() == [[0], [1], [1]]
    three = shape_targets(np.array([2, 0]), 3)
    assert three.dtype == np.float32 and three.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_a_penalty_is_on_the_kernel_of_the_head_alone():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, classification_head(inputs, 3, keras.regularizers.L2(1.0), name="other"))
    head = model.get_layer("other")
    head.kernel.assign(np.full((5, 3), 2.0))
    head.bias.assign(np.ones(3))
    assert float(model.losses[0]) == 60.0 and len(model.losses) == 1


def test_probabilities_have_one_column_per_class():
    np.testing.assert_allclose(probabilities(np.array([[0.25], [1.0]]), 2), [[0.75, 0.25], [0, 1]])
    np.testing.assert_allclose(probabilities(np.array([0.25]), 2), [[0.75, 0.25]])
    three = np.array([[0.2, 0.3, 0.5]])
    assert probabilities(three, 3).dtype == np.float32
    np.testing.assert_allclose(probabilities(three, 3), three)
    assert probabilities(np.zeros((0, 1)), 2).shape == (0, 2)


def test_what_is_impossible_is_said():
    with pytest.raises(UsageError, match="at least 2 classes apart, not 1"):
        shape_targets(np.array([0]), 1)
    with pytest.raises(UsageError, match="at least 2 classes apart, not 1"):
        classification_head(keras.Input((5,)), 1)
    with pytest.raises(UsageError, match=r"Outputs of shape \(4, 3\) do not belong to 5 classes"):
        probabilities(np.ones((4, 3)), 5)


def test_classes_count_the_same_and_pictures_one_on_average():
    targets = np.array([0, 0, 0, 0, 2, 2])
    weights = class_weights(targets, 3)
    assert weights.dtype == np.float32 and weights.tolist() == [0.75, 0.0, 1.5]
    assert weights[targets].mean() == 1
