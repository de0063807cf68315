"""Maps over pictures: where colour lies, which, and what is said of it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from starshift.report import overlays


def jpeg(width: int, height: int, grey: int = 128) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(stream, "JPEG")
    return stream.getvalue()


def drawn(picture: bytes, field: np.ndarray, full: float = 1.0, fit: str = "stretch") -> np.ndarray:
    return np.asarray(Image.open(BytesIO(overlays.overlaid(picture, field, full, fit))).convert("RGB")).astype(int)


def corner(value: float, cells: int = 8) -> np.ndarray:
    field = np.zeros((cells, cells), np.float32)
    field[: cells // 4, : cells // 4] = value
    return field


@pytest.mark.parametrize(("value", "channel"), [(1.0, 0), (-1.0, 2)])
def test_what_speaks_for_is_orange_and_what_speaks_against_is_blue_where_it_lies(value, channel):
    found = drawn(jpeg(200, 160), corner(value))
    assert found.shape == (160, 200, 3)
    coloured = found[..., channel] - found[..., 2 - channel]
    assert coloured[:30, :40].min() > 80
    assert np.abs(coloured[80:]).max() < 12 and np.abs(coloured[:, 100:]).max() < 12


def test_a_colour_is_paler_the_less_it_counts():
    strong, weak = (drawn(jpeg(200, 200), corner(1.0), full)[10, 10] for full in (1.0, 4.0))
    assert strong[0] - strong[2] > 2 * (weak[0] - weak[2]) > 0


def test_both_colours_differ_in_lightness_too():
    weights = np.array([0.2126, 0.7152, 0.0722])
    lightness = [float(weights @ np.array(colour)) for colour in (overlays.FOR, overlays.AGAINST)]
    assert lightness[0] > 1.4 * lightness[1]


def test_of_a_cropped_picture_only_the_middle_square_is_coloured():
    found = drawn(jpeg(300, 160), np.ones((8, 8), np.float32), fit="crop")
    coloured = found[80, :, 0] - found[80, :, 2]
    assert coloured[75:225].min() > 80 and max(coloured[:60].max(), coloured[240:].max()) < 12


def test_a_small_picture_is_enlarged():
    assert drawn(jpeg(28, 14), corner(1.0)).shape[:2] == (84, 168)


def test_full_colour_is_the_strongest_but_no_trifle():
    assert overlays.full_of(corner(-3.5), "log-odds") == 3.5
    assert overlays.full_of(corner(0.1), "log-odds") == overlays.LEAST_FULL
    assert overlays.full_of(corner(0.1), "") == pytest.approx(0.1)
    assert overlays.full_of(np.zeros((4, 4)), "") > 0


@pytest.mark.parametrize(
    ("row", "column", "where"),
    [(0, 0, "at the upper left"), (0, 4, "at the top"), (4, 4, "in the middle"), (4, 8, "at the right"),
     (8, 0, "at the lower left"), (8, 4, "at the bottom")],
)  # fmt: skip
def test_the_strongest_place_is_named(row, column, where):
    field = np.zeros((9, 9))
    field[row, column] = np.log(12)
    said = overlays.in_words(field, "log-odds", "cat")
    assert said == f"Strongest {where}: hiding it divides the odds of cat by 12."


def test_effects_in_words():
    assert overlays.effect(-np.log(2), "log-odds", "dog") == "hiding it multiplies the odds of dog by 2.0"
    assert overlays.effect(12, "log-odds", "dog") == "hiding it divides the odds of dog by more than 1,000"
    assert overlays.effect(3, "", "age") == "hiding it lowers age by 3.00"
    assert overlays.effect(-0.25, "", "age") == "hiding it raises age by 0.250"
    assert overlays.in_words(np.zeros((8, 8)), "", "age") == "Hiding parts of it changes nothing about age."
