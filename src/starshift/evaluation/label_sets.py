"""Figures where any number of labels applies at once: each label is a question with the answer yes or no."""

from __future__ import annotations

import numpy as np

from starshift.evaluation.estimates import bootstrapped, proportion
from starshift.evaluation.metrics import SMALLEST_PROBABILITY
from starshift.records import ClassScore, LabelsPredictions, LabelsScore


def score(answers: LabelsPredictions, *, seed: int, noun: str) -> LabelsScore:
    """Say how one fitted model did on the examples whose labels are known; at least one is."""
    known = answers.known
    targets, said = answers.targets[known] == 1, answers.predicted[known]
    each, lost = answers.figures[known], losses(answers)[known]
    right, called, there = targets & said, said, targets

    def mean_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.asarray(values @ weights / weights.sum(axis=0))

    figures = bootstrapped(
        {
            "label_accuracy": lambda weights: mean_of(each, weights),
            "micro_f1": lambda weights: _F1(right, called, there, weights).micro,
            "macro_f1": lambda weights: _F1(right, called, there, weights).macro,
            "log_loss": lambda weights: mean_of(lost, weights),
        },
        np.zeros(len(targets), dtype=np.int64),
        seed=seed,
        wrong=int((each < 1).sum()),
        noun=noun,
    )
    found = {name: estimate for name, estimate in figures.items() if estimate is not None}
    exact = proportion(int((each == 1).sum()), len(each))
    return LabelsScore(
        label_accuracy=found["label_accuracy"],
        exact=exact,
        micro_f1=found["micro_f1"],
        macro_f1=found["macro_f1"],
        log_loss=found["log_loss"],
        labels=tuple(
            ClassScore(
                label,
                proportion(int(right[:, i].sum()), int(there[:, i].sum())),
                float(right[:, i].sum() / called[:, i].sum()) if called[:, i].any() else None,
            )
            for i, label in enumerate(answers.classes)
        ),
    )


def losses(answers: LabelsPredictions) -> np.ndarray:
    """Binary cross-entropy of each example, mean over its labels, nats: float64 (N,); NaN where they are not known."""
    given = answers.probabilities.astype(np.float64)
    said = np.where(answers.targets == 1, given, 1 - given)
    each: np.ndarray = -np.log(np.clip(said, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)).mean(axis=1)
    return np.where(answers.known, each, np.nan)


class _F1:
    """F1 over all answers together, and its mean over the labels that are there; float (D,) each."""

    def __init__(self, right: np.ndarray, called: np.ndarray, there: np.ndarray, weights: np.ndarray) -> None:
        hits, both = right.T @ weights, called.T @ weights + there.T @ weights
        self.micro = 2 * hits.sum(axis=0) / np.maximum(both.sum(axis=0), 1e-12)
        present = there.any(axis=0)
        self.macro = (
            (2 * hits[present] / np.maximum(both[present], 1e-12)).mean(axis=0) if present.any() else self.micro
        )
