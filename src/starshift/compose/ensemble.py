"""Several models that answer together: how their answers become one, and what each of them is worth there.

Sources: seed 001, "Ensemble methods" (bagging, vote, average; an ensemble lowers the variance); greedy choice from a
library of models: Caruana, Niculescu-Mizil, Crew and Ksikes 2004 (doi:10.1145/1015330.1015432).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from starshift.compose import nested
from starshift.compose.nested import Tensors
from starshift.evaluation.metrics import log_losses
from starshift.models.classical import softmax
from starshift.records import Learnware

SMALLEST_PROBABILITY = 1e-7
"""What float32 can tell from 1 beside it; a smaller answer counts as this much where logits are averaged."""

ROUNDS = 50
"""Choices of the greedy way: weights are multiples of a fiftieth."""

EVENNESS = 30.0
"""How strongly weights are drawn to being equal: so many nats for the square of a weight's distance from that. Measured
on folds of dogs-vs-cats (five members): log loss 0.0276 without it, 0.0272 at 3, 0.0265 at 30, 0.0263 at 100; a few
dozen mistakes say little about weights."""

Answers = Sequence[np.ndarray]
"""What each member says of the same pictures: float32 (N, classes) each, rows sum to 1."""


# ----------------------------------------------------------------------------------------------------
# One answer out of many


def combined(answers: Answers, weights: Sequence[float], *, vote: bool = False) -> np.ndarray:
    """The members' answers as one: float32 (N, classes), rows sum to 1.

    Logarithms of the members' probabilities are added up, each times its weight (a weighted mean of logits where the
    weights sum to 1): on folds of dogs-vs-cats the mean of logits had a log loss of 0.0260 where that of probabilities
    had 0.0276. vote: instead each member gives its whole weight to the class that it finds likeliest; a class that
    nobody voted for gets what one more member, undecided, would give it.
    weights: of each member, at least 0, not all of them 0.
    """
    if not vote:
        return _pooled(_logarithms(answers), np.asarray(weights, np.float64)).astype(np.float32)
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    count, classes = len(answers), answers[0].shape[1]
    votes = sum(share * np.eye(classes)[one.argmax(axis=1)] for share, one in zip(shares, answers, strict=True))
    return np.asarray((count * votes + 1 / classes) / (count + 1), np.float32)


def _logarithms(answers: Answers) -> np.ndarray:
    """float64 (members, N, classes)."""
    return np.log(np.maximum(np.asarray(answers, np.float64), SMALLEST_PROBABILITY))


def _pooled(logarithms: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float64 (N, classes)."""
    return softmax(np.einsum("m,mnc->nc", weights, logarithms))


def specialized(answer: np.ndarray, group: np.ndarray, own: np.ndarray, share: float) -> np.ndarray:
    """An answer in which a specialist has divided what its group of classes has anew: float32 (N, classes).

    answer: float32 (N, classes). group: places of the specialist's classes. own: its answers, float32 (N, classes of
    the group). share: what it counts there, from 0 (nothing) to 1 (the generalist only says how likely the group is).
    """
    whole = answer[:, group].sum(axis=1, keepdims=True)
    inside = answer[:, group] / np.maximum(whole, SMALLEST_PROBABILITY)
    found = answer.copy()
    found[:, group] = whole * combined([inside, own], [1 - share, share])
    return found


# ----------------------------------------------------------------------------------------------------
# What each member counts, chosen on pictures that it did not see


def greedy(answers: Answers, targets: np.ndarray, rounds: int = ROUNDS) -> np.ndarray:
    """Weights by greedy choice: again and again the member is added, also one that is there already, with which the
    mean has the lowest log loss. float (members,), sum 1; members that were never chosen have 0.

    The best of all stops on the way is kept, so that the choice is never worse than the best single member where it
    was made.
    """
    logarithms = _logarithms(answers)
    counts, total = np.zeros(len(answers)), np.zeros_like(logarithms[0])
    best, kept = np.inf, counts
    for step in range(1, rounds + 1):
        tried = [log_losses(targets, _pooled((total + one)[None], np.array([1 / step]))).mean() for one in logarithms]
        place = int(np.argmin(tried))
        counts[place] += 1
        total = total + logarithms[place]
        if tried[place] < best - 1e-12:
            best, kept = tried[place], counts.copy()
    return np.asarray(kept / kept.sum())


