"""Repeated folds: which there are, and what they say of recipes rather than of single models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from starshift.errors import UsageError
from starshift.evaluation.forward import forward_folds
from starshift.evaluation.protocol import inner_folds
from starshift.evaluation.statistics import LEVEL, holm, mean_interval, resampled_t, wilson
from starshift.records import Answers, Estimate, FoldResult, NumberPredictions, RecipeVerdict, Resampled
from starshift.seeds import child

AUTO, HOLDOUT = "auto", "holdout"

MOST_REPEATS, MOST_FOLDS = 100, 50

FEW = 1000
"""Examples outside the test part below which folds are drawn 10 times by `auto`: a head on them takes moments."""

ENOUGH = 1000
"""Validation examples from which `auto` leaves it at hold-out: the interval is then at most 6.2 points long."""

FOLD_LUCK = 0.3
"""Share by which one draw of the folds adds to the variance of accuracy, beside that of the examples themselves; found
by simulating whole procedures (benchmarks/coverage.py). Repeats average it away."""

Fold = tuple[np.ndarray, np.ndarray]
"""Indices to fit on, and indices held out."""


@dataclass(frozen=True)
class Protocol:
    """Iterated K-fold validation with shuffling: `repeats` times, all examples but the test part in `folds` folds."""

    repeats: int
    folds: int

    def __str__(self) -> str:
        """As sentences have it: "5 folds", "10 × 5 folds"."""
        return f"{self.repeats} × {self.folds} folds" if self.repeats > 1 else f"{self.folds} folds"

    @property
    def fits(self) -> int:
        """How often a recipe is fitted."""
        return self.repeats * self.folds


def parse(text: str) -> Protocol | None:
    """ "5-fold", "10x5-fold" → a Protocol; "holdout" → None. Raises UsageError for anything else, `auto` too."""
    if text == HOLDOUT:
        return None
    match = re.fullmatch(r"(?:(\d+)[x×])?(\d+)-?folds?", text.strip().lower())
    repeats, folds = (int(match[1] or 1), int(match[2])) if match else (0, 0)
    if not (1 <= repeats <= MOST_REPEATS and 2 <= folds <= MOST_FOLDS):
        raise UsageError(
            f"--protocol is {AUTO}, {HOLDOUT}, 5-fold or 10x5-fold (2 to {MOST_FOLDS} folds, drawn up to "
            f"{MOST_REPEATS} times); {text!r} came."
        )
    return Protocol(repeats, folds)


def choose(validation: int, outside_test: int, *, noun: str) -> tuple[Protocol | None, str]:
    """What `auto` means for so many examples, and why, as a clause. noun: what one is called.

    Chollet's rule (seed 001): hold-out where there is plenty, K folds where there is little, iterated where there is
    very little.
    """
    if validation >= ENOUGH:
        return None, f"{validation:,} validation {noun}s are enough to tell models apart by a few points"
    if outside_test < FEW:
        return Protocol(10, 5), f"{outside_test:,} {noun}s are so few that one split moves the figure by luck alone"
    return Protocol(1, 5), f"{validation:,} validation {noun}s alone leave a wide interval"


def draw(
    targets: np.ndarray,
    protocol: Protocol,
    *,
    groups: Sequence[Sequence[int]] = (),
    order: Sequence[float] = (),
    seed: int,
) -> list[tuple[int, int, Fold]]:
    """(repeat, fold, (indices to fit on, indices held out)) for every fit, stratified, groups on one side.

    targets: int (N,), of the examples outside the test part. An example that is alone in its class is never held out.
    order: (N,), numbers that grow with time, if training must not see the future; the folds are then drawn once.
    Raises DataError where the examples do not make 2 folds.
    """
    if len(order):
        return [
            (0, fold, pair)
            for fold, pair in enumerate(forward_folds(targets, order, folds=protocol.folds, groups=groups))
        ]
    return [
        (repeat, fold, pair)
        for repeat in range(protocol.repeats)
        for fold, pair in enumerate(
            inner_folds(targets, folds=protocol.folds, groups=groups, seed=child(seed, "protocol", repeat))
        )
    ]


@dataclass(frozen=True)
class Figure:
    """The figure by which recipes are compared, as Answers have it."""

    metric: str = "accuracy"
    is_right_or_wrong: bool = True  # each example's figure is 1 or 0
    is_error: bool = False  # lower is better, in the target's own unit
    noun: str = field(kw_only=True)  # what an example is called
    named: bool = field(default=False, kw_only=True)  # whether sentences name accuracy too, since another figure leads

    @classmethod
    def of(cls, answers: Answers, noun: str, *, named: bool = False) -> Figure:
        """That of some answers. noun: what an example is called."""
        is_error = isinstance(answers, NumberPredictions)
        return cls(answers.leads, answers.is_right_or_wrong, is_error, noun=noun, named=named)


def summarize(
    protocol: Protocol, results: Sequence[FoldResult], held: Sequence[np.ndarray], figure: Figure
) -> Resampled:
    """All fits of one recipe in figures. held: of each result, the examples held out: int (n,).

    Accuracy is the mean over the repeats, with Wilson's interval at n = the number of examples, however often each
    was predicted: a second repeat brings no new examples. It is widened for the luck of the folds, by FOLD_LUCK over
    the number of repeats. What is not right or wrong, and the loss: mean over the repeats, Student's interval over
    examples, widened alike. How often the first holds the truth is in docs/benchmarks.md.
    """
    size = int(max(rows.max(initial=-1) for rows in held)) + 1
    times, figures, losses = np.zeros(size), np.zeros(size), np.zeros(size)
    for result, rows in zip(results, held, strict=True):
        times[rows] += 1
        figures[rows] += result.figures
        losses[rows] += result.losses
    seen = times > 0
    shares, each = figures[seen] / times[seen], losses[seen] / times[seen]
    n, method = int(seen.sum()), f"out of {protocol}"
    widened = 1 + FOLD_LUCK / protocol.repeats
    if figure.is_right_or_wrong:
        low, high = wilson(float(shares.sum()) / widened, n / widened) or (None, None)
        how = f"{method}; Wilson over {figure.noun}s, widened for the luck of the folds"
    else:
        low, high = mean_interval(shares, wider=widened**0.5)
        how = f"{method}; Student's t over {figure.noun}s, widened for the luck of the folds"
    return Resampled(
        protocol=str(protocol),
        leading=Estimate(float(shares.mean()), low, high, n, how),
        loss=Estimate(
            float(each.mean()), *mean_interval(each, wider=widened**0.5), n, f"{method}; Student's t, widened alike"
        ),
        fold_figures=tuple(float(np.mean(result.figures)) for result in results),
        trained_on=int(np.median([result.trained_on for result in results])),
        seconds=round(sum(result.seconds for result in results), 2),
        metric=figure.metric,
    )


@dataclass(frozen=True)
class Comparison:
    """Two recipes that were fitted on the same folds."""

    recipe: str
    against: str
    difference: tuple[float, ...]  # of the leading figure, fold by fold
    test_share: float  # examples held out over examples trained on


def compare(
    comparisons: Sequence[Comparison], examples: int, protocol: Protocol, figure: Figure
) -> list[RecipeVerdict]:
    """A verdict for every comparison of a ladder, by the corrected resampled t-test, together by Holm's method."""
    tests = [resampled_t(np.array(one.difference), one.test_share) for one in comparisons]
    adjusted = holm([p_value for _, _, p_value in tests])
    return [
        _verdict(one, test, together, examples, protocol, figure)
        for one, test, together in zip(comparisons, tests, adjusted, strict=True)
    ]


