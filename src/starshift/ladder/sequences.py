"""The ladder for sequences, as values."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from starshift.compose.sequences import LINEAR, NETWORK
from starshift.ladder.options import Options
from starshift.ladder.rungs import Rung, baseline
from starshift.recipe import Recipe, Stage
from starshift.records import KINDS, Dataset

CONVOLUTION_STAGE = Stage(
    optimizer="adamw",
    learning_rate=2e-3,
    schedule="cosine",
    warmup_epochs=1,
    weight_decay=0.01,
    batch_size=32,
    epochs=40,
)
"""How `convolution` is trained."""

RECURRENT_STAGE = structs.replace(CONVOLUTION_STAGE, epochs=30)
"""How `recurrent` is trained; a step takes longer, since its steps follow each other."""


def linear(options: Options, dataset: Dataset) -> Recipe:
    """Ridge or logistic regression on summaries of each feature; inner folds choose its strength."""
    return Recipe(builder=LINEAR, size=1)


def convolution(options: Options, dataset: Dataset) -> Recipe:
    """Three convolutions over the steps, halved in length between, their mean and maximum."""
    return _network({"block": "convolution", "filters": (64, 128, 128), "kernel": 7}, CONVOLUTION_STAGE, dataset)


def recurrent(options: Options, dataset: Dataset) -> Recipe:
    """A GRU in both directions, mean and maximum of its states."""
    return _network({"block": "gru", "recurrent": 64, "bidirectional": True}, RECURRENT_STAGE, dataset)


def _network(arguments: dict[str, Any], stage: Stage, dataset: Dataset) -> Recipe:
    arguments = {**arguments, "dropout": 0.2}
    return Recipe(
        builder=NETWORK, size=1, arguments=arguments, stages=(stage.with_enough_steps(len(dataset.examples)),)
    )


RUNGS = {
    "baseline": Rung(
        "baseline",
        "The majority class, or the mean: the first thing that a model must beat.",
        baseline,
        ("majority",),
        kinds=KINDS,
    ),
    "linear": Rung(
        "linear",
        "A linear model on what sums each feature up: mean, spread, ends and slope. The rival of every network.",
        linear,
        (LINEAR,),
    ),
    "convolution": Rung("convolution", "Convolutions over the steps.", convolution, (NETWORK,)),
    "recurrent": Rung("recurrent", "A GRU over the steps, in both directions.", recurrent, (NETWORK,)),
}
"""The ladder for sequences; the names that `--rungs` takes."""
