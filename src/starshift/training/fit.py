"""The only training loop: network, pictures, split and stages → a trained network and its history."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from starshift import seeds
from starshift.data.batches import Batches
from starshift.errors import TrainingDiverged
from starshift.models import heads
from starshift.recipe import Recipe, Stage
from starshift.records import Epoch, Split
from starshift.training import feed
from starshift.training.keras_setup import load_keras, precision, training_policy
from starshift.training.losses import AUXILIARY_WEIGHT, hits_for, loss_for
from starshift.training.metrics import measure
from starshift.training.optimizers import optimizer_for, rate_at
from starshift.training.weights import Average, Weights, are_finite, read_weights, write_weights

VALIDATION_BATCH = 50
"""Pictures per step when nothing is learned; no result depends on it."""


@dataclass(frozen=True)
class Trained:
    """A trained network. weights: float32 arrays by their path in the network, e.g. "conv1/kernel"."""

    weights: Weights
    history: tuple[Epoch, ...]
    policy: str  # the Keras dtype policy that was computed in
    kept: str  # which weights these are: "of the last epoch", …
    diverged: str = ""  # why it ended before its time, in a sentence; the weights are of the last good epoch


@dataclass(frozen=True)
class Callbacks:
    """Whom a training tells what: steps done and steps in all, and each epoch."""

    on_step: Callable[[int, int], None] | None = None
    on_epoch: Callable[[Epoch], None] | None = None


def train(
    recipe: Recipe,
    build: Callable[[], Any],
    pixels: Any,
    targets: np.ndarray,
    split: Split,
    *,
    classes: int,
    seed: int,
    larger: Any = None,
    groups: Sequence[Sequence[int]] = (),
    policy: str | None = None,
    own: Mapping[str, Any] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a network by the recipe's stages.

    build: makes the Keras model, uint8 (N, H, W, C) → probabilities, under the policy that is set here. Outputs after
        the first are auxiliary: their losses are added with AUXILIARY_WEIGHT, their weights are dropped at the end.
    pixels: array-like of uint8 (N, size, size, C), what the model will be asked about. targets: int (N,).
    larger: the same pictures with a larger side, to be augmented from; `pixels` if None.
    groups: pictures that stay together where a stage's patience holds some out, as lists of indices.
    policy: the Keras dtype policy to compute in; the fastest of this machine if None.
    own: losses and metrics of the user's own that stages name, by their reference.
    on_step: called with steps done and steps in all. on_epoch: called after each epoch.
    A loss that is no longer finite ends the training; the weights of the last good epoch are then what is returned.
    Raises TrainingDiverged where no epoch was good, UsageError where too few pictures are there to hold out some.
    """
    keras = load_keras()
    policy = policy or training_policy()
    keras.utils.set_random_seed(seeds.child(seed, "weights"))
    with precision(policy):
        model = build()
    pictures = _Pictures(pixels, larger, targets, split, classes)
    training = _Training(recipe, model, pictures, seed, Callbacks(on_step, on_epoch), groups, own or {})
    diverged = ""
    try:
        for number, stage in enumerate(recipe.stages):
            training.run(number, stage)
    except TrainingDiverged as lost:
        if not training.kept:
            raise
        diverged = f"{lost} The weights of epoch {training.kept_epoch} were kept."
    kept = {variable.path: training.kept[variable.path] for variable in training.answering.weights}
    return Trained(kept, tuple(training.history), policy, training.kept_in_words(), diverged)


@dataclass(frozen=True)
class Compiled:
    """What a model was compiled with, in the form that pictures outside of training are judged by."""

    steps: int  # per epoch
    loss: Callable[[Any, Any], Any]  # (targets, outputs) → float32 (N,)
    hits: Callable[[Any, Any], Any]  # the same: 1 where the answer is right
    metrics: tuple[Any, Any]  # Keras metrics: loss and accuracy of what was learned from


