"""What may be said: scores with intervals, verdicts on two models, and inner folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from starshift.apportion import deal, group_ids
from starshift.errors import DataError, RunError
from starshift.evaluation import label_sets, metrics, numbers, strings
from starshift.evaluation.estimates import bootstrapped, proportion
from starshift.evaluation.statistics import LEVEL, mcnemar, mean_interval, paired_difference, paired_t
from starshift.records import (
    Answers,
    AnyScore,
    ClassScore,
    Estimate,
    LabelsPredictions,
    NumberPredictions,
    Predictions,
    Score,
    StringPredictions,
    Verdict,
)
from starshift.seeds import child

ABOUT_THE_RECIPE = (
    "One run of each: about these fitted models, not the recipes; that takes at least 3 seeds or repeated folds."
)
"""What a comparison of two single runs leaves open; belongs below every table of such verdicts."""

Outcome = Literal["gain", "loss", "undecided"]

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], "np.ndarray | None"]

_BOOTSTRAPPED: dict[str, Metric] = {
    "balanced_accuracy": lambda targets, given, w: metrics.balanced_accuracy(targets, given.argmax(axis=1), w),
    "macro_f1": lambda targets, given, w: metrics.macro_f1(targets, given.argmax(axis=1), w),
    "roc_auc": metrics.roc_auc,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
}


def score(answers: Answers, *, seed: int, noun: str) -> AnyScore:
    """Say how one fitted model did on these examples; those whose label is not known are left out.

    Shares have Wilson's interval, the other figures a bootstrap over examples (`seed` draws it; the same seed for every
    model of a ladder). noun: what an example is called. Raises DataError where no example has a known label.
    """
    if not answers.known.any():
        raise DataError(f"There is no labelled {noun} to score. A score needs at least 1 of known class.")
    seed = child(seed, "bootstrap")
    if isinstance(answers, Predictions):
        return score_classes(answers, seed=seed, noun=noun)
    if isinstance(answers, NumberPredictions):
        return numbers.score(answers, seed=seed, noun=noun)
    if isinstance(answers, LabelsPredictions):
        return label_sets.score(answers, seed=seed, noun=noun)
    assert isinstance(answers, StringPredictions)
    return strings.score(answers, seed=seed, noun=noun)


def score_classes(predictions: Predictions, *, seed: int, noun: str) -> Score:
    """`score` where each example has one class.

    `classes` of the score names every class: one without examples here has a recall with n = 0 and no interval.
    """
    known = predictions.known
    targets, probabilities = predictions.targets[known], predictions.probabilities[known]
    table = metrics.confusion(targets, probabilities.argmax(axis=1), len(predictions.classes))
    wrong = int(len(targets) - table.trace())
    measured = {name: partial(metric, targets, probabilities) for name, metric in _BOOTSTRAPPED.items()}
    figures = bootstrapped(measured, targets, seed=seed, wrong=wrong, noun=noun)
    balanced_accuracy, macro_f1 = figures["balanced_accuracy"], figures["macro_f1"]
    log_loss = figures["log_loss"]
    assert balanced_accuracy and macro_f1 and log_loss  # only the AUC can be undefined
    return Score(
        accuracy=proportion(int(table.trace()), len(targets)),
        balanced_accuracy=balanced_accuracy,
        macro_f1=macro_f1,
        roc_auc=figures["roc_auc"],
        log_loss=log_loss,
        confusion=tuple(tuple(row) for row in table.tolist()),
        classes=_class_scores(predictions.classes, table),
        brier=figures["brier"],
        top_5=_top_5(targets, probabilities),
    )


TOP = 5
"""Classes among which the true one is looked for, where there are more of them."""


def _top_5(targets: np.ndarray, probabilities: np.ndarray) -> Estimate | None:
    """The share whose true class is among the five likeliest, by Wilson; None where there are no more classes."""
    if probabilities.shape[1] <= TOP:
        return None
    share = metrics.top(targets, probabilities, np.ones((len(targets), 1)), TOP)
    return proportion(round(float(share[0]) * len(targets)), len(targets))


def losses(answers: Answers) -> np.ndarray:
    """What each example costs: float64 (N,). It decides between models whose leading figures are equal.

    Classes: -ln(probability of the true class), nats. Labels: the mean over the labels. Numbers: the squared error.
    Strings: edits over characters.
    """
    if isinstance(answers, Predictions):
        return metrics.log_losses(answers.targets, answers.probabilities)
    if isinstance(answers, NumberPredictions):
        return np.asarray((answers.values - answers.targets) ** 2)
    if isinstance(answers, LabelsPredictions):
        return label_sets.losses(answers)
    assert isinstance(answers, StringPredictions)
    return strings.losses(answers)


def compare(model: str, answers: Answers, against: str, other: Answers, *, noun: str, named: bool = False) -> Verdict:
    """Say whether `model` does better on these examples than `against`, or whether it cannot be told.

    Both are answers for the same examples in the same order, else RunError. Where an answer is right or wrong, a gain
    or a loss is declared only where Tango's 95 % interval leaves out 0 and the exact McNemar test has p < 0.05. The two
    disagree only close to the limit (5 against 0: interval above 0, p = 0.06); the test, which is exact, then keeps
    the last word, and the sentence gives its p. Elsewhere it is the paired t-test on the examples' figures. The verdict
    is about these fitted models; what it would take to speak of their recipes is ABOUT_THE_RECIPE. named: whether the
    sentence names accuracy, where another figure leads and points could be taken for those of that.
    """
    _check_same_examples(model, answers, against, other, noun)
    known = answers.known
    if not known.any():
        raise DataError(f"There is no labelled {noun} to compare the models by. It takes at least 1.")
    mine, theirs = answers.figures[known], other.figures[known]
    found = (
        _compare_right(mine > 0, theirs > 0, noun, f" of {answers.leads}" if named else "")
        if answers.is_right_or_wrong
        else _compare_means(mine, theirs, answers, noun)
    )
    return Verdict(model=model, against=against, about="model", metric=answers.leads, **found._asdict())


class _Compared(NamedTuple):
    """What the figures of two models say of one against the other, as Verdict has it."""

    outcome: Outcome
    difference: Estimate
    p_value: float
    sentence: str
    only_model_right: int | None = None
    only_other_right: int | None = None


def _compare_right(mine: np.ndarray, theirs: np.ndarray, noun: str, of: str) -> _Compared:
    """mine, theirs: bool (n,), whether each answer is right. of: what follows on "points"."""
    only_model, only_other, n = int((mine & ~theirs).sum()), int((theirs & ~mine).sum()), len(mine)
    interval = paired_difference(only_model, only_other, n)
    assert interval is not None
    low, high = interval
    difference = Estimate((only_model - only_other) / n, low, high, n, "Tango, paired")
    p_value = mcnemar(only_model, only_other)
    outcome: Outcome = "undecided"
    if p_value < 1 - LEVEL and (low > 0 or high < 0):
        outcome = "gain" if low > 0 else "loss"
    sentence = _sentence(outcome, difference.value, low, high, n, p_value, noun, of)
    return _Compared(outcome, difference, p_value, sentence, only_model, only_other)


ROUNDING = 1e-6
"""Of the figures themselves: a smaller difference of means comes of float32, whatever a test says of it."""


def _compare_means(mine: np.ndarray, theirs: np.ndarray, answers: Answers, noun: str) -> _Compared:
    """mine, theirs: float (n,), each example's figure."""
    differences, n = mine - theirs, len(mine)
    low, high = mean_interval(differences)
    p_value = paired_t(differences)
    better_low = isinstance(answers, NumberPredictions)
    outcome: Outcome = "undecided"
    if p_value < 1 - LEVEL and abs(differences.mean()) > ROUNDING * max(np.abs(mine).mean(), np.abs(theirs).mean()):
        outcome = "gain" if (differences.mean() < 0) == better_low else "loss"
    difference = Estimate(float(differences.mean()), low, high, n, "Student's t, paired")
    return _Compared(outcome, difference, p_value, _sentence_of_means(outcome, difference, answers, noun))


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
            f"{len(targets):,} training examples cannot be divided into {folds} inner folds: it takes "
            "at least one class with 2 examples that need not stay together, as copies and groups must. Add examples, "
            "or group more finely."
        )
    return pairs


