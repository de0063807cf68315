from __future__ import annotations

import gc
import threading
import time
import warnings

import numpy as np
import pytest

from starshift.errors import TrainingDiverged
from starshift.recipe import Recipe, Stage
from starshift.records import Split
from starshift.training.fit import Pace, measure_pace, read_weights, train, write_weights

SIDE = 8


def tiny_network(classes: int = 3):
    """A network that trains in a moment."""
    from keras import Input, Model, layers

    from starshift.models.heads import classification_head

    inputs = Input((SIDE, SIDE, 3), name="pixels")
    x = layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="tanh", name="dense")(x)
    return Model(inputs, classification_head(x, classes))


def pictures(classes: int = 3, count: int = 60):
    """Pixels whose brightness is their class, and targets."""
    rng = np.random.default_rng(0)
    targets = np.arange(count) % classes
    pixels = rng.integers(0, 50, (count, SIDE, SIDE, 3)) + (200 // (classes - 1)) * targets[:, None, None, None]
    return pixels.astype(np.uint8), targets


SPLIT = Split(train=tuple(range(45)), validation=tuple(range(45, 60)), test=(), how="")


def recipe(*stages: Stage) -> Recipe:
    return Recipe(builder="convnet-28px", size=SIDE, stages=stages or (Stage("adam", 0.01, 10, 3),))


def trained(how: Recipe | None = None, classes: int = 3, seed: int = 0, **callbacks):
    pixels, targets = pictures(classes)
    return train(
        how or recipe(), lambda: tiny_network(classes), pixels, targets, SPLIT, classes=classes, seed=seed, **callbacks
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_training_learns_and_keeps_its_history(classes):
    epochs, steps = [], []
    result = trained(
        recipe(Stage("adam", 0.003, 10, 12)), classes, on_epoch=epochs.append, on_step=lambda *done: steps.append(done)
    )
    assert [epoch.epoch for epoch in result.history] == list(range(1, 13))
    assert list(result.history) == epochs
    assert steps == [(done, 60) for done in range(1, 61)]  # 45 pictures in batches of 10: 5 steps, 12 times
    first, last = result.history[0], result.history[-1]
    assert last.loss < first.loss and last.validation_accuracy > 0.8
    assert all(epoch.seconds > 0 for epoch in epochs)
    assert set(result.weights) == {"dense/kernel", "dense/bias", "head/kernel", "head/bias"}
    assert all(array.dtype == np.float32 for array in result.weights.values())


def test_several_stages_go_on_counting_epochs():
    result = trained(recipe(Stage("sgd", 0.01, 10, 2), Stage("rmsprop", 0.001, 20, 1)))
    assert [epoch.epoch for epoch in result.history] == [1, 2, 3]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    one, two, other = trained(seed=1), trained(seed=1), trained(seed=2)
    for name, array in one.weights.items():
        np.testing.assert_allclose(array, two.weights[name], atol=1e-6)
    assert not np.allclose(one.weights["dense/kernel"], other.weights["dense/kernel"])


def test_the_training_pictures_alone_move_the_weights():
    pixels, targets = pictures()
    spoiled = targets.copy()
    spoiled[45:] = 0
    results = [
        train(recipe(), tiny_network, pixels, these, SPLIT, classes=3, seed=0).weights["dense/kernel"]
        for these in (targets, spoiled)
    ]
    np.testing.assert_allclose(*results, atol=1e-6)


def test_a_loss_that_is_no_number_stops_the_training_in_words():
    with pytest.raises(TrainingDiverged) as caught:
        trained(recipe(Stage("sgd", 1e38, 10, 3)))
    said = str(caught.value)
    assert said.startswith("The loss became ") and "in epoch 1, step " in said
    assert said.endswith("at a learning rate of 1e+38. Try a smaller learning rate.")


def test_an_exception_from_a_callback_passes_through():
    def stop(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(on_epoch=stop)


def test_training_warns_of_nothing_and_leaves_no_thread_behind():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        gc.collect()
        if not any(one.name == "starshift-batches" for one in threading.enumerate()):
            return
        time.sleep(0.05)
    pytest.fail("a thread that makes batches is still there")


def test_weights_go_out_of_one_network_and_into_another():
    one, two = tiny_network(), tiny_network()
    write_weights(two, read_weights(one))
    pixels, _ = pictures()
    np.testing.assert_array_equal(one.predict(pixels, verbose=0), two.predict(pixels, verbose=0))


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="weights differ in names"):
        write_weights(tiny_network(), {"dense/kernel": np.zeros((1, 1))})


def test_a_pace_is_measured_and_predicts_a_whole_training():
    pace = measure_pace(recipe(), tiny_network, classes=3, steps=3)
    assert pace.start > 0 and pace.step > 0 and pace.picture > 0
    assert Pace(2.0, 0.1, 0.01).seconds((Stage(epochs=3, batch_size=20),), 45, 10) == pytest.approx(2 + 3 * (0.3 + 0.1))
