"""When to say "I do not know": thresholds with a promise that holds for any model, from pictures it did not train on.

Both promises need nothing of the model and its probabilities, only that new pictures come from the same source as
those that set the threshold, in any order (exchangeable).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, Protocol

import numpy as np

from starshift.evaluation.calibration import fit_temperature, scaled
from starshift.evaluation.estimates import proportion
from starshift.evaluation.statistics import LEVEL
from starshift.records import Threshold

LEVELS = (0.90, 0.95, 0.99)
"""What may be asked for."""

SHARES = tuple(share / 100 for share in range(10, 101, 5))
"""Shares of the pictures, the surest first, that are tested one after the other for whether all may be answered.

A start at 10 % answered as many pictures or more than starts at 25, 40 or 50 %, several starts, or Holm's method, in
nearly all of 30 settings (accuracy 73 to 94 %, n = 100 to 1,000); at least so many are tested that one may be wrong.
"""

Kind = Literal["answers", "sets"]


class Found(NamedTuple):
    """A threshold, or the reason why there is none."""

    threshold: float | None
    reason: str = ""


# --- two promises -------------------------------------------------------------------------------------------


def set_threshold(probabilities: np.ndarray, targets: np.ndarray, wanted: float, *, noun: str) -> Found:
    """The least probability of a class with which it must be named, so that a share `wanted` of the sets is right.

    Split-conformal prediction with the score 1 - probability of the true class (Vovk, Gammerman and Shafer 2005;
    Sadinle, Lei and Wasserman, JASA 114 (2019) 223; Angelopoulos and Bates 2021, section 1): of n scores the
    ceil((n + 1) · wanted)-th smallest. Over draws of these n and of a new picture, the set then holds its true class
    with a probability of at least `wanted`, and at most 1 / (n + 1) more where no two scores are equal.
    """
    n = len(targets)
    rank = math.ceil(round((n + 1) * wanted, 9))  # 20 · 0.95 is not quite 19
    if rank > n:
        least = math.ceil(round(wanted / (1 - wanted), 9))
        return Found(None, f"it takes at least {least:,} {noun}s, and {n:,} set it")
    given = np.sort(probabilities[np.arange(n), targets])
    return Found(float(given[n - rank]))


def answer_threshold(
    probabilities: np.ndarray, targets: np.ndarray, wanted: float, *, noun: str, confidence: float = LEVEL
) -> Found:
    """The confidence above which to answer, so that a share `wanted` of the answers is right.

    Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei, Annals of Applied Statistics 19 (2025) 1641) with
    fixed-sequence testing: of the surest tenth of the pictures, then of five more in a hundred at a time, the exact
    binomial test asks whether fewer than `wanted` could be right; the last share before the first that is not
    rejected is answered. With probability `confidence` over draws of these pictures, at least `wanted` of all future
    answers are right. The shares are fixed beforehand, so that one test after another costs nothing; each is cut off
    at the confidence of the first picture left out, given which those before it are a plain sample. That holds as
    long as surer answers are not wrong more often; see docs/calibration.md for what was measured.
    """
    n, allowed = len(targets), 1 - confidence
    least = least_answers(wanted, confidence)
    if n < least:
        return Found(None, f"it takes at least {least:,} {noun}s without a mistake, and {n:,} set it")
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    falling = np.sort(sure)[::-1]
    counts = sorted({max(round(share * n), min(least_answers(wanted, confidence, 1), n)) for share in SHARES})
    best: float | None = None
    for count in counts:
        threshold = float(falling[count]) if count < n else 0.0
        answered = sure > threshold
        answers, wrong = int(answered.sum()), int((answered & ~right).sum())
        if answers < least:
            continue  # confidences equal to the first one left out are left out with it; that says nothing of truth
        if binomial_below(wrong, answers, 1 - wanted) > allowed:
            if best is None:
                return Found(None, f"the {answers:,} {noun}s that it is surest of hold too many mistakes for it")
            break
        best = threshold
    return Found(best)


@cache
def least_answers(wanted: float, confidence: float = LEVEL, wrong: int = 0) -> int:
    """How many answers it takes to be confident with so many wrong ones that a share `wanted` is right."""
    count = wrong + 1
    while binomial_below(wrong, count, 1 - wanted) > 1 - confidence:
        count += 1
    return count


def binomial_below(at_most: int, n: int, share: float) -> float:
    """The probability of `at_most` or fewer of n, each coming with probability `share` between 0 and 1."""
    if at_most >= n:
        return 1.0
    steps = np.arange(1, at_most + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps) + math.log(share / (1 - share)))])
    return float(min(1.0, np.exp(logs + n * math.log1p(-share)).sum()))


# --- how they went ------------------------------------------------------------------------------------------


class _Find(Protocol):
    def __call__(self, probabilities: np.ndarray, targets: np.ndarray, wanted: float, *, noun: str) -> Found: ...


_FIND: dict[Kind, _Find] = {
    "answers": answer_threshold,
    "sets": set_threshold,
}


def thresholds(
    probabilities: np.ndarray, targets: np.ndarray, folds: np.ndarray, *, temperature: float, noun: str
) -> tuple[Threshold, ...]:
    """Both promises at every level, set by all of these pictures and measured fold by fold, as if on new ones.

    probabilities: float (N, classes), as the model says them, without temperature. folds: int (N,), two at least, see
    calibration.folds_of. temperature: that is applied when the model is used; where it is not 1, each fold's is
    fitted anew on the others, as its threshold is. noun: what an example is called, where a reason says why there is no
    threshold.
    """
    shipped = scaled(probabilities, temperature)
    rounds = [_held_out(probabilities, targets, folds == fold, temperature) for fold in np.unique(folds)]
    made = []
    for kind, find in _FIND.items():
        for wanted in LEVELS:
            told = np.zeros((3, len(targets)), dtype=bool)
            for held, given, asked in rounds:
                told[:, held] = _told(
                    kind, asked, targets[held], find(given, targets[~held], wanted, noun=noun).threshold
                )
            found = find(shipped, targets, wanted, noun=noun)
            made.append(_measured(kind, wanted, found, len(targets), "validation", told))
    return tuple(made)


def on_sealed_test(
    thresholds: Sequence[Threshold], probabilities: np.ndarray, targets: np.ndarray
) -> tuple[Threshold, ...]:
    """The same thresholds, measured on the sealed test part. probabilities: float (N, classes), with temperature."""
    return tuple(
        _measured(
            one.kind,
            one.wanted,
            Found(one.threshold, one.reason),
            one.n,
            "test",
            _told(one.kind, probabilities, targets, one.threshold),
        )
        for one in thresholds
    )


def _held_out(
    probabilities: np.ndarray, targets: np.ndarray, held: np.ndarray, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pictures are held out, and the probabilities of the others and theirs, scaled as the others want it."""
    others = probabilities[~held]
    own = 1.0 if temperature == 1.0 else fit_temperature(others, targets[~held])
    return held, scaled(others, own), scaled(probabilities[held], own)


def _told(kind: Kind, probabilities: np.ndarray, targets: np.ndarray, threshold: float | None) -> np.ndarray:
    """Whether each picture is answered, answered right, and has its class in the set: bool (3, N).

    Without a threshold every set holds all classes, and nothing is answered.
    """
    n = len(targets)
    if threshold is None:
        return np.stack([np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.ones(n, dtype=bool)])
    right = probabilities.argmax(axis=1) == targets
    if kind == "answers":
        answered = probabilities.max(axis=1) > threshold
        return np.stack([answered, answered & right, answered & right])
    named = probabilities >= threshold
    answered = named.sum(axis=1) == 1
    return np.stack([answered, answered & right, named[np.arange(n), targets]])


def _measured(kind: Kind, wanted: float, found: Found, n: int, part: str, told: np.ndarray) -> Threshold:
    answered, right, covered = (int(row.sum()) for row in told)
    return Threshold(
        kind=kind,
        wanted=wanted,
        threshold=found.threshold,
        n=n,
        part=part,
        answered=proportion(answered, told.shape[1]),
        right=proportion(right, answered) if answered else None,
        covered=proportion(covered, told.shape[1]) if kind == "sets" else None,
        reason=found.reason,
    )