def weighted(answers: Answers, targets: np.ndarray) -> np.ndarray:
    """Weights with the lowest log loss that are nearly equal: float (members,), at least 0.

    They need not sum to 1: a sum above it makes the answer surer than its members, one below less sure. Convex.
    """
    return pool_weights(_logarithms(answers), targets, np.full(len(answers), 1 / len(answers)), EVENNESS)


def pool_weights(components: np.ndarray, targets: np.ndarray, start: np.ndarray, steadiness: float) -> np.ndarray:
    """Weights of logits with the lowest log loss, drawn to `start`: float (members,), at least 0. Convex.

    components: float (members, N, classes). steadiness: nats for the square of a weight's distance from its start.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(targets))

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        slopes, away = _pooled(components, weights), weights - start
        loss = -np.log(np.maximum(slopes[rows, targets], 1e-15)).sum() + steadiness * (away**2).sum()
        slopes[rows, targets] -= 1
        return float(loss), np.einsum("nc,mnc->m", slopes, components) + 2 * steadiness * away

    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    return np.asarray(found.x)


def chosen(how: str, answers: Answers, targets: np.ndarray) -> np.ndarray:
    """Weights by one of recipe.BY_HELD_OUT."""
    return {"greedy": greedy, "weighted": weighted}[how](answers, targets)


# ----------------------------------------------------------------------------------------------------
# What the members are to each other


def disagreement(answers: Answers) -> np.ndarray:
    """The share of pictures that two members call by different names: float (members, members), 0 on the diagonal."""
    named = np.asarray([one.argmax(axis=1) for one in answers])
    return np.asarray((named[:, None] != named[None]).mean(axis=2))


def without_each(answers: Answers, weights: Sequence[float], targets: np.ndarray, *, vote: bool = False) -> np.ndarray:
    """The mean log loss without each member, whose weight the others take over in proportion: float (members,).

    NaN where nothing would be left.
    """
    found = []
    for place in range(len(answers)):
        rest = np.array([0.0 if number == place else float(weight) for number, weight in enumerate(weights)])
        if rest.sum() > 0:
            rest *= np.sum(weights) / rest.sum()
            found.append(log_losses(targets, combined(answers, rest.tolist(), vote=vote)).mean())
        else:
            found.append(np.nan)
    return np.asarray(found)


def variance(answers: Answers, size: int) -> float:
    """How much the probability of a picture's class varies from one ensemble to the next, a mean over pictures and
    classes: of averages of `size` members each, none of which is in two of them.

    answers: of models that are alike but for their luck. size: 1 for the single models themselves. Returns the variance
    (n - 1 in its denominator); NaN where there are fewer than two such ensembles.
    """
    count = len(answers) // size
    if count < 2:
        return float("nan")
    grouped = np.asarray(answers[: count * size]).reshape(count, size, *answers[0].shape).mean(axis=1)
    return float(grouped.var(axis=0, ddof=1).mean())


# ----------------------------------------------------------------------------------------------------
# Kept as one model


STEM = "member"
"""Before the names of a member's tensors: see compose.nested."""

WEIGHTS = "weights"
"""The name of the tensor that says what each member counts; of members that tell all classes apart."""

SHARE = "share"
"""The name of the tensor that says what specialists count within their groups; they stand behind the others."""


def together(members: Sequence[Mapping[str, np.ndarray]], weights: Sequence[float]) -> Tensors:
    """The tensors of all members as those of one model, beside what each counts: float32 (members,)."""
    return {**nested.together(STEM, members), WEIGHTS: np.asarray(weights, np.float32)}


def members(learnware: Learnware, tensors: Mapping[str, np.ndarray]) -> list[tuple[Learnware, Tensors]]:
    """The members of a saved ensemble, each as if it had been saved alone; none of any other model."""
    return nested.parts(STEM, learnware.members, tensors)
