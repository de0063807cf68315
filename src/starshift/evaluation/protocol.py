"""What may be said: scores with intervals, verdicts on two models, and inner folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from starshift.apportion import deal, group_ids
from starshift.errors import DataError, RunError
from starshift.evaluation import metrics
from starshift.evaluation.statistics import (
    DRAWS,
    LEVEL,
    bootstrap_weights,
    mcnemar,
    paired_difference,
    percentile_interval,
    wilson,
)
from starshift.records import ClassScore, Estimate, Predictions, Score, Verdict
from starshift.seeds import child

ABOUT_THE_RECIPE = (
    "One run of each: about these fitted models, not the recipes; that takes at least 3 seeds or repeated folds."
)
"""What a comparison of two single runs leaves open; belongs below every table of such verdicts."""

FEW_PICTURES = 100
"""Below this, bootstrap intervals are given with a warning."""

FEW_MISTAKES = 15
"""Below this too, whatever the number of pictures: the draws then repeat the same few mistakes. With about 7 intervals
of 95 % cover 90 to 93 %, with 14 91 to 94, with 35 all but 95 (benchmarks/coverage.py)."""

NO_SPREAD = "all bootstrap draws of these pictures give this value"
"""The method of a bootstrap figure without bounds: nothing is wrong, say, or no class has two pictures."""

Outcome = Literal["gain", "loss", "undecided"]

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], "np.ndarray | None"]

_BOOTSTRAPPED: dict[str, Metric] = {
    "balanced_accuracy": lambda targets, given, w: metrics.balanced_accuracy(targets, given.argmax(axis=1), w),
    "macro_f1": lambda targets, given, w: metrics.macro_f1(targets, given.argmax(axis=1), w),
    "roc_auc": metrics.roc_auc,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
}


def score(predictions: Predictions, *, seed: int) -> Score:
    """Say how one fitted model did on these pictures; those whose label is not known are left out.

    Accuracy and recalls have Wilson's interval, the other figures a bootstrap over pictures (`seed` draws it;
    the same seed for every model of a ladder). `classes` names every class: one without pictures here has a
    recall with n = 0 and no interval. Raises DataError where no picture has a known label.
    """
    known = np.flatnonzero(predictions.targets >= 0)
    if not len(known):
        raise DataError("There is no labelled picture to score. A score needs at least 1 of known class.")
    targets, probabilities = predictions.targets[known], predictions.probabilities[known]
    table = metrics.confusion(targets, probabilities.argmax(axis=1), len(predictions.classes))
    figures = _bootstrapped(targets, probabilities, seed=child(seed, "bootstrap"))
    balanced_accuracy, macro_f1 = figures["balanced_accuracy"], figures["macro_f1"]
    log_loss = figures["log_loss"]
    assert balanced_accuracy and macro_f1 and log_loss  # only the AUC can be undefined
    return Score(
        accuracy=proportion(int(table.trace()), len(known)),
        balanced_accuracy=balanced_accuracy,
        macro_f1=macro_f1,
        roc_auc=figures["roc_auc"],
        log_loss=log_loss,
        confusion=tuple(tuple(row) for row in table.tolist()),
        classes=_class_scores(predictions.classes, table),
        brier=figures["brier"],
    )


def compare(model: str, predictions: Predictions, against: str, other: Predictions) -> Verdict:
    """Say whether `model` recognizes more of these pictures than `against`, or whether it cannot be told.

    Both are predictions for the same pictures in the same order, else RunError. A gain or a loss is declared
    only where Tango's 95 % interval leaves out 0 and the exact McNemar test has p < 0.05. The two disagree
    only close to the limit (5 against 0: interval above 0, p = 0.06); the test, which is exact, then keeps
    the last word, and the sentence gives its p. The verdict is about these fitted models; what it would take
    to speak of their recipes is ABOUT_THE_RECIPE.
    """
    _check_same_pictures(model, predictions, against, other)
    known = predictions.targets >= 0
    mine, theirs = predictions.right[known], other.right[known]
    only_model, only_other, n = int((mine & ~theirs).sum()), int((theirs & ~mine).sum()), len(mine)
    interval = paired_difference(only_model, only_other, n)
    if interval is None:
        raise DataError("There is no labelled picture to compare the models by. It takes at least 1.")
    low, high = interval
    difference = Estimate((only_model - only_other) / n, low, high, n, "Tango, paired")
    p_value = mcnemar(only_model, only_other)
    significant = p_value < 1 - LEVEL
    outcome: Outcome = "undecided"
    if significant and (low > 0 or high < 0):
        outcome = "gain" if low > 0 else "loss"
    return Verdict(
        model=model,
        against=against,
        outcome=outcome,
        about="model",
        difference=difference,
        only_model_right=only_model,
        only_other_right=only_other,
        p_value=p_value,
        sentence=_sentence(outcome, difference.value, low, high, n, p_value),
    )


def inner_folds(
    targets: Sequence[int] | np.ndarray,
    *,
    folds: int,
    groups: Sequence[Sequence[int]] = (),
    seed: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide the training part to choose by (a head's strength, a base): pairs of indices to fit and to test.

    targets: int (N,), classes. groups: lists of indices into `targets` that stay on one side. Each class is
    spread as evenly over the folds as it goes, so one with fewer members than folds is tested in some of them
    only. A class whose pictures would all leave the fitted side (one picture, one group) is
    never tested: every fitted model knows every class. Folds that stay empty are left out; raises DataError
    where fewer than 2 remain.
    """
    targets = np.asarray(targets)
    ids = group_ids(len(targets), groups)
    parts = deal(targets, ids, (1,) * folds, seed=child(seed, "inner folds"))
    parts[np.isin(ids, ids[_would_vanish(targets, parts)])] = -1  # with their groups: no copy is tested
    tested = [np.flatnonzero(parts == fold) for fold in range(folds)]
    pairs = [(np.flatnonzero(parts != fold), rows) for fold, rows in enumerate(tested) if len(rows)]
    if len(pairs) < 2:
        raise DataError(
            f"{len(targets):,} training pictures cannot be divided into {folds} inner folds: it takes "
            "at least one class with 2 pictures that are not copies of each other. Add pictures."
        )
    return pairs


