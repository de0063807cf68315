"""Sequences that are made in a moment: noisy waves of two frequencies, which their means do not tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def waves(count: int = 120, steps: int = 24, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values float32 (N, steps, 2), a wave, and noise around a level; "fast" or "slow" (N,); levels float64 (N,)."""
    generator = np.random.default_rng(seed)
    fast = np.arange(count) % 2 == 0
    frequencies = np.where(fast, 0.25, 0.08) + generator.uniform(-0.02, 0.02, count)
    phase = generator.uniform(0, 2 * np.pi, count)
    wave = np.sin(2 * np.pi * frequencies[:, None] * np.arange(steps) + phase[:, None])
    levels = generator.uniform(-1, 1, count)
    values = np.stack([wave, 0 * wave + levels[:, None]], axis=-1) + generator.normal(0, 0.2, (count, steps, 2))
    return values.astype(np.float32), np.where(fast, "fast", "slow"), levels


def save_waves(file: Path, count: int = 120, *, gaps: bool = False) -> Path:
    """The same as an NPZ file, with lengths of 12 to 24 and, with `gaps`, some values missing."""
    values, kinds, levels = waves(count)
    generator = np.random.default_rng(1)
    if gaps:
        values[generator.random(values.shape) < 0.05] = np.nan
    lengths = generator.integers(12, 25, count)
    np.savez(file, x=values, y=kinds, level=levels, lengths=lengths, features=["wave", "noise"])
    return file
