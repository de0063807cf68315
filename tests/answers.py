"""Probabilities whose calibration is known, with their truth."""

from __future__ import annotations

import numpy as np


def answers(n, classes, *, temperature=1.0, signal=2.0, seed=0):
    """Probabilities that are perfectly calibrated once scaled by `temperature`, and the truth."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(classes, size=n)
    noise = rng.normal(size=(n, classes))
    noise[np.arange(n), targets] += signal
    logits = signal * noise * temperature  # Gaussian classes of unit spread: the likelihoods themselves
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32), targets
