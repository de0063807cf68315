from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from starshift.data.thumbnails import THUMBNAIL_SIDE, TILE_SIDE, thumbnail, tile


@pytest.mark.parametrize(
    ("original", "small"),
    [((400, 300), (192, 144)), ((300, 400), (144, 192)), ((5, 5), (192, 192)), ((4000, 3), (192, 1))],
)
def test_a_thumbnail_has_the_proportions_of_the_original(original, small):
    square = np.full((224, 224, 3), 200, np.uint8)
    opened = Image.open(BytesIO(thumbnail(square, *original)))
    assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", small)
    assert max(opened.size) == THUMBNAIL_SIDE


def test_a_thumbnail_shows_the_picture():
    square = np.zeros((64, 64, 3), np.uint8)
    square[:, 32:] = (250, 20, 20)
    pixels = np.asarray(Image.open(BytesIO(thumbnail(square, 100, 50))))
    assert pixels[:, :80].max() < 60
    assert pixels[:, -80:, 0].min() > 200


@pytest.mark.parametrize(("side", "small"), [(28, 28), (150, 150), (224, TILE_SIDE)])
def test_a_tile_is_made_smaller_and_never_larger(side, small):
    opened = Image.open(BytesIO(tile(np.full((side, side, 3), 200, np.uint8))))
    assert (opened.format, opened.size) == ("JPEG", (small, small))
    assert np.abs(np.asarray(opened).astype(int) - 200).max() <= 2
