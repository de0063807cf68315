from __future__ import annotations

import gc
import re
import threading
import time
import warnings

import msgspec
import numpy as np
import pytest

from own_parts import certainty, squared
from starshift.augmentation import Augmentation
from starshift.errors import TrainingDiverged, UsageError
from starshift.recipe import LOSSES, Recipe, Stage
from starshift.records import Split
from starshift.training.fit import train
from tiny import SIDE, pictures, recipe, telling, tiny_network

SPLIT = Split(train=tuple(range(45)), validation=tuple(range(45, 60)), test=(), how="")


def trained(how: Recipe | None = None, classes: int = 3, seed: int = 0, **callbacks):
    pixels, targets = pictures(classes)
    return train(
        how or recipe(),
        lambda: tiny_network(classes),
        pixels,
        targets,
        SPLIT,
        heads=telling(classes),
        seed=seed,
        **callbacks,
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_training_learns_and_keeps_its_history(classes):
    epochs, steps = [], []
    result = trained(
        recipe(Stage(optimizer="adam", learning_rate=0.003, batch_size=9, epochs=12)),
        classes,
        on_epoch=epochs.append,
        on_step=lambda *done: steps.append(done),
    )
    assert [epoch.epoch for epoch in result.history] == list(range(1, 13))
    assert list(result.history) == epochs
    assert steps == [(done, 60) for done in range(1, 61)]  # 45 pictures in batches of 9: 5 steps, 12 times
    first, last = result.history[0], result.history[-1]
    assert last.loss < first.loss and last.validation_accuracy > 0.8
    assert all(epoch.seconds > 0 for epoch in epochs)
    assert set(result.weights) == {"dense/kernel", "dense/bias", "head/kernel", "head/bias"}
    assert all(array.dtype == np.float32 for array in result.weights.values())


@pytest.mark.parametrize("classes", [2, 3])
def test_an_epochs_figures_are_of_all_its_pictures_and_not_of_its_last_batch(classes):
    pixels, targets = pictures(classes)
    everything = tuple(range(45))
    still = Stage(optimizer="sgd", learning_rate=1e-12, batch_size=20, epochs=2)  # batches of 20, 20 and 5
    result = train(
        recipe(still),
        lambda: tiny_network(classes),
        pixels,
        targets,
        Split(train=everything, validation=everything, test=(), how=""),
        heads=telling(classes),
        seed=0,
    )
    for epoch in result.history:
        assert epoch.loss == pytest.approx(epoch.validation_loss, rel=1e-3)
        assert epoch.accuracy == pytest.approx(epoch.validation_accuracy, abs=1e-6)


@pytest.mark.slow
def test_several_stages_go_on_counting_epochs():
    result = trained(
        recipe(
            Stage(optimizer="sgd", learning_rate=0.01, batch_size=10, epochs=2),
            Stage(optimizer="rmsprop", learning_rate=0.001, batch_size=20, epochs=1),
        )
    )
    assert [epoch.epoch for epoch in result.history] == [1, 2, 3]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    one, two, other = trained(seed=1), trained(seed=1), trained(seed=2)
    for name, array in one.weights.items():
        np.testing.assert_allclose(array, two.weights[name], atol=1e-6)
    assert not np.allclose(one.weights["dense/kernel"], other.weights["dense/kernel"])


@pytest.mark.slow
def test_the_training_pictures_alone_move_the_weights():
    pixels, targets = pictures()
    spoiled = targets.copy()
    spoiled[45:] = 0
    results = [
        train(recipe(), tiny_network, pixels, these, SPLIT, heads=telling(3), seed=0).weights["dense/kernel"]
        for these in (targets, spoiled)
    ]
    np.testing.assert_allclose(*results, atol=1e-6)


def test_a_loss_that_is_no_number_in_the_first_epoch_stops_the_training_in_words():
    with pytest.raises(TrainingDiverged) as caught:
        trained(recipe(Stage(optimizer="sgd", learning_rate=1e38, batch_size=10, epochs=3)))
    said = str(caught.value)
    assert " in epoch 1, step " in said
    assert said.endswith("at a learning rate of 1e+38. Try a smaller learning rate.")


def test_a_loss_that_is_no_number_later_on_keeps_the_weights_of_the_last_good_epoch():
    pixels, targets = pictures()
    pixels, seen = pixels.astype(np.float32), []

    def spoil(epoch):
        seen.append(epoch)
        if epoch.epoch == 2:
            pixels[:45] = np.nan

    stage = Stage(optimizer="adam", learning_rate=0.01, batch_size=10, epochs=5, schedule="cosine")
    stopped = train(recipe(stage), tiny_network, pixels, targets, SPLIT, heads=telling(3), seed=0, on_epoch=spoil)
    assert list(stopped.history) == seen and len(seen) == 2
    assert stopped.diverged == (
        "The loss became nan in epoch 3, step 1, at a learning rate of 0.00654508. Try a smaller learning rate. "
        "The weights of epoch 2 were kept."
    )
    assert stopped.kept == "of epoch 2" and all(np.isfinite(array).all() for array in stopped.weights.values())
    good = trained(recipe(msgspec.structs.replace(stage, epochs=2, schedule="constant")))
    assert not good.diverged and good.kept == "of the last epoch"


def test_every_field_of_a_stage_is_carried_out_together():
    stage = Stage(
        optimizer="sgd",
        learning_rate=0.05,
        schedule="cosine",
        warmup_epochs=1.5,
        weight_decay=1e-3,
        batch_size=16,
        epochs=6,
        steps_per_epoch=4,
        label_smoothing=0.1,
        augmentation=Augmentation(shift=0.1, flip=True, mixup=0.2),
        plain_epochs=2,
        average=0.9,
    )
    steps = []
    result = trained(recipe(stage), on_step=lambda *done: steps.append(done))
    assert steps == [(done, 24) for done in range(1, 25)]
    assert result.history[-1].validation_accuracy == 1.0
    assert result.kept == "of the last epoch, averaged over steps (momentum 0.9)"


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_loss_learns(loss, classes):
    stage = Stage(optimizer="adam", learning_rate=0.02, batch_size=15, epochs=8, loss=loss)
    history = trained(recipe(stage), classes).history
    assert history[-1].validation_loss < 0.7 * history[0].validation_loss


def test_metrics_by_name_and_of_ones_own_are_written_after_each_epoch():
    own = {"m:certainty#0123456789abcdef": certainty, "m:squared#0123456789abcdef": squared}
    stage = Stage(
        optimizer="adam", epochs=2, loss="m:squared#0123456789abcdef",
        metrics=("auc", "m:certainty#0123456789abcdef"),
    )  # fmt: skip
    history = trained(recipe(stage), own=own).history
    assert [list(epoch.metrics) for epoch in history] == [["auc", "certainty"]] * 2
    assert all(0 <= value <= 1 for epoch in history for value in epoch.metrics.values())
    # The squared distance to the truth is 2 at most, and of three classes 2/3 where nothing is known.
    assert history[0].validation_loss == pytest.approx(2 / 3, abs=0.4)
    assert trained(recipe(Stage(epochs=1))).history[0].metrics == {}


def growing(classes: int = 3):
    """A network for pictures of any size, with an auxiliary output."""
    from keras import Input, Model, layers, regularizers

    from starshift.models.heads import head

    inputs = Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = layers.Conv2D(4, 3, padding="same", kernel_regularizer=regularizers.L2(0.1), name="conv")(x)
    x = layers.BatchNormalization(momentum=0.5, name="norm")(x)
    early = head(layers.GlobalAveragePooling2D(dtype="float32")(x), telling(classes)[0], name="auxiliary")
    x = layers.Dense(6, activation="relu", name="dense")(layers.GlobalAveragePooling2D()(x))
    return Model(inputs, [head(x, telling(classes)[0]), early])


@pytest.mark.slow
def test_pictures_grow_from_larger_ones_and_auxiliary_weights_are_dropped():
    pixels, targets = pictures()
    shapes = []

    class Larger:
        """The pictures twice as large; notes what is taken."""

        shape = (60, 2 * SIDE, 2 * SIDE, 3)

        def __getitem__(self, rows):
            shapes.append(len(rows))
            return pixels[rows].repeat(2, axis=1).repeat(2, axis=2)

    stage = Stage(optimizer="adam", learning_rate=0.03, batch_size=45, epochs=4, sizes=(4, SIDE), average=0.5)
    result = train(recipe(stage), growing, pixels, targets, SPLIT, heads=telling(3), seed=0, larger=Larger())
    assert shapes == [45, 45]  # at 4 px; at 8 px nothing is changed, and the pictures themselves are taken
    assert {path.partition("/")[0] for path in result.weights} == {"conv", "norm", "dense", "head"}
    assert all(np.isfinite([epoch.loss, epoch.validation_loss]).all() for epoch in result.history)


def test_the_history_holds_the_heads_own_loss_before_and_after_an_epoch():
    stage = Stage(optimizer="sgd", learning_rate=1e-9, batch_size=45, epochs=1)
    pixels, targets = pictures()
    whole = Split(train=tuple(range(60)), validation=tuple(range(60)), test=(), how="")
    # The same 60 pictures on both sides of a training that moves nothing: both losses are the head's own.
    stage = msgspec.structs.replace(stage, batch_size=60)
    [epoch] = train(recipe(stage), lambda: tiny_network(3), pixels, targets, whole, heads=telling(3), seed=0).history
    assert epoch.loss == pytest.approx(epoch.validation_loss, rel=1e-2)
    assert epoch.accuracy == pytest.approx(epoch.validation_accuracy, abs=0.02)


@pytest.mark.slow
def test_patience_stops_by_pictures_held_out_of_training_and_keeps_the_best():
    stage = Stage(optimizer="sgd", learning_rate=0.3, batch_size=10, epochs=40, patience=2)
    result = trained(recipe(stage))
    spoiled = np.arange(60) % 3
    spoiled[45:] = 0  # what the validation part says must not matter
    other = train(recipe(stage), tiny_network, pictures()[0], spoiled, SPLIT, heads=telling(3), seed=0)
    assert [epoch.loss for epoch in other.history] == pytest.approx([epoch.loss for epoch in result.history], rel=1e-3)
    assert result.kept == other.kept
    best = int(re.fullmatch(r"of epoch (\d+), which had the lowest loss on (\d+) training .*", result.kept)[1])
    assert best == len(result.history) - 2 or len(result.history) == 40
    assert "held out to stop by" in result.kept


def test_too_few_pictures_to_stop_by_are_said_before_anything_is_trained():
    pixels, targets = pictures()
    few = Split(train=(0, 1, 2), validation=(3, 4, 5), test=(), how="")
    with pytest.raises(UsageError, match="patience holds out a tenth"):
        train(recipe(Stage(patience=1)), tiny_network, pixels, targets, few, heads=telling(3), seed=0)


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
        if not any(one.name.startswith("starshift-batches") for one in threading.enumerate()):
            return
        time.sleep(0.05)
    pytest.fail("a thread that makes batches is still there")


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_balance_weighs_the_loss_by_class(classes):
    """Steps without momentum from the same start: the weighted mean of the loss has that much steeper a slope."""
    pixels, targets = pictures(classes)
    rare = np.flatnonzero(targets == 0)[3:]
    kept = np.setdiff1d(np.arange(len(targets)), rare)
    split = Split(train=tuple(kept.tolist()), validation=tuple(kept.tolist()), test=(), how="")
    biases = {}
    for balance in (False, True):
        stage = Stage(optimizer="sgd", learning_rate=0.01, batch_size=60, epochs=1, balance=balance)
        still = lambda: tiny_network(classes)  # noqa: E731
        result = train(recipe(stage), still, pixels, targets, split, heads=telling(classes), seed=0)
        biases[balance] = result.weights["head/bias"].ravel()
    first = 1 if classes == 2 else -1  # of two classes, the one bias is against the first
    assert first * biases[True][0] < first * biases[False][0]


@pytest.mark.slow
def test_balance_goes_with_auxiliary_outputs_and_patience():
    from keras import Model, layers

    from starshift.models.heads import head

    def build():
        whole = tiny_network(3)
        units = layers.Dense(4, name="beside")(whole.get_layer("dense").output)
        beside = head(units, telling(3)[0], name="auxiliary")
        return Model(whole.inputs, [whole.output, beside])

    pixels, targets = pictures()
    stage = Stage(optimizer="adam", learning_rate=0.01, batch_size=10, epochs=4, patience=2, balance=True)
    result = train(recipe(stage), build, pixels, targets, SPLIT, heads=telling(3), seed=0)
    assert result.history[-1].loss < result.history[0].loss