def _class_scores(classes: tuple[str, ...], table: np.ndarray) -> tuple[ClassScore, ...]:
    """Recall and precision of every class, from the confusion matrix."""
    right, there, called = table.diagonal().tolist(), table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
    return tuple(
        ClassScore(label, proportion(right[i], there[i]), right[i] / called[i] if called[i] else None)
        for i, label in enumerate(classes)
    )


def _check_same_examples(model: str, answers: Answers, against: str, other: Answers, noun: str) -> None:
    """Raise RunError unless both are about the same examples and labels, in the same order."""
    if not answers.same_task(other):
        raise RunError(
            f"The predictions of '{model}' ({len(answers.paths):,} {noun}s) and '{against}' "
            f"({len(other.paths):,} {noun}s) are not about the same {noun}s with the same labels "
            "in the same order, so they cannot be compared pair by pair. Predict both again on one part."
        )


def _sentence(
    outcome: Outcome, value: float, low: float, high: float, n: int, p_value: float, noun: str, of: str
) -> str:
    """A verdict in words; shares are told in points."""
    where = f"on these {n:,} {noun}s" if n > 1 else f"on this one {noun}"
    if outcome == "undecided":
        value_text, low_text, high_text = _points(value, low, high, digits=1)
        sign = "+" if float(value_text) > 0 else ""
        text = f"no difference can be told {where}: {sign}{value_text} points{of}, "
        text += f"95 % interval {low_text} to {high_text}"
        # An interval without 0 beside "no difference" needs its reason.
        return f"{text}; exact McNemar p = {p_value:.2g}" if low > 0 or high < 0 else text
    verb = "gains" if outcome == "gain" else "loses"
    near, far = (low, high) if outcome == "gain" else (-high, -low)
    digits = next((digits for digits in (1, 2, 3) if round(100 * near, digits) > 0), 4)  # never "0.0 to 2.1"
    value_text, near_text, far_text = _points(abs(value), near, far, digits=digits)
    return f"this model {verb} {value_text} points{of} {where}, 95 % interval {near_text} to {far_text}"


