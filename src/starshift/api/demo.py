"""The demonstration: scikit-learn's handwritten digits, written out as a folder and fitted like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from starshift import seeds

DEMO_PICTURES = 600
"""How many of the 1,797 digits make the small data set."""

DIGIT_SIDE = 8
"""Pixels per side of a digit as scikit-learn has it."""


def write_digits(folder: Path, *, pictures: int = DEMO_PICTURES, seed: int = 0) -> Path:
    """Write handwritten digits as PNG files, one folder per digit; files that are there are left alone.

    The digits are real (Alpaydin and Kaynak 1998, UCI's optical recognition data, test half), 8×8 pixels of 17
    grey levels, and come with scikit-learn. Returns the folder.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    chosen = np.random.default_rng(seeds.child(seed, "demo")).permutation(len(digits.target))[:pictures]
    for index in np.sort(chosen):
        file = folder / str(digits.target[index]) / f"digit-{index:04d}.png"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            grey = (digits.images[index] * (255 / 16)).round().astype(np.uint8)
            Image.fromarray(255 - grey).save(file)  # dark ink on white paper
    return folder
