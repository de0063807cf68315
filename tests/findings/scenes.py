"""Pictures with the spectrum of photographs, each of its own."""

from __future__ import annotations

import numpy as np


def scene(seed: int, side: int = 64) -> np.ndarray:
    """Grey levels 20 to 235 whose power falls off as 1/f², as that of photographs does: float32 (side, side)."""
    chance = np.random.default_rng(seed)
    across, down = np.meshgrid(np.fft.rfftfreq(side), np.fft.fftfreq(side))
    strength = 1 / np.maximum(np.hypot(across, down), 1 / side)
    noise = np.fft.rfft2(chance.standard_normal((side, side)))
    plain = np.fft.irfft2(noise * strength, s=(side, side))
    plain = (plain - plain.min()) / np.ptp(plain)
    return (20 + 215 * plain).astype(np.float32)
