"""Figures where a short string is read: whole strings that are right, and characters that are wrong."""

from __future__ import annotations

import numpy as np

from starshift.evaluation.estimates import bootstrapped, proportion
from starshift.records import StringPredictions, StringScore


def score(answers: StringPredictions, *, seed: int, noun: str) -> StringScore:
    """Say how one fitted model did on the examples whose string is known; at least one is."""
    known = answers.known
    right = answers.figures[known]
    edits = np.array([distance(read, true) for read, true in _pairs(answers)], dtype=np.float64)
    lengths = np.array([len(true) for _, true in _pairs(answers)], dtype=np.float64)
    figures = bootstrapped(
        {"rate": lambda weights: np.asarray(edits @ weights / (lengths @ weights))},
        np.zeros(len(edits), dtype=np.int64),
        seed=seed,
        wrong=int((right < 1).sum()),
        noun=noun,
    )
    assert figures["rate"]
    return StringScore(proportion(int(right.sum()), len(right)), figures["rate"])


def losses(answers: StringPredictions) -> np.ndarray:
    """Edits over characters of each example: float64 (N,); NaN where the string is not known."""
    found = np.full(len(answers.paths), np.nan)
    found[answers.known] = [distance(read, true) / len(true) for read, true in _pairs(answers)]
    return found


def distance(one: str, other: str) -> int:
    """Insertions, deletions and substitutions between two strings (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, character in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, wanted in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (character != wanted))
    return row[-1]


def _pairs(answers: StringPredictions) -> list[tuple[str, str]]:
    known = answers.known
    return list(zip(answers.values[known], answers.targets[known], strict=True))
