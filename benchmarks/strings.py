"""Pictures of rows of digits, and how well the rung `reader` reads them.

    python -m benchmarks.strings FOLDER             # writes 2,000 pictures and labels.csv
    python -m benchmarks.strings FOLDER --fit       # and fits baseline and reader on them

The digits are handwritten (Alpaydin and Kaynak 1998, in scikit-learn): each is of one part only, so that no row of the
test part has a digit that training saw.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

PARTS = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Shares of the digits, and of the pictures."""

SCALE = 3
"""Pixels to a pixel of the 8×8 that the digits have."""

GREATEST = 16
"""The darkest value of scikit-learn's digits."""


def rows(
    digits: np.ndarray,
    values: np.ndarray,
    count: int,
    *,
    seed: int,
    shortest: int = 2,
    longest: int = 6,
    noise: float = 0.0,
    scale: int = SCALE,
) -> list[tuple[np.ndarray, str]]:
    """Pictures of rows of digits, each with its string.

    digits: (N, 8, 8), 0 to 16. values: int (N,). noise: standard deviation of what is added, as a share of white.
    Returns uint8 (height, width), white on black, as wide as the row is long.
    """
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        chosen = generator.integers(0, len(digits), generator.integers(shortest, longest + 1))
        row = _joined([digits[one] for one in chosen], generator, scale)
        row = np.clip(row + generator.normal(0, noise, row.shape) if noise else row, 0, 1)
        found.append(((255 * row).round().astype(np.uint8), "".join(str(values[one]) for one in chosen)))
    return found


def _joined(digits: list[np.ndarray], generator: np.random.Generator, scale: int) -> np.ndarray:
    """Digits side by side, float 0 to 1, with gaps of 0 to 2 of their pixels, and up to 1 higher or lower."""
    columns = []
    for digit in digits:
        padded = np.pad(digit / GREATEST, ((1, 1), (0, int(generator.integers(0, 3)))))
        columns.append(np.roll(padded, int(generator.integers(-1, 2)), axis=0))
    whole = np.pad(np.concatenate(columns, axis=1), ((0, 0), (1, 1)))
    return np.kron(whole, np.ones((scale, scale)))


def write(folder: Path, count: int = 2000, *, seed: int = 0, noise: float = 0.0, longest: int = 6) -> Path:
    """Write pictures by part, and labels.csv with the columns file and text. Returns the folder."""
    from PIL import Image
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    told, start = [], 0
    for number, (part, share) in enumerate(PARTS.items()):
        own = order[start : start + round(share * len(order))]
        start += len(own)
        (folder / part).mkdir(parents=True, exist_ok=True)
        drawn = rows(
            data.images[own], data.target[own], round(share * count), seed=seed + number, noise=noise, longest=longest
        )
        for place, (pixels, text) in enumerate(drawn):
            name = f"{part}/{place:05d}.png"
            Image.fromarray(pixels).save(folder / name)
            told.append((name, text))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("file", "text"), *told])
    return folder


def fit(folder: Path, out: Path, budget: str) -> None:
    """Fit baseline and reader, and print what came of it."""
    import starshift

    run = starshift.fit(
        folder, labels="labels.csv", target="text:string", rungs="reader", budget=budget, out=out, file_column="file"
    )
    print(run.path / "report.html")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    given.add_argument("--count", type=int, default=2000, help="pictures in all")
    given.add_argument("--noise", type=float, default=0.0, help="standard deviation, as a share of white")
    given.add_argument("--longest", type=int, default=6, help="digits in a row at the most")
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--fit", action="store_true", help="fit baseline and reader")
    given.add_argument("--budget", default="30m", help="of that fit")
    asked = given.parse_args()
    write(asked.folder, asked.count, seed=asked.seed, noise=asked.noise, longest=asked.longest)
    if asked.fit:
        fit(asked.folder, asked.folder.with_name(f"{asked.folder.name}-run"), asked.budget)
