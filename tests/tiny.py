"""Networks and pictures on which a training takes a moment."""

from __future__ import annotations

import numpy as np

from starshift.recipe import Recipe, Stage
from starshift.records import Target

SIDE = 8


def telling(classes: int) -> tuple[Target, ...]:
    """One head that tells so many classes apart."""
    return (Target.of_classes([str(number) for number in range(classes)]),)


def tiny_network(classes: int = 3, heads=()):
    """A network that trains in a moment. heads: of other kinds than one that tells classes apart."""
    from keras import Input, Model, layers

    from starshift.models.heads import as_outputs, heads_on

    inputs = Input((SIDE, SIDE, 3), name="pixels")
    x = layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="tanh", name="dense")(x)
    return Model(inputs, as_outputs(heads_on(x, heads or telling(classes))))


def pictures(classes: int = 3, count: int = 60):
    """Pixels whose brightness is their class, and targets."""
    rng = np.random.default_rng(0)
    targets = np.arange(count) % classes
    pixels = rng.integers(0, 50, (count, SIDE, SIDE, 3)) + (200 // (classes - 1)) * targets[:, None, None, None]
    return pixels.astype(np.uint8), targets


def recipe(*stages: Stage) -> Recipe:
    """A recipe with these stages, or with three epochs that learn something."""
    short = Stage(optimizer="adam", learning_rate=0.01, batch_size=10, epochs=3)
    return Recipe(builder="modern", size=SIDE, stages=stages or (short,))
