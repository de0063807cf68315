"""Small tables on disk and tasks in memory, of which it is known what can be learned."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from starshift.models.tabular import Rows, Task

COLUMNS = ("id", "size", "colour", "paid", "day", "price", "sort")


def write(file: Path, rows, header=COLUMNS, delimiter: str = ",") -> Path:
    """A CSV."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return file


def houses(count: int = 120, seed: int = 0):
    """Rows: an id, a number with gaps, a category, yes or no, a date, a price that follows from them, and a class."""
    rng = np.random.default_rng(seed)
    for place in range(count):
        size, colour, paid = rng.normal(), ("red", "green", "blue")[rng.integers(3)], bool(rng.integers(2))
        day = f"2024-{1 + place % 12:02d}-{1 + place % 28:02d}"
        price = 50 + 10 * size + 5 * (colour == "red") + 2 * paid + rng.normal()
        cell = "" if place % 19 == 3 else f"{size:.4f}"
        yield [
            f"n{place:04d}x",
            cell,
            colour,
            "yes" if paid else "no",
            day,
            f"{price:.3f}",
            "big" if price > 52 else "small",
        ]


def folds(count: int, number: int = 4):
    """Inner folds, every fourth row in one."""
    places = np.arange(count)
    return tuple((places[places % number != fold], places[places % number == fold]) for fold in range(number))


def task(kind: str = "number", count: int = 120, seed: int = 0) -> Task:
    """Four features, of which the first two tell; the raw form has gaps and a category."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 4))
    signal = features[:, 0] + np.sin(2 * features[:, 1])
    noisy = signal + 0.1 * rng.normal(size=count)
    raw = np.concatenate([features, rng.integers(0, 3, (count, 1))], axis=1)
    raw[::11, 2] = np.nan
    rows = Rows(features, raw, (4,))
    targets, classes = {
        "number": (20 + 5 * noisy, 0),
        "two": ((noisy > 0).astype(np.int64), 2),
        "three": (np.digitize(noisy, [-0.5, 0.5]).astype(np.int64), 3),
        "labels": (np.stack([noisy > 0, features[:, 0] > 0], axis=1).astype(np.int8), 2),
    }[kind]
    return Task(rows, targets, classes, folds(count), seed)