def _sentence_of_means(outcome: Outcome, difference: Estimate, answers: Answers, noun: str) -> str:
    """A verdict in words where figures are means: of errors in the target's unit, or of shares, in points."""
    errors = isinstance(answers, NumberPredictions)
    where = f"on these {difference.n:,} {noun}s" if difference.n > 1 else f"on this one {noun}"

    def told(value: float) -> str:
        return f"{value:.3g}" if errors else _points(value, digits=1)[0]

    if difference.low is None or difference.high is None:
        return f"no difference can be told {where}: one alone has no spread"
    low, high, value = difference.low, difference.high, difference.value
    unit = "" if errors else " points"
    what = f"the {answers.leads} "
    if outcome == "undecided":
        sign = "+" if value > 0 else ""
        return (
            f"no difference in {answers.leads} can be told {where}: {sign}{told(value)}{unit}, 95 % interval "
            f"{told(low)} to {told(high)}"
        )
    if errors:
        verb = "lower" if value < 0 else "higher"
        near, far = (-high, -low) if value < 0 else (low, high)
        return f"{what}of this model is {told(abs(value))} {verb} {where}, 95 % interval {told(near)} to {told(far)}"
    verb = "gains" if value > 0 else "loses"
    near, far = (low, high) if value > 0 else (-high, -low)
    return (
        f"this model {verb} {told(abs(value))} points of {answers.leads} {where}, 95 % interval {told(near)} to "
        f"{told(far)}"
    )


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
