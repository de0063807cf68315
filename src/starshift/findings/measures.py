"""What the pixels of every picture come to in numbers: brightness, colour, contrast, sharpness.

All pictures are measured at one small size, so that the numbers of large and small ones can be compared. They come out
of the decoding that happens anyway, and are kept in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from starshift.data.cache import RowStore, cache_root
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.execution import map_ordered

FORM = 1
"""Raised by one whenever the same pixels would be measured otherwise than before."""

SIDE = 64
"""Pixels per side of what is measured; larger frames are brought to it, smaller ones are measured as they are."""

_BLOCK = 64  # pictures at once: at 224 px some 10 MB of pixels

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the grey of a picture (ITU-R BT.601)."""


@dataclass(frozen=True)
class Measures:
    """One number per picture and field, float32 (N,); grey and colours are 0 to 255."""

    brightness: np.ndarray  # mean grey
    contrast: np.ndarray  # standard deviation of the grey values
    dark_end: np.ndarray  # grey that 5 % of the pixels stay below
    light_end: np.ndarray  # grey that 5 % of the pixels lie above
    spread: np.ndarray  # the largest standard deviation of a colour channel
    span: np.ndarray  # largest less smallest value, of the channel where this is most
    red: np.ndarray  # mean of the red channel, and so on
    green: np.ndarray
    blue: np.ndarray
    saturation: np.ndarray  # mean distance between the largest and the smallest channel of a pixel
    sharpness: np.ndarray  # natural logarithm of the Laplacian's mean square over the variance of the grey values


NAMES = tuple(field.name for field in fields(Measures))


def measures_of(pictures: Pictures, frame: Frame, cache: Path | None = None) -> Measures:
    """The measures of all pictures, in their order.

    frame: at which the pictures were read, so that nothing is decoded again. cache: folder, by default
    `cache_root()`. Raises DataError if files changed since they were read, StarshiftError if the cache cannot be
    written.
    """
    digests = pictures.dataset.digests
    store = RowStore(cache or cache_root(), "measures", {"frame": frame.key, "form": FORM}, (len(NAMES),), np.float32)
    if missing := store.missing(digests):
        pixels, place = pictures.pixels(frame), {digest: row for row, digest in enumerate(digests)}
        blocks = [missing[start : start + _BLOCK] for start in range(0, len(missing), _BLOCK)]
        found = map_ordered(lambda block: _rows(pixels[[place[digest] for digest in block]]), blocks)
        with store.writer(len(missing)) as writer:
            for block, rows in zip(blocks, found, strict=True):
                for digest, row in zip(block, rows, strict=True):
                    writer.add(digest, row)
    return Measures(*np.asarray(store.rows(digests)).T)


def measure(pixels: np.ndarray) -> Measures:
    """The measures of pictures. pixels: uint8 (N, side, side, 3), side at least 3."""
    return Measures(*_rows(pixels).T)


def _rows(pixels: np.ndarray) -> np.ndarray:
    """float32 (N, measures), in the order of NAMES."""
    small = pixels if pixels.shape[1] <= SIDE else _shrunk(pixels)
    found = _measured(small)
    return np.stack([found[name] for name in NAMES], axis=1).astype(np.float32)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    import cv2

    return np.stack([cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in pixels])


def _measured(pixels: np.ndarray) -> dict[str, np.ndarray]:
    # Channel by channel, since NumPy goes over three neighbouring numbers ten times slower than over a plane.
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)).reshape(3, len(pixels), -1)
    most, least = planes.max(axis=2).astype(np.float32), planes.min(axis=2).astype(np.float32)
    red, green, blue = planes.mean(axis=2, dtype=np.float32)
    grey = pixels @ _LUMA
    flat = grey.reshape(len(grey), -1)
    low, high = (round(share * (flat.shape[1] - 1)) for share in (0.05, 0.95))
    ranked = np.partition(flat, (low, high), axis=1)
    return {
        "brightness": flat.mean(axis=1),
        "contrast": flat.std(axis=1),
        "dark_end": ranked[:, low],
        "light_end": ranked[:, high],
        "spread": planes.std(axis=2, dtype=np.float32).max(axis=0),
        "span": (most - least).max(axis=0),
        "red": red,
        "green": green,
        "blue": blue,
        "saturation": (planes.max(axis=0) - planes.min(axis=0)).mean(axis=1, dtype=np.float32),
        "sharpness": _sharpness(grey),
    }


def _sharpness(grey: np.ndarray) -> np.ndarray:
    """How much of the contrast lies between neighbouring pixels: log of the Laplacian's mean square over the variance.

    The variance of the Laplacian alone (Pech-Pacheco et al. 2000, ICPR) calls a picture in fog blurred; as a share it
    does not depend on contrast. grey: float32 (N, H, W).
    """
    inner = grey[:, 1:-1, 1:-1]
    laplacian = 4 * inner - grey[:, :-2, 1:-1] - grey[:, 2:, 1:-1] - grey[:, 1:-1, :-2] - grey[:, 1:-1, 2:]
    # One grey level squared beside both: a constant picture, whose rounding is all that varies, is neither.
    return np.log((np.square(laplacian).mean(axis=(1, 2)) + 1) / (grey.var(axis=(1, 2)) + 1))
