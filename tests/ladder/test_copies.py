from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from starshift.findings.near import Pair
from starshift.ladder.copies import without_copies
from starshift.records import Dataset, Picture, Predictions, Split, Target


@dataclass
class Stub:
    """As much of Materials as is asked for."""

    dataset: Dataset
    split: Split
    near: list[Pair] = field(default_factory=list)


def materials(*pairs: tuple[int, int]) -> Stub:
    """Pictures 0 to 3 train, 4 to 7 validate, 8 and 9 test."""
    pictures = tuple(Picture(f"{i}", "ab"[i % 2], "", f"{i}", 4, 3, "PNG", "RGB", 9) for i in range(10))
    split = Split(train=(0, 1, 2, 3), validation=(4, 5, 6, 7), test=(8, 9), how="")
    return Stub(
        Dataset("x", "", (Target.of_classes(("a", "b")),), pictures),
        split,
        [Pair(*pair, 0.99, False) for pair in pairs],
    )


def predictions(*right: bool) -> Predictions:
    targets = np.zeros(len(right), dtype=np.int64)
    probabilities = np.array([[0.9, 0.1] if one else [0.1, 0.9] for one in right], dtype=np.float32)
    return Predictions(("a", "b"), tuple(map(str, range(len(right)))), targets, probabilities)


def test_without_copies_in_training_there_is_no_second_figure():
    assert without_copies(predictions(True, True, False, True), materials((4, 5)), (4, 5, 6, 7)) is None


def test_pictures_seen_in_training_are_left_out():
    found = without_copies(predictions(True, True, False, True), materials((0, 4), (1, 5)), (4, 5, 6, 7))
    assert found is not None
    assert (found.value, found.n, found.method) == (pytest.approx(0.5), 2, "Wilson")


def test_where_all_were_seen_nothing_is_left():
    found = without_copies(predictions(True, True), materials((0, 8), (3, 9)), (8, 9))
    assert found is not None and found.n == 0 and found.low is None


def test_a_model_trained_again_has_seen_the_validation_part_too():
    assert without_copies(predictions(True, False), materials((4, 8)), (8, 9)) is None
    found = without_copies(predictions(True, False), materials((4, 8)), (8, 9), retrained=True)
    assert found is not None and (found.value, found.n) == (0, 1)
