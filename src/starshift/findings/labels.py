"""Labels that look wrong, by confident learning: pictures that models which never saw them place in another class.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021) 1373.
`probabilities` are float (N, classes), each row said by a model that was not fitted on that picture; `labels` are
int (N,), the given classes. cleanlab, by the same authors, is what the tests hold every function against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from starshift.evaluation.statistics import DRAWS, bootstrap_weights, percentile_interval, wilson
from starshift.records import Estimate, Finding, Suspects
from starshift.seeds import child

SLACK = 1e-6
"""By so much a probability may miss its class's threshold, as cleanlab has it: means are rounded."""

MANY_WRONG = 0.02
"""Share of wrong labels from which the finding is a warning: as much as a good step of the ladder buys."""


@dataclass(frozen=True)
class Judgement:
    """What confident learning says of N labels."""

    confident: np.ndarray  # int (N,): the class that each picture is confidently of, -1 for none
    looks_wrong: np.ndarray  # bool (N,): confidently of another class than given
    wrong: Estimate  # share of the labels that is estimated to be wrong


def judge(probabilities: np.ndarray, labels: np.ndarray, settled: np.ndarray, *, seed: int) -> Judgement:
    """Which labels look wrong, and how many are estimated to be.

    settled: bool (N,), labels that a person has looked at: they are taken to be right. The estimate is the part of the
    calibrated confident joint that is off its diagonal; its interval is a bootstrap over pictures, with the thresholds
    held. It holds what luck with pictures does, not that hard pictures pass for wrong labels.
    """
    confident = confident_classes(probabilities, thresholds(probabilities, labels))
    confident = np.where(settled, labels, confident)
    # As in cleanlab: a class may pass its own, lower threshold and still be less probable than the given one.
    looks_wrong = (confident >= 0) & (confident != labels) & (probabilities.argmax(axis=1) != labels)
    return Judgement(confident, looks_wrong, _wrong(confident, labels, probabilities.shape[1], seed))


def thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean probability of each class over the pictures labelled so: float64 (classes,); infinite without any."""
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    sums = np.bincount(labels, weights=given, minlength=classes)
    return np.where(counts, sums / np.maximum(counts, 1), np.inf)


def confident_classes(probabilities: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The class that each picture is confidently of: int (N,), -1 where no class reaches its threshold.

    Of several classes that reach theirs it is the most probable (equation 1 of the paper).
    """
    reached = np.where(probabilities >= limits - SLACK, probabilities, -1.0)
    return np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)


def confident_joint(labels: np.ndarray, confident: np.ndarray, classes: int) -> np.ndarray:
    """Count pictures by given label (row) and the class that they are confidently of (column): int (classes, classes).

    At least 1 stands at every place of the diagonal, so that each class has a picture of its own.
    """
    sure = confident >= 0
    counts = np.bincount(labels[sure] * classes + confident[sure], minlength=classes**2).reshape(classes, classes)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    return counts


def calibrated(joint: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The confident joint with each row brought to the number of pictures so labelled: float64 (classes, classes).

    Divided by N it estimates the joint distribution of given and true labels (equation 3 of the paper).
    """
    counts = np.bincount(labels, minlength=len(joint))
    return joint / joint.sum(axis=1, keepdims=True) * counts[:, None]


def _wrong(confident: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Estimate:
    """The share of wrong labels with its interval."""
    joint = calibrated(confident_joint(labels, confident, classes), labels)
    value = 1 - float(joint.trace() / joint.sum())
    shares = np.concatenate(
        [_shares(weights, confident, labels) for weights in bootstrap_weights(labels, seed=child(seed, "wrong labels"))]
    )
    if np.ptp(shares) < 1e-12:
        return _without_spread(value, confident, labels)
    low, high = percentile_interval(value, shares)
    method = f"confident joint; bootstrap over pictures, {DRAWS} draws, thresholds held"
    return Estimate(value, low, high, len(labels), method)


def _without_spread(value: float, confident: np.ndarray, labels: np.ndarray) -> Estimate:
    """Where all draws agree, as when nothing looks wrong: "0 to 0" would claim a certainty that nobody has."""
    sure = confident >= 0
    interval = wilson(int((confident != labels)[sure].sum()), int(sure.sum()))
    if interval is None:
        return Estimate(value, None, None, len(labels), "no picture is confidently of any class")
    method = f"Wilson, over the {int(sure.sum()):,} pictures that are confidently of a class"
    return Estimate(value, min(interval[0], value), max(interval[1], value), len(labels), method)


def _shares(weights: np.ndarray, confident: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The estimated share of wrong labels for each column of weights, float (N, D): float64 (D,)."""
    wrong = np.zeros(weights.shape[1])
    for label in np.unique(labels):
        rows = labels == label
        on, off = (weights[rows & kind].sum(axis=0) for kind in (confident == label, _elsewhere(confident, label)))
        wrong += off / (np.maximum(on, 1) + off) * rows.sum()
    return wrong / len(labels)


def _elsewhere(confident: np.ndarray, label: int) -> np.ndarray:
    return (confident >= 0) & (confident != label)


# --- ranking ---


def self_confidence(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The probability of the given label: float64 (N,), the lower the more suspicious."""
    return probabilities[np.arange(len(labels)), labels].astype(np.float64)


def ranking(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Every picture, the one with the most suspicious label first: int (N,), rows.

    By self-confidence: on planted wrong labels it found as many as normalized margin, agreement among neighbours in
    feature space, mixes of these and a second pass without the suspects, or more (docs/labels.md).
    """
    return np.argsort(self_confidence(probabilities, labels), kind="stable")


def likely_others(probabilities: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """The classes other than the given one, the most probable first: int (N, at most `most`)."""
    others = probabilities.astype(np.float64)
    others[np.arange(len(labels)), labels] = -1
    count = min(most, probabilities.shape[1] - 1)
    return np.argsort(-others, axis=1, kind="stable")[:, :count]


# --- words ---


def finding(suspects: Suspects, run: str) -> Finding:
    """The counts in a sentence. run: the folder that `starshift review` shows the pictures of."""
    wrong, looks_wrong = suspects.wrong, suspects.looks_wrong
    share = f"{100 * wrong.value:.1f} %"
    if wrong.low is not None and wrong.high is not None:
        share += f", 95 % interval {100 * wrong.low:.1f} to {100 * wrong.high:.1f}"
    labels = "1 label looks" if looks_wrong == 1 else f"{looks_wrong:,} labels look"
    alone = f" {suspects.unjudged:,} could not be judged: nothing else shows their class." if suspects.unjudged else ""
    settled = f" {suspects.settled:,} that a person has looked at are taken to be right." if suspects.settled else ""
    advice = f" Look at them with starshift review {run}; nothing was changed." if looks_wrong else ""
    return Finding(
        kind="suspected labels",
        severity="warning" if looks_wrong and wrong.value >= MANY_WRONG else "note",
        sentence=f"{labels} wrong; by confident learning an estimated {round(wrong.value * wrong.n):,} of {wrong.n:,} "
        f"are ({share}), hard pictures among them.{alone}{settled}{advice}",
    )


def not_searched(reason: str) -> Finding:
    """Why no label was judged, so that silence is not taken for a clean bill."""
    return Finding(kind="suspected labels", severity="note", sentence=reason)