def _bootstrapped(targets: np.ndarray, probabilities: np.ndarray, *, seed: int) -> dict[str, Estimate | None]:
    """Every figure of _BOOTSTRAPPED with its interval; None where it is undefined."""
    n, wrong = len(targets), int((probabilities.argmax(axis=1) != targets).sum())
    drawn: dict[str, list[np.ndarray | None]] = {name: [] for name in _BOOTSTRAPPED}
    for weights in bootstrap_weights(targets, seed=seed):
        for name, metric in _BOOTSTRAPPED.items():
            drawn[name].append(metric(targets, probabilities, weights))
    figures: dict[str, Estimate | None] = {}
    for name, metric in _BOOTSTRAPPED.items():
        value = metric(targets, probabilities, np.ones((n, 1)))
        blocks = [block for block in drawn[name] if block is not None]
        figures[name] = None if value is None else estimated(float(value[0]), np.concatenate(blocks), n, wrong)
    return figures


def estimated(value: float, drawn: np.ndarray, n: int, wrong: int) -> Estimate:
    """A figure with its bootstrap interval, or with the reason why it has none.

    drawn: float (draws,), the figure in each draw. n: pictures. wrong: how many of them were not recognized.
    """
    if np.ptp(drawn) < 1e-12:
        # "1.0 to 1.0" would claim certainty from a part that merely happens to hold no mistake.
        return Estimate(value, None, None, n, NO_SPREAD)
    low, high = percentile_interval(value, drawn)
    method = f"bootstrap over pictures, {DRAWS} draws"
    if n < FEW_PICTURES:
        method += f"; with fewer than {FEW_PICTURES} pictures the interval tends to be too narrow"
    elif wrong < FEW_MISTAKES:
        method += f"; with fewer than {FEW_MISTAKES} mistakes the interval tends to be too narrow"
    return Estimate(value, low, high, n, method)


def proportion(right: int, n: int) -> Estimate:
    """A share with Wilson's interval; without pictures it is 0 of 0, with no bounds."""
    interval = wilson(right, n)
    if interval is None:
        return Estimate(0.0, None, None, 0, "no pictures of this class")
    return Estimate(right / n, *interval, n, "Wilson")


def _class_scores(classes: tuple[str, ...], table: np.ndarray) -> tuple[ClassScore, ...]:
    """Recall and precision of every class, from the confusion matrix."""
    right, there, called = table.diagonal().tolist(), table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
    return tuple(
        ClassScore(label, proportion(right[i], there[i]), right[i] / called[i] if called[i] else None)
        for i, label in enumerate(classes)
    )


def _check_same_pictures(model: str, predictions: Predictions, against: str, other: Predictions) -> None:
    """Raise RunError unless both are about the same pictures, labels and classes, in the same order."""
    same = (
        predictions.classes == other.classes
        and predictions.paths == other.paths
        and np.array_equal(predictions.targets, other.targets)
    )
    if not same:
        raise RunError(
            f"The predictions of '{model}' ({len(predictions.paths):,} pictures) and '{against}' "
            f"({len(other.paths):,} pictures) are not about the same pictures with the same labels "
            "in the same order, so they cannot be compared pair by pair. Predict both again on one part."
        )


def _sentence(outcome: Outcome, value: float, low: float, high: float, n: int, p_value: float) -> str:
    """A verdict in words; shares are told in points of accuracy."""
    pictures = f"on these {n:,} pictures" if n > 1 else "on this one picture"
    if outcome == "undecided":
        value_text, low_text, high_text = _points(value, low, high, digits=1)
        sign = "+" if float(value_text) > 0 else ""
        text = f"no difference can be told {pictures}: {sign}{value_text} points, "
        text += f"95 % interval {low_text} to {high_text}"
        # An interval without 0 beside "no difference" needs its reason.
        return f"{text}; exact McNemar p = {p_value:.2g}" if low > 0 or high < 0 else text
    verb = "gains" if outcome == "gain" else "loses"
    near, far = (low, high) if outcome == "gain" else (-high, -low)
    digits = next((digits for digits in (1, 2, 3) if round(100 * near, digits) > 0), 4)  # never "0.0 to 2.1"
    value_text, near_text, far_text = _points(abs(value), near, far, digits=digits)
    return f"this model {verb} {value_text} points {pictures}, 95 % interval {near_text} to {far_text}"


def _points(*shares: float, digits: int) -> list[str]:
    """Shares in points, as text; 0.0 has no sign."""
    return [f"{round(100 * share, digits) + 0.0:.{digits}f}" for share in shares]


def _would_vanish(targets: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Which pictures are of a class whose pictures all lie in one part: bool (N,)."""
    _, classes = np.unique(targets, return_inverse=True)
    spread = np.zeros((int(classes.max(initial=-1)) + 1, int(parts.max(initial=-1)) + 1), dtype=bool)
    spread[classes, parts] = True
    lone: np.ndarray = spread.sum(axis=1) < 2
    return lone[classes]