def _verdict(
    one: Comparison,
    test: tuple[float, float, float],
    adjusted: float,
    examples: int,
    protocol: Protocol,
    figure: Figure,
) -> RecipeVerdict:
    low, high, p_value = test
    mean = float(np.mean(one.difference))
    outcome: Literal["gain", "loss", "undecided"] = "undecided"
    if adjusted < 1 - LEVEL and mean:
        outcome = "gain" if (mean < 0) == figure.is_error else "loss"
    where = f"over {protocol} of {examples:,} {figure.noun}s"
    p_text = f"p = {adjusted:.2g}" if adjusted >= 0.001 else "p < 0.001"
    how = f"corrected resampled t-test, {p_text}" + (" after Holm" if adjusted > p_value else "")
    told = _number if figure.is_error else _points
    of = "" if figure.metric == "accuracy" and not figure.named else f" of {figure.metric}"
    unit = "" if figure.is_error else " points"
    if outcome == "undecided":
        sentence = f"as a recipe, no difference from {one.against} can be told {where}: "
        sentence += f"{'+' if float(told(mean)) > 0 else ''}{told(mean)}{unit}{of}, 95 % "
        sentence += f"interval {told(low)} to {told(high)}; {how}"
    elif figure.is_error:
        near, far = (-high, -low) if mean < 0 else (low, high)
        sentence = (
            f"as a recipe, its {figure.metric} is {told(abs(mean))} {'lower' if mean < 0 else 'higher'} than that "
        )
        sentence += f"of {one.against} {where}, 95 % interval {told(near)} to {told(far)}; {how}"
    else:
        verb, near, far = ("gains", low, high) if outcome == "gain" else ("loses", -high, -low)
        sentence = f"as a recipe, {verb} {told(abs(mean))} points{of} against {one.against} {where}, 95 % interval "
        sentence += f"{told(near)} to {told(far)}; {how}"
    method = f"corrected resampled t, {protocol}"
    difference = Estimate(mean, low, high, examples, method)
    return RecipeVerdict(one.recipe, one.against, outcome, difference, len(one.difference), p_value, adjusted, sentence)


def _points(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _number(value: float) -> str:
    return f"{value:.3g}"
