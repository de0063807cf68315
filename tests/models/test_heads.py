from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.errors import RunError, UsageError
from starshift.models import heads
from starshift.models.heads import Scale
from starshift.records import Target
from tiny import telling

AGE, SHARE = Target("age", "regression"), Target("cloud", "share")
TAGS = Target("tags", "multi-label", ("furry", "indoors", "small"))
[TWO], [THREE] = telling(2), telling(3)


@pytest.mark.parametrize(
    ("target", "units", "activation"),
    [
        (TWO, 1, "sigmoid"),
        (THREE, 3, "softmax"),
        (*telling(101), 101, "softmax"),
        (TAGS, 3, "sigmoid"),
        (AGE, 1, "linear"),
        (SHARE, 1, "sigmoid"),
    ],
)
def test_each_kind_has_its_last_layer(target, units, activation):
    inputs = keras.Input((5,))
    outputs = heads.head(inputs, target)
    layer = keras.Model(inputs, outputs).get_layer("head")
    assert outputs.shape == (None, units)
    assert layer.activation.__name__ == activation


def test_several_heads_are_named_by_their_places_whatever_their_targets_are_called():
    odd = Target("Größe / cm", "regression")
    inputs = keras.Input((5,))
    model = keras.Model(inputs, heads.heads_on(inputs, (TWO, odd, TAGS)))
    assert [layer.name for layer in model.layers[1:]] == ["head", "head_2", "head_3"]
    assert [output.shape for output in model.outputs] == [(None, 1), (None, 1), (None, 3)]


def test_labels_take_the_form_of_the_head():
    two = heads.shape_targets(TWO, np.array([0, 1, 1]))
    assert two.dtype == np.float32 and two.tolist() == [[0], [1], [1]]
    three = heads.shape_targets(THREE, np.array([2, 0]))
    assert three.dtype == np.float32 and three.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert heads.shape_targets(TAGS, TAGS.encode(["furry|small", "|"])).tolist() == [[1, 0, 1], [0, 0, 0]]
    assert heads.shape_targets(SHARE, np.array([0.25, 1])).tolist() == [[0.25], [1]]


@pytest.mark.parametrize("target", [TWO, THREE, TAGS, AGE, SHARE], ids=lambda target: target.kind)
def test_missing_labels_are_rows_of_nan(target):
    known = {"regression": "31", "share": "0.5", "multi-label": "furry"}.get(target.kind, "1")
    shaped = heads.shape_targets(target, target.encode([known, ""]))
    assert np.isfinite(shaped[0]).all() and np.isnan(shaped[1]).all()


def test_numbers_are_standardized_by_what_is_known_and_come_back_in_their_unit():
    ages = np.array([20.0, np.nan, 40.0])
    scale = heads.standardized_by(AGE, ages)
    assert scale == Scale(30.0, 10.0)
    shaped = heads.shape_targets(AGE, ages, scale)
    np.testing.assert_allclose(shaped[[0, 2], 0], [-1, 1])
    back = heads.answers(AGE, shaped[[0, 2]], scale)
    assert back.dtype == np.float64 and back.tolist() == [20.0, 40.0]
    assert heads.standardized_by(AGE, np.array([7.0, 7.0])) == Scale(7.0, 1.0)
    assert heads.standardized_by(SHARE, np.array([0.5])) is None
    with pytest.raises(UsageError, match="No example of the training part has a number for 'age'"):
        heads.standardized_by(AGE, np.array([np.nan]))


def test_scales_are_tensors_of_the_model_and_come_back():
    targets = (THREE, AGE, AGE)
    tensors = heads.scale_tensors((None, Scale(30.0, 10.0), Scale(1.0, 2.0)))
    assert set(tensors) == {"target_2/mean", "target_2/scale", "target_3/mean", "target_3/scale"}
    assert heads.scales_in(tensors, targets) == (None, Scale(30.0, 10.0), Scale(1.0, 2.0))
    whole = tensors | {"head/kernel": np.ones(1), "targets/mean": np.ones(1)}
    assert set(heads.without_scales(whole)) == {"head/kernel", "targets/mean"}
    with pytest.raises(RunError, match="no usable 'target/mean'"):
        heads.scales_in({}, (AGE,))
    with pytest.raises(RunError, match="target/scale is 0; it must be above 0"):
        heads.scales_in(heads.scale_tensors((Scale(1.0, 0.0),)), (AGE,))


def test_a_penalty_is_on_the_kernel_of_the_head_alone():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, heads.head(inputs, THREE, keras.regularizers.L2(1.0), name="other"))
    layer = model.get_layer("other")
    layer.kernel.assign(np.full((5, 3), 2.0))
    layer.bias.assign(np.ones(3))
    assert float(model.losses[0]) == 60.0 and len(model.losses) == 1


def test_probabilities_have_one_column_per_class():
    np.testing.assert_allclose(heads.probabilities(np.array([[0.25], [1.0]]), 2), [[0.75, 0.25], [0, 1]])
    np.testing.assert_allclose(heads.probabilities(np.array([0.25]), 2), [[0.75, 0.25]])
    three = np.array([[0.2, 0.3, 0.5]])
    assert heads.answers(THREE, three).dtype == np.float32
    np.testing.assert_allclose(heads.answers(THREE, three), three)
    assert heads.probabilities(np.zeros((0, 1)), 2).shape == (0, 2)


def test_what_is_impossible_is_said():
    one = Target("class", "multi-class", ("alone",))
    with pytest.raises(UsageError, match="at least 2 classes apart, not 1"):
        heads.shape_targets(one, np.array([0]))
    with pytest.raises(UsageError, match="at least 2 classes apart, not 1"):
        heads.head(keras.Input((5,)), one)
    with pytest.raises(UsageError, match=r"Outputs of shape \(4, 3\) do not belong to 5 classes"):
        heads.probabilities(np.ones((4, 3)), 5)
    with pytest.raises(UsageError, match=r"Outputs of shape \(4, 2\) do not belong to the 3 labels of tags"):
        heads.answers(TAGS, np.ones((4, 2)))
    with pytest.raises(UsageError, match=r"Outputs of shape \(4, 2\) are not one number each, as age wants"):
        heads.answers(AGE, np.ones((4, 2)))


def test_classes_count_the_same_and_pictures_one_on_average():
    targets = np.array([0, 0, 0, 0, 2, 2])
    weights = heads.class_weights(targets, 3)
    assert weights.dtype == np.float32 and weights.tolist() == [0.75, 0.0, 1.5]
    assert weights[targets].mean() == 1
