"""A picture set that is made in a moment: discs of three colours, which a small network learns to tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"green": (40, 160, 60), "red": (190, 50, 40), "sky": (70, 130, 220)}
PER_CLASS = 12


def draw(colour: tuple[int, int, int], seed: int, side: int = 24) -> Image.Image:
    """A disc of about that colour on noise: classes that a network learns to tell apart in seconds."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, 166, (side, side, 3))
    rows, columns = np.mgrid[:side, :side]
    centre, radius = rng.uniform(side * 0.4, side * 0.6, 2), rng.uniform(side * 0.3, side * 0.45)
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    pixels[disc] = np.array(colour) + rng.integers(-25, 26, (int(disc.sum()), 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def draw_set(folder: Path, *, per_class: int = PER_CLASS, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """Class folders of discs, PNG and JPEG by turns."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            ending = ("png", "jpg")[i % 2]
            draw(COLOURS[name], 1000 * number + i).save(folder / name / f"{name}-{i:02d}.{ending}")
    return folder