def compile_model(model: Any, stage: Stage, steps: int, classes: int, own: Mapping[str, Any] | None = None) -> Compiled:
    """Give a model its optimizer, its losses, and metrics of its first output. steps: per epoch. own: see `train`."""
    keras = load_keras()
    loss, hits = loss_for(stage.loss, classes, own), hits_for(classes)
    # The loss that is minimized also has penalties and auxiliary losses; this one can be compared with validation.
    metrics = keras.metrics.MeanMetricWrapper(loss.call, "own_loss"), keras.metrics.MeanMetricWrapper(hits, "accuracy")
    others = len(model.outputs) - 1
    model.compile(
        optimizer=optimizer_for(stage, steps, model),
        loss=[loss_for(stage.loss, classes, own) for _ in model.outputs] if others else loss,
        loss_weights=[1.0, *[AUXILIARY_WEIGHT] * others] if others else None,
        metrics=[list(metrics), *[[]] * others] if others else list(metrics),
    )
    return Compiled(steps, loss.call, hits, metrics)


@dataclass(frozen=True)
class _Pictures:
    """What a training looks at; see `train`."""

    pixels: Any
    larger: Any
    targets: np.ndarray
    split: Split
    classes: int

    @property
    def size(self) -> int:
        """Their side in px, at which the network will be asked."""
        return int(self.pixels.shape[1])

    def unchanged(self, indices: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Some pictures at that side as they are, and their targets."""
        return feed.shrunk(self.pixels[indices], size), heads.shape_targets(self.targets[indices], self.classes)


@dataclass
class _Training:
    """A training under way."""

    recipe: Recipe
    model: Any
    pictures: _Pictures
    seed: int
    callbacks: Callbacks
    groups: Sequence[Sequence[int]]
    own: Mapping[str, Any]
    history: list[Epoch] = field(default_factory=list)
    kept: Weights = field(default_factory=dict)
    kept_epoch: int = 0
    steps_done: int = 0

    def __post_init__(self) -> None:
        outputs = self.model.outputs
        self.answering = self.model if len(outputs) == 1 else load_keras().Model(self.model.inputs, outputs[0])
        self.learning, self.deciding = np.array(self.pictures.split.train), np.array([], int)
        if any(stage.patience for stage in self.recipe.stages):
            seed = seeds.child(self.seed, "hold out")
            self.learning, self.deciding = feed.hold_out(self.learning, self.pictures.targets, self.groups, seed)
        self.steps_in_all = sum(stage.epochs * self._steps(stage) for stage in self.recipe.stages)

    def _steps(self, stage: Stage) -> int:
        return stage.steps_per_epoch or -(-len(self.learning) // stage.batch_size)

    def run(self, number: int, stage: Stage) -> None:
        """One stage; leaves the weights that it keeps in the model."""
        compiled = compile_model(self.model, stage, self._steps(stage), self.pictures.classes, self.own)
        average = Average(self.model, stage.average) if stage.average else None
        lowest, waited = math.inf, 0
        for epoch in range(stage.epochs):
            began = time.perf_counter()
            learned = self._learn(number, stage, epoch, compiled, average)
            weights = average.copy() if average else read_weights(self.model)
            with self._holding(weights) if average else contextlib.nullcontext():  # else it has them already
                decision = self._judge(stage, epoch, compiled, learned, began)
            if not stage.patience or decision < lowest:
                lowest, waited, self.kept, self.kept_epoch = decision, 0, weights, len(self.history)
            elif (waited := waited + 1) >= stage.patience:
                break
        write_weights(self.model, self.kept)

    def _learn(
        self, number: int, stage: Stage, epoch: int, compiled: Compiled, average: Average | None
    ) -> tuple[float, float]:
        """An epoch's steps: mean loss and accuracy of what was learned from, while the weights moved.

        Raises TrainingDiverged at a loss or a weight that is not finite.
        """
        outputs, weights = len(self.model.outputs), self._class_weights(stage)
        sums, seen = np.zeros(2), 0  # Keras forgets its metrics with every train_on_batch
        with contextlib.closing(self._batches(number, stage, epoch).epoch(len(self.history))) as batches:
            for step, (pixels, targets) in enumerate(batches):
                answers = targets if outputs == 1 else [targets] * outputs
                counting = feed.counting(targets, weights, stage.label_smoothing)
                found = self.model.train_on_batch(pixels, answers, sample_weight=counting, return_dict=True)
                loss = float(found["loss"])
                if not math.isfinite(loss):
                    raise self._diverged(f"The loss became {loss}", stage, compiled.steps, epoch, step)
                sums += len(targets) * np.array([float(metric.result()) for metric in compiled.metrics])
                seen += len(targets)
                if average:
                    average.update()
                self.steps_done += 1
                if self.callbacks.on_step:
                    self.callbacks.on_step(self.steps_done, self.steps_in_all)
        if not are_finite(read_weights(self.model)):
            raise self._diverged("A weight became NaN or infinite", stage, compiled.steps, epoch, compiled.steps - 1)
        return float(sums[0] / seen), float(sums[1] / seen)

    def _class_weights(self, stage: Stage) -> np.ndarray | None:
        """What a picture of each class counts in a stage's loss; None where all count the same."""
        pictures = self.pictures
        return heads.class_weights(pictures.targets[self.learning], pictures.classes) if stage.balance else None

    def _batches(self, number: int, stage: Stage, epoch: int) -> Batches:
        pictures = self.pictures
        size = feed.size_at(stage, epoch, pictures.size)
        from_larger = pictures.larger is not None and feed.changes_pixels(stage, pictures.size, size)
        return feed.training_batches(
            pictures.larger if from_larger else pictures.pixels,
            pictures.targets,
            self.learning,
            stage,
            size=size,
            mixing=epoch < stage.epochs - stage.plain_epochs,
            classes=pictures.classes,
            seed=seeds.child(self.seed, "batches", number),
        )

    def _diverged(self, what: str, stage: Stage, steps: int, epoch: int, step: int) -> TrainingDiverged:
        rate = rate_at(stage, steps, epoch * steps + step)
        return TrainingDiverged(
            f"{what} in epoch {len(self.history) + 1}, step {step + 1}, at a learning rate of {rate:g}. "
            "Try a smaller learning rate."
        )

    @contextlib.contextmanager
    def _holding(self, weights: Weights) -> Iterator[None]:
        """Have these weights in the model, and afterwards those that were learned."""
        learned = read_weights(self.model)
        write_weights(self.model, weights)
        try:
            yield
        finally:
            write_weights(self.model, learned)

    def _judge(self, stage: Stage, epoch: int, compiled: Compiled, learned: tuple[float, float], began: float) -> float:
        """Write down the epoch; returns what decides when to stop: the loss on pictures held out for that."""
        size = feed.size_at(stage, epoch, self.pictures.size)
        validation = np.array(self.pictures.split.validation)
        loss, accuracy, outputs = self._measure(validation, size, compiled)
        weights = self._class_weights(stage)
        decision = self._measure(self.deciding, size, compiled, weights)[0] if stage.patience else 0.0
        if math.isnan(decision):
            what = "The loss on the pictures held out became nan"
            raise self._diverged(what, stage, compiled.steps, epoch, compiled.steps - 1)
        targets, classes = self.pictures.targets[validation], self.pictures.classes
        figures = measure(stage.metrics, targets, outputs, classes, self.own) if stage.metrics else {}
        seconds = round(time.perf_counter() - began, 3)
        record = Epoch(len(self.history) + 1, seconds, *learned, loss, accuracy, figures)
        self.history.append(record)
        if self.callbacks.on_epoch:
            self.callbacks.on_epoch(record)
        return decision

    def _measure(
        self, indices: np.ndarray, size: int, compiled: Compiled, weights: np.ndarray | None = None
    ) -> tuple[float, float, np.ndarray]:
        """Mean loss, accuracy and outputs, float32 (n, outputs), of pictures that are not learned from.

        weights: float32 (classes,), what a picture of each class counts in the loss; 1 if None.
        """
        losses, hits, said = 0.0, 0.0, []
        for start in range(0, len(indices), VALIDATION_BATCH):
            pixels, targets = self.pictures.unchanged(indices[start : start + VALIDATION_BATCH], size)
            outputs = self.answering.predict_on_batch(pixels)
            said.append(outputs)
            counting = feed.counting(targets, weights, 0.0)
            losses += float(np.sum(compiled.loss(targets, outputs) * (1 if counting is None else counting)))
            hits += float(np.sum(compiled.hits(targets, outputs)))
        return losses / len(indices), hits / len(indices), np.concatenate(said)

    def kept_in_words(self) -> str:
        """Which weights were kept."""
        stage = self.recipe.stages[-1]
        averaged = f", averaged over steps (momentum {stage.average:g})" if stage.average else ""
        if stage.patience:
            return (
                f"of epoch {self.kept_epoch}, which had the lowest loss on {len(self.deciding):,} training pictures "
                f"held out to stop by{averaged}"
            )
        last = self.kept_epoch == sum(one.epochs for one in self.recipe.stages)
        return f"of {'the last epoch' if last else f'epoch {self.kept_epoch}'}{averaged}"
