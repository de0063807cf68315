"""What a user's own network, loss and metrics must keep to."""

from __future__ import annotations

import pytest

from own_parts import certainty, one_conv, squared
from starshift.training.own import build, loss_problems, metric_problems, network_problems


def network(*, shape=(16, 16, 3), units=1, activation="sigmoid", twice=False, inputs=1, scale=1 / 255):
    from keras import Input, Model, layers

    given = [Input(shape) for _ in range(inputs)]
    x = layers.Flatten()(layers.Rescaling(scale)(given[0]))
    outputs = [layers.Dense(units, activation=activation)(x) for _ in range(2 if twice else 1)]
    return Model(given, outputs)


def lambda_end():
    from keras import Input, Model, layers

    pixels = Input((16, 16, 3))
    return Model(pixels, layers.Rescaling(1.0)(layers.Dense(3)(layers.GlobalAveragePooling2D()(pixels))))


@pytest.mark.parametrize("classes", [2, 5])
def test_a_good_network_has_no_problem(classes):
    assert network_problems(build(one_conv, 16, classes), 16, classes) == []


def test_own_networks_are_built_in_float32():
    assert {layer.dtype_policy.name for layer in build(one_conv, 16, 2).layers} == {"float32"}


@pytest.mark.parametrize(
    ("options", "classes", "said"),
    [
        ({"units": 2, "activation": "softmax"}, 2, "has the shape (N, 2); for 2 classes it must be (N, 1), the"),
        ({}, 3, "Its output has the shape (N, 1); for 3 classes it must be (N, 3) (a softmax)."),
        ({"activation": None}, 2, "no activation, so that it gives no probabilities. End it with activation='sigmoid'"),
        ({"activation": "relu", "units": 3, "scale": 1}, 3, "probabilities are needed. End it with activation='soft"),
        ({"activation": "sigmoid", "units": 3}, 3, "Its outputs do not sum to 1 over the 3 classes. End it with act"),
        ({"twice": True}, 2, "It has 2 outputs; one is needed, the probabilities."),
        ({"inputs": 2}, 2, "It has 2 inputs; there is one, the pictures."),
        ({"scale": float("nan")}, 2, "Of random pixels it says NaN or infinity. Scale the pixels"),
    ],
)
def test_each_mistake_has_its_sentence(options, classes, said):
    problems = network_problems(network(**options), 16, classes)
    assert any(said in problem for problem in problems), problems


def test_all_that_is_wrong_is_said_at_once():
    said = network_problems(network(shape=(20, 20, 1), units=4), 16, 3)
    assert said == [
        "Its input has the shape (20, 20, 1); pictures come as (16, 16, 3), uint8 from 0 to 255. Take the "
        "input_shape that the builder is given.",
        "Its output has the shape (N, 4); for 3 classes it must be (N, 3) (a softmax).",
    ]


def test_what_is_no_trainable_network_is_refused():
    from keras import Input, Model, Sequential, layers

    assert network_problems(3, 16, 2) == [
        "It gave an int; a keras.Model is needed, such as keras.Model(inputs, outputs)."
    ]
    assert network_problems(Sequential([layers.Flatten(), layers.Dense(1)]), 16, 2)[0].startswith(
        "Its network has no input yet"
    )
    pixels = Input((16, 16, 3))
    still = Model(pixels, layers.Activation("softmax")(layers.GlobalAveragePooling2D()(pixels)))
    assert network_problems(still, 16, 3) == ["It has no weights that could be trained."]
    assert "Its outputs run from " in network_problems(lambda_end(), 16, 3)[0]


def test_a_network_for_any_size_is_taken():
    from keras import Input, Model, layers

    pixels = Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(pixels))
    assert network_problems(Model(pixels, layers.Dense(1, "sigmoid")(x)), 16, 2) == []


@pytest.mark.parametrize("classes", [2, 3])
def test_a_loss_gives_a_number_for_each_picture(classes):
    from keras import ops

    assert loss_problems(squared, classes) == []

    def mean(targets, outputs):
        return ops.mean((targets - outputs) ** 2)

    def infinite(targets, outputs):
        return ops.sum(targets / 0.0, axis=-1)

    assert loss_problems(mean, classes)[0].startswith("The loss mean gives the shape () for 8 pictures; one number for")
    assert loss_problems(infinite, classes) == ["The loss infinite gives NaN or infinity."]


def test_metrics_give_a_number_and_have_names_of_their_own():
    from keras import metrics

    assert metric_problems([certainty, metrics.AUC()], 3) == []

    def words(targets, outputs):
        return "good"

    assert metric_problems([words], 3)[0].startswith("The metric words gives no number: ")
    assert metric_problems([certainty, certainty], 3) == ["Two metrics are called 'certainty'."]
    assert metric_problems([metrics.AUC(name="auc")], 3, ["auc"]) == ["Two metrics are called 'auc'."]
