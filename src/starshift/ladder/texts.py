"""The rungs for texts as values: what each is, and which recipe it stands for."""

from __future__ import annotations

from typing import Any

from starshift.ladder.options import Options
from starshift.ladder.rungs import Rung, baseline
from starshift.ladder.textual_networks import BAG, SEQUENCE
from starshift.models import hinge
from starshift.recipe import Recipe, Stage
from starshift.records import KINDS, Dataset

WORDS = 10_000
"""Words that networks know, the commonest of the training part, as the seeds have it."""

MOST = 1_000_000
"""N-grams that a linear model looks at, the commonest."""

LINEAR_STRENGTHS, ENSEMBLE_STRENGTHS = (0.3, 1.0, 3.0, 10.0), (1.0, 4.0)
"""Inverse L2 penalties that the inner folds choose from (scikit-learn's C, on rows of length 1)."""

STRENGTHS_OF_MANY, BALANCE = (4.0, 16.0, 64.0), 0.5
"""The same for many outputs and few rows, and how much more rare classes count: see models.hinge.counting_of."""

LENGTH = 256
"""Words of a text that networks over sequences read, the last ones: there a review says what it comes to."""

LARGEST_BATCH, SMALLEST_BATCH, STEPS_PER_EPOCH = 512, 16, 30
"""The seeds' batches, and smaller ones where a pass would have fewer steps than that: it would teach little."""


def linear(options: Options, dataset: Dataset) -> Recipe:
    """TF-IDF of single words and pairs, squared hinge: the honest rival of every network."""
    strengths = STRENGTHS_OF_MANY if _has_many_outputs(dataset) else LINEAR_STRENGTHS
    return Recipe("ngrams", 1, arguments=_linear_arguments(("words",), (1, 2), strengths, (0.0,)))


def ensemble(options: Options, dataset: Dataset) -> Recipe:
    """Two views of the same texts, which err on different ones.

    Two classes: words by TF-IDF, and by the log-count ratio of the classes (NB-SVM), weighed. Else: words and
    characters, and rare classes count more, since many classes are seldom of one size.
    """
    if dataset.target.kind == "binary":
        arguments = _linear_arguments(("words", "ratios"), (1, 2, 3), ENSEMBLE_STRENGTHS, (0.0,))
    else:
        strengths = STRENGTHS_OF_MANY if _has_many_outputs(dataset) else ENSEMBLE_STRENGTHS
        balance = BALANCE if dataset.target.is_classes else 0.0
        arguments = _linear_arguments(("words", "characters"), (1, 2), strengths, (balance,))
    return Recipe("ngrams", 1, arguments=arguments)


def _has_many_outputs(dataset: Dataset) -> bool:
    """Many outputs and few texts, held-out ones among them: a recipe does not depend on how its data is split."""
    return hinge.pays_by_products(dataset.target, len(dataset.examples))


def _linear_arguments(
    views: tuple[str, ...], orders: tuple[int, ...], strengths: tuple[float, ...], balances: tuple[float, ...]
) -> dict[str, Any]:
    return {"views": views, "orders": orders, "strengths": strengths, "balances": balances, "most": MOST}


def dense(options: Options, dataset: Dataset) -> Recipe:
    """The seeds' networks: 16-16-1 for two classes (film reviews), 64-64-46 for many (newswires).

    Theirs train for 20 epochs and are best after three or four; here a tenth of the training part says when to stop.
    """
    units = (64, 64) if len(dataset.classes) > 2 else (16, 16)
    stage = Stage(optimizer="rmsprop", learning_rate=1e-3, batch_size=batch_size(dataset), epochs=20, patience=3)
    return Recipe(BAG, 1, arguments={"words": WORDS, "units": units}, stages=(stage,))


def convolution(options: Options, dataset: Dataset) -> Recipe:
    """Embedded words, one convolution, its mean and maximum over the text."""
    return _sequence("convolution", dataset, epochs=12)


def recurrent(options: Options, dataset: Dataset) -> Recipe:
    """Embedded words, a recurrent layer in both directions, mean and maximum of its states."""
    return _sequence("gru", dataset, epochs=8)


def _sequence(block: str, dataset: Dataset, epochs: int) -> Recipe:
    arguments = {
        "words": WORDS,
        "length": LENGTH,
        "block": block,
        "width": 64,
        "filters": (128,),
        "kernel": 5,
        "recurrent": 64,
        "dropout": 0.3,
    }
    batch = min(64, batch_size(dataset))
    stage = Stage(optimizer="adam", learning_rate=1e-3, batch_size=batch, epochs=epochs, patience=2)
    return Recipe(SEQUENCE, 1, arguments=arguments, stages=(stage,))


def batch_size(dataset: Dataset) -> int:
    """A power of two with at least STEPS_PER_EPOCH steps in a pass over six tenths of the texts, within the limits."""
    batch = LARGEST_BATCH
    while batch > SMALLEST_BATCH and 0.6 * len(dataset.examples) / batch < STEPS_PER_EPOCH:
        batch //= 2
    return batch


RUNGS = {
    "baseline": Rung(
        "baseline",
        "The commonest answer: the first thing that a model must beat.",
        baseline,
        ("majority",),
        kinds=KINDS,
    ),
    "linear": Rung(
        "linear",
        "A linear model on TF-IDF of words and pairs of words: the rival of every network.",
        linear,
        ("ngrams",),
    ),
    "dense": Rung("dense", "Dense layers on which of 10,000 words a text has: the seeds' network.", dense, (BAG,)),
    "convolution": Rung("convolution", "A convolution over embedded words.", convolution, (SEQUENCE,)),
    "recurrent": Rung("recurrent", "A GRU over embedded words, in both directions.", recurrent, (SEQUENCE,)),
    "ensemble": Rung(
        "ensemble",
        "A linear model on different views of the words, or several weighed into one by inner folds.",
        ensemble,
        ("ngrams",),
    ),
}
"""The ladder of texts, in its order."""
