"""Small pictures for people to look at."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

THUMBNAIL_SIDE = 192
"""Longest side in pixels: sharp at the report's 96 CSS pixels on screens with two pixels each way."""


TILE_SIDE = 160
"""Longest side in pixels of one picture among many."""


def thumbnail(square: np.ndarray, width: int, height: int, *, side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG in the picture's own proportions.

    square: uint8 (size, size, 3), the picture stretched to a square. width, height: of the original, pixels. side: the
    JPEG's longest, pixels.
    """
    scale = side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    stream = BytesIO()
    Image.fromarray(square).resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def tile(square: np.ndarray) -> bytes:
    """A JPEG of a picture as a network sees it, made smaller where it is larger than a tile.

    square: uint8 (size, size, 3).
    """
    small = Image.fromarray(square)
    small.thumbnail((TILE_SIDE, TILE_SIDE), Image.Resampling.BICUBIC)
    stream = BytesIO()
    small.save(stream, "JPEG", quality=80)
    return stream.getvalue()
