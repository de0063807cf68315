"""How fast networks train on this machine: measured in a few steps, so that a whole training can be foretold."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import structs

from starshift.data.batches import Batch
from starshift.recipe import Recipe
from starshift.records import Target
from starshift.training import feed
from starshift.training.compiling import compile_model
from starshift.training.fit import VALIDATION_BATCH
from starshift.training.keras_setup import load_keras, precision, training_policy
from starshift.training.losses import Objective


@dataclass(frozen=True)
class Pace:
    """How fast a network trains here, in seconds, at the recipe's size."""

    start: float  # importing, building, tracing
    step: float  # one training step of the first stage, augmentation included
    picture: float  # one validation picture

    def seconds(self, recipe: Recipe, train: int, validation: int) -> float:
        """The predicted duration of a whole training with `train` and `validation` pictures.

        Convolutions cost as much as there are pixels, so smaller sides are counted by their area. A stage with
        patience is counted in full.
        """
        first = recipe.stages[0].batch_size
        total = self.start
        for stage in recipe.stages:
            steps = stage.steps_per_epoch or -(-train // stage.batch_size)
            epoch = steps * self.step * stage.batch_size / first + validation * self.picture
            sides = [feed.size_at(stage, number, recipe.size) for number in range(stage.epochs)]
            total += epoch * sum((side / recipe.size) ** 2 for side in sides)
        return total


def measure_pace(
    recipe: Recipe,
    build: Callable[[], Any],
    *,
    heads: Sequence[Target],
    steps: int = 12,
    larger: int | None = None,
    activations: bool = False,
    like: np.ndarray | None = None,
    policy: str | None = None,
    own: Mapping[str, Any] | None = None,
) -> Pace:
    """Train a throw-away copy for a few steps on random numbers and time it.

    larger: side in px of the pictures that are augmented from; the recipe's size if None. activations: whether the
    network starts from those of a frozen one, float16, and not from pixels, uint8. like: one row or more of what it
    will be trained on, where that is neither. heads, policy, own: see `train`.
    """
    began = time.perf_counter()
    load_keras()
    with precision(policy or training_policy()):
        model = build()
    stage = recipe.stages[0]
    compile_model(model, stage, steps, tuple(map(Objective, heads)), own)
    rows = feed.rows_of(like)[np.zeros(VALIDATION_BATCH, int)] if like is not None else None
    if rows is None:
        # Of pictures, or of activations where the network starts from those; None where it takes any size.
        shape = tuple(side or recipe.size for side in model.input_shape[1:])
        dtype = np.dtype(np.float16 if activations else np.uint8)
        rows = np.zeros((VALIDATION_BATCH, *shape), dtype)
        learned = _random_rows(stage.batch_size, shape, larger or shape[0], dtype)
    else:
        learned = feed.rows_of(like)[np.zeros(stage.batch_size, int)]
    held_out = rows
    model.predict_on_batch(held_out)
    with contextlib.closing(_random_batches(recipe, heads, learned, held_out.shape[1])) as batches:
        for _ in range(2):
            _step(model, next(batches), len(heads))
        start = time.perf_counter() - began
        for _ in range(steps):
            _step(model, next(batches), len(heads))
        step = (time.perf_counter() - began - start) / steps
    picture = _median_seconds(lambda: model.predict_on_batch(held_out), 3) / VALIDATION_BATCH
    return Pace(start, step, picture)


def _random_rows(count: int, shape: tuple[int, ...], side: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Pictures, or activations, of random numbers. side: of the pictures in px, or tokens of a transformer."""
    sides = [side] * (len(shape) - 1)  # two, or one of a transformer's tokens
    return np.random.default_rng(0).integers(0, 256, (count, *sides, shape[-1]), dtype=np.uint8).astype(dtype)


def _random_batches(
    recipe: Recipe, heads: Sequence[Target], rows: np.ndarray, size: int
) -> Generator[Batch, None, None]:
    """Batches of rows with random labels without end, so that they are being made for as long as they are taken."""
    return feed.training_batches(
        rows,
        feed.random_labels(heads, len(rows), np.random.default_rng(0)),
        np.arange(len(rows)),
        structs.replace(recipe.stages[0], steps_per_epoch=10_000),
        size=size,
        mixing=True,
        seed=0,
    ).epoch(0)


def _step(model: Any, batch: Batch, heads: int) -> None:
    inputs, shaped = batch
    outputs = len(model.outputs)
    ends = np.cumsum([0, *(output.shape[-1] for output in model.outputs[:heads])])
    parts = [shaped[:, start:end] for start, end in pairwise(ends)]
    model.train_on_batch(inputs, parts[0] if outputs == 1 else parts * (outputs // heads))


def _median_seconds(action: Callable[[], Any], times: int) -> float:
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        durations.append(time.perf_counter() - began)
    return float(np.median(durations))
