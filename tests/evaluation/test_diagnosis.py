"""What curves say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from starshift.evaluation.diagnosis import diagnose
from starshift.records import Epoch


def curves(training, validation, *, accuracy=0.95):
    return [
        Epoch(i + 1, 1.0, float(loss), accuracy, float(validation_loss), accuracy)
        for i, (loss, validation_loss) in enumerate(zip(training, validation, strict=True))
    ]


EPOCHS = np.arange(1, 31)
PRINTED = [1, 2, 3, 4, 9, 29, 30]
SEEDS_TRAINING = np.interp(EPOCHS, PRINTED, [0.6898, 0.6543, 0.6143, 0.5626, 0.42, 0.0375, 0.0387])
SEEDS_VALIDATION = np.interp(EPOCHS, PRINTED, [0.6724, 0.6565, 0.6116, 0.5774, 0.55, 0.9987, 1.0139])
"""Document 001 of the seeds prints epochs 1 to 4, 29 and 30; its plot turns at about 9."""


def test_the_seeds_own_curve_overfits():
    sentence = diagnose(curves(SEEDS_TRAINING, SEEDS_VALIDATION))
    assert sentence == (
        "overfits from epoch 11 on: validation loss was best at epoch 9 (0.55) and ended at 1.01, "
        "while training loss went on falling from 0.42 to 0.0387"
    )


def test_a_noisy_overfit_is_still_seen():
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.05, 30)
        words = diagnose(curves(SEEDS_TRAINING, SEEDS_VALIDATION + noise)).split()
        assert words[:3] == ["overfits", "from", "epoch"] and 10 <= int(words[3]) <= 22


@pytest.mark.parametrize("n", [6, 10, 30, 100])
@pytest.mark.parametrize("noise", [0.005, 0.03, 0.1])
def test_noise_is_not_called_overfitting(n, noise):
    rng, steps = np.random.default_rng(n), np.arange(n)
    falling = 0.5 + 0.3 * np.exp(-steps / (n / 8))
    levels = [falling] * 100 + [np.full(n, 0.5)] * 100
    sentences = [diagnose(curves(falling, level + rng.normal(0, noise, n))) for level in levels]
    words = Counter(sentence.split()[0].rstrip(":") for sentence in sentences)
    assert words["overfits"] <= 8  # 4 %
    assert words["fits"] >= 180


def test_still_improving():
    sentence = diagnose(curves(np.linspace(0.69, 0.4, 30), np.linspace(0.69, 0.45, 30)))
    assert sentence == (
        "still improving when training ended: validation loss was best at epoch 30 (0.45); more epochs may help"
    )


def test_underfits():
    sentence = diagnose(curves(np.linspace(0.693, 0.690, 30), np.full(30, 0.693), accuracy=0.5))
    assert sentence.startswith("underfits: training loss hardly fell, from 0.693 to 0.69; ")


def test_fits():
    falling = 0.1 + np.exp(-np.arange(40) / 4)
    assert diagnose(curves(falling, falling + 0.05)) == (
        "fits: validation loss was best at epoch 40 (0.15), with no clear rise after it"
    )


def test_an_easy_task_from_the_first_epoch_on_does_not_underfit():
    assert diagnose(curves(np.full(10, 0.02), np.full(10, 0.02))).startswith("fits")


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_epochs(n):
    assert diagnose(curves([0.5] * n, [0.5] * n)) == (f"too few epochs to judge the curves by ({n}; it takes 5)")
