from __future__ import annotations

import numpy as np
import pytest

from discs import draw_set
from starshift.data.cache import RowStore
from starshift.data.decode import Frame
from starshift.data.read import read
from starshift.findings.measures import SIDE, measure, measures_of


def flat(value: int, side: int = 64) -> np.ndarray:
    return np.full((1, side, side, 3), value, np.uint8)


def noise(side: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, side, side, 3), dtype=np.uint8)


def test_a_flat_picture_has_its_brightness_and_nothing_else():
    found = measure(flat(120))
    assert [found.brightness[0], found.dark_end[0], found.light_end[0]] == pytest.approx([120, 120, 120], abs=0.01)
    assert found.contrast[0] < 0.01 and found.spread[0] == 0 and found.span[0] == 0 and found.saturation[0] == 0
    assert abs(found.sharpness[0]) < 0.01  # neither sharp nor blurred: nothing varies but rounding


def test_colours_are_means_of_their_channels():
    pixels = flat(0)
    pixels[..., 0], pixels[..., 2] = 200, 50
    found = measure(pixels)
    assert (found.red[0], found.green[0], found.blue[0], found.saturation[0]) == (200, 0, 50, 200)


def test_sharpness_falls_with_blur_and_not_with_contrast():
    import cv2

    sharp = noise()
    pale = (128 + (sharp.astype(int) - 128) // 4).astype(np.uint8)
    blurred = cv2.GaussianBlur(sharp[0], (0, 0), 3)[None]
    by = {name: float(measure(one).sharpness[0]) for name, one in (("sharp", sharp), ("pale", pale), ("blur", blurred))}
    assert abs(by["pale"] - by["sharp"]) < 0.1 and by["blur"] < by["sharp"] - 3


def test_larger_pictures_are_measured_at_the_common_side():
    large = np.repeat(np.repeat(noise(SIDE), 4, axis=1), 4, axis=2)
    assert np.allclose(measure(large).sharpness, measure(noise(SIDE)).sharpness, atol=0.01)


def test_measures_are_kept_by_content_and_come_in_the_pictures_order(tmp_path, monkeypatch):
    frame, cache = Frame(64), tmp_path / "cache"
    pictures = read(draw_set(tmp_path / "discs"), frame=frame, cache=cache)
    first = measures_of(pictures, frame, cache)
    again = measure(np.asarray(pictures.pixels(frame)))
    assert np.allclose(first.red, again.red) and len(first.red) == len(pictures.dataset.pictures)
    monkeypatch.setattr(RowStore, "writer", lambda *_: (_ for _ in ()).throw(AssertionError("nothing is missing")))
    assert np.array_equal(measures_of(pictures, frame, cache).sharpness, first.sharpness)


def test_exact_copies_are_measured_once_and_both_have_the_measure(tmp_path):
    source = draw_set(tmp_path / "discs")
    file = next((source / "red").glob("*.png"))
    (source / "red" / "zz-copy.png").write_bytes(file.read_bytes())
    frame, cache = Frame(64), tmp_path / "cache"
    pictures = read(source, frame=frame, cache=cache)
    found = measures_of(pictures, frame, cache)
    rows = [
        row for row, one in enumerate(pictures.dataset.pictures) if one.path in (f"red/{file.name}", "red/zz-copy.png")
    ]
    assert len(rows) == 2 and found.red[rows[0]] == found.red[rows[1]]
