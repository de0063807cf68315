"""Figures with their intervals: shares by Wilson, all else by the bootstrap, and what is said where neither can."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from starshift.evaluation.statistics import DRAWS, bootstrap_weights, percentile_interval, wilson
from starshift.records import Estimate

FEW_EXAMPLES = 100
"""Below this, bootstrap intervals are given with a warning."""

FEW_MISTAKES = 15
"""Below this too, whatever the number of examples: the draws then repeat the same few mistakes. With about 7 intervals
of 95 % cover 90 to 93 %, with 14 91 to 94, with 35 all but 95 (benchmarks/coverage.py)."""

NO_SPREAD = "all bootstrap draws give this value"
"""The method of a bootstrap figure without bounds: nothing is wrong, say, or no class has two examples."""

Weighted = Callable[[np.ndarray], "np.ndarray | None"]
"""Weights, float (N, D), → a figure per column, float (D,); None where it is undefined."""


def bootstrapped(
    metrics: Mapping[str, Weighted], strata: np.ndarray, *, seed: int, wrong: int | None = None, noun: str
) -> dict[str, Estimate | None]:
    """Every metric with its interval from the same bootstrap draws; None where it is undefined.

    strata: int (N,), within which examples are drawn: see statistics.bootstrap_weights.
    """
    n = len(strata)
    drawn: dict[str, list[np.ndarray | None]] = {name: [] for name in metrics}
    for weights in bootstrap_weights(strata, seed=seed):
        for name, metric in metrics.items():
            drawn[name].append(metric(weights))
    figures: dict[str, Estimate | None] = {}
    for name, metric in metrics.items():
        value = metric(np.ones((n, 1)))
        blocks = [block for block in drawn[name] if block is not None]
        figures[name] = (
            None if value is None else estimated(float(value[0]), np.concatenate(blocks), n, wrong, noun=noun)
        )
    return figures


def estimated(value: float, drawn: np.ndarray, n: int, wrong: int | None = None, *, noun: str) -> Estimate:
    """A figure with its bootstrap interval, or with the reason why it has none.

    drawn: float (draws,), the figure in each draw. n: examples. wrong: how many of them were not recognized; None where
    answers are not simply right or wrong.
    """
    if np.ptp(drawn) < 1e-12:
        # "1.0 to 1.0" would claim certainty from a part that merely happens to hold no mistake.
        return Estimate(value, None, None, n, NO_SPREAD)
    low, high = percentile_interval(value, drawn)
    method = f"bootstrap over {noun}s, {DRAWS} draws"
    if n < FEW_EXAMPLES:
        method += f"; with fewer than {FEW_EXAMPLES} {noun}s the interval tends to be too narrow"
    elif wrong is not None and wrong < FEW_MISTAKES:
        method += f"; with fewer than {FEW_MISTAKES} mistakes the interval tends to be too narrow"
    return Estimate(value, low, high, n, method)


def proportion(right: int, n: int) -> Estimate:
    """A share with Wilson's interval; without pictures it is 0 of 0, with no bounds."""
    interval = wilson(right, n)
    if interval is None:
        return Estimate(0.0, None, None, 0, "none of this class")
    return Estimate(right / n, *interval, n, "Wilson")
