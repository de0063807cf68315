"""The only training loop: network, pictures, split and stage → a trained network and its history."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from starshift import seeds
from starshift.data.batches import Batch, Batches
from starshift.errors import TrainingDiverged
from starshift.models import heads
from starshift.recipe import Recipe, Stage
from starshift.records import Epoch, Split
from starshift.training.keras_setup import load_keras, precision, training_policy

VALIDATION_BATCH = 50
"""Pictures per step when nothing is learned; no result depends on it."""


@dataclass(frozen=True)
class Trained:
    """A trained network. weights: float32 arrays by their path in the network, e.g. "conv1/kernel"."""

    weights: dict[str, np.ndarray]
    history: tuple[Epoch, ...]
    policy: str  # the Keras dtype policy that was computed in


def train(
    recipe: Recipe,
    build: Callable[[], Any],
    pixels: Any,
    targets: np.ndarray,
    split: Split,
    *,
    classes: int,
    seed: int,
    on_step: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a network by the recipe's stages.

    build: makes the Keras model, uint8 (N, H, W, C) → probabilities, under the policy that is set here.
    pixels: array-like of uint8 (N, H, W, C). targets: int (N,).
    on_step: called with steps done and steps in all. on_epoch: called after each epoch.
    Raises TrainingDiverged when the loss is no longer finite.
    """
    keras = load_keras()
    policy = training_policy()
    keras.utils.set_random_seed(seeds.child(seed, "weights"))
    with precision(policy):
        model = build()
    shaped = heads.shape_targets(targets, classes)
    epochs: list[Epoch] = []
    for number, stage in enumerate(recipe.stages):
        batches = Batches(
            pixels,
            shaped,
            np.array(split.train),
            batch_size=stage.batch_size,
            seed=seeds.child(seed, "batches", number),
        )
        validation = Batches(
            pixels, shaped, np.array(split.validation), batch_size=VALIDATION_BATCH, seed=0, shuffle=False
        )
        _run_stage(keras, model, stage, batches, validation, classes, epochs, on_step, on_epoch)
    return Trained(read_weights(model), tuple(epochs), policy)


def _run_stage(
    keras: Any,
    model: Any,
    stage: Stage,
    batches: Batches,
    validation: Batches,
    classes: int,
    epochs: list[Epoch],
    on_step: Callable[[int, int], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> None:
    compile_model(keras, model, stage, classes)

    def keep(epoch: Epoch) -> None:
        epochs.append(epoch)
        if on_epoch:
            on_epoch(epoch)

    learned, held_out = _endless(batches, len(epochs)), _endless(validation, 0)
    try:
        model.fit(
            learned,
            steps_per_epoch=len(batches),
            epochs=stage.epochs,
            validation_data=held_out,
            validation_steps=len(validation),
            shuffle=False,  # `batches` did it
            verbose=0,
            callbacks=[_watcher(keras, stage, len(batches), len(epochs), on_step, keep)],
        )
    finally:
        _close(learned)
        _close(held_out)


def compile_model(keras: Any, model: Any, stage: Stage, classes: int) -> None:
    """Give a model its optimizer, loss and metric."""
    optimizers = {
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
    }
    model.compile(
        optimizer=optimizers[stage.optimizer](stage.learning_rate),
        loss=heads.loss_for(classes),
        metrics=["accuracy"],
    )


def _endless(batches: Batches, first_epoch: int) -> Generator[Batch, None, None]:
    """Epoch after epoch, as `keras.Model.fit` wants its generators; it stops asking by itself."""
    number = first_epoch
    while True:
        yield from batches.epoch(number)
        number += 1


def _close(batches: Generator[Batch, None, None]) -> None:
    """End the background thread of batches that nobody will take; Keras never lets go of its generators."""
    while True:
        try:
            return batches.close()
        except ValueError:  # TensorFlow, which reads ahead, is drawing from it at this moment
            time.sleep(0.01)


def _watcher(
    keras: Any,
    stage: Stage,
    steps: int,
    epochs_before: int,
    on_step: Callable[[int, int], None] | None,
    on_epoch: Callable[[Epoch], None],
) -> Any:
    """A Keras callback that reports progress, keeps the history and stops at a loss that is not finite."""

    class Watcher(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch, self.started = epoch, time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if not math.isfinite(logs["loss"]):
                raise TrainingDiverged(
                    f"The loss became {logs['loss']} in epoch {epochs_before + self.epoch + 1}, step {batch + 1}, "
                    f"at a learning rate of {stage.learning_rate:g}. Try a smaller learning rate."
                )
            if on_step:
                on_step(self.epoch * steps + batch + 1, stage.epochs * steps)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            on_epoch(
                Epoch(
                    epoch=epochs_before + epoch + 1,
                    seconds=round(time.perf_counter() - self.started, 3),
                    loss=float(logs["loss"]),
                    accuracy=float(logs["accuracy"]),
                    validation_loss=float(logs["val_loss"]),
                    validation_accuracy=float(logs["val_accuracy"]),
                )
            )

    return Watcher()


def read_weights(model: Any) -> dict[str, np.ndarray]:
    """All weights of a Keras model by their path: float32 arrays."""
    return {variable.path: np.asarray(variable.numpy(), np.float32) for variable in model.weights}


def write_weights(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Set all weights of a freshly built Keras model by path; names and shapes must agree."""
    own = {variable.path: variable for variable in model.weights}
    if own.keys() != weights.keys():
        raise ValueError(f"weights differ in names: {sorted(own.keys() ^ weights.keys())[:4]}")
    for path, variable in own.items():
        variable.assign(weights[path])


@dataclass(frozen=True)
class Pace:
    """How fast a network trains here, in seconds."""

    start: float  # importing, building, tracing
    step: float  # one training step
    picture: float  # one validation picture

    def seconds(self, stages: tuple[Stage, ...], train: int, validation: int) -> float:
        """The predicted duration of a whole training with `train` and `validation` pictures."""
        total = self.start
        for stage in stages:
            steps = -(-train // stage.batch_size)
            total += stage.epochs * (steps * self.step + validation * self.picture)
        return total


def measure_pace(recipe: Recipe, build: Callable[[], Any], *, classes: int, steps: int = 12) -> Pace:
    """Train a throw-away copy for a few steps on random pixels and time it."""
    began = time.perf_counter()
    keras = load_keras()
    stage = recipe.stages[0]
    with precision(training_policy()):
        model = build()
    compile_model(keras, model, stage, classes)
    generator = np.random.default_rng(0)
    shape = (max(stage.batch_size, VALIDATION_BATCH), *model.input_shape[1:])
    pixels = generator.integers(0, 256, shape, dtype=np.uint8)
    targets = heads.shape_targets(generator.integers(0, classes, len(pixels)), classes)
    batch = pixels[: stage.batch_size], targets[: stage.batch_size]
    held_out = pixels[:VALIDATION_BATCH], targets[:VALIDATION_BATCH]
    model.train_on_batch(*batch)
    model.test_on_batch(*held_out)
    start = time.perf_counter() - began
    step = _median_seconds(lambda: model.train_on_batch(*batch), steps)
    picture = _median_seconds(lambda: model.test_on_batch(*held_out), 3) / VALIDATION_BATCH
    return Pace(start, step, picture)


def _median_seconds(action: Callable[[], Any], times: int) -> float:
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        durations.append(time.perf_counter() - began)
    return float(np.median(durations))
