from __future__ import annotations

import cv2
import numpy as np
import pytest
from msgspec import structs

from starshift.findings.measures import measure
from starshift.findings.quality import far_out, findings, neighbour_likeness
from starshift.records import Dataset, Picture, Target

COUNT = 60


def photographs(count: int = COUNT) -> np.ndarray:
    """Pictures with large and small things in them: uint8 (count, 64, 64, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    large = np.stack([cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in coarse]).astype(int)
    fine = rng.normal(0, 12, large.shape)
    return np.clip(large + fine, 0, 255).astype(np.uint8)


def dataset(count: int = COUNT) -> Dataset:
    pictures = [Picture(f"a/{i:03d}", "a", "", f"{i:064x}", 300, 200, "JPEG", "RGB", 9000) for i in range(count)]
    return Dataset("x", "class folders", (Target.of_classes(("a",)),), tuple(pictures))


def found(pixels: np.ndarray) -> dict[str, tuple[tuple[str, ...], ...]]:
    return {one.kind: one.groups for one in findings(dataset(len(pixels)), measure(pixels))}


def test_ordinary_pictures_have_no_finding():
    assert found(photographs()) == {}


def test_pictures_of_one_colour_are_blank_and_nothing_else():
    pixels = photographs()
    pixels[3], pixels[7] = 0, (250, 120, 30)
    pixels[9] = 255 - np.random.default_rng(1).integers(0, 4, (64, 64, 3))  # an empty page, scanned
    assert found(pixels) == {"blank": (("a/003",), ("a/007",), ("a/009",))}


def test_a_few_strokes_on_white_are_not_blank():
    pixels = photographs()
    pixels[3] = 255
    pixels[3, 30:33, 20:40] = 0
    assert "blank" not in found(pixels)


def test_a_set_of_dark_pictures_has_no_dark_one():
    pixels = photographs() // 8
    assert "very dark" not in found(pixels)


def test_the_dark_and_the_bright_one_among_others_are_found():
    pixels = photographs()
    pixels[4] = pixels[4] // 6
    pixels[5] = 235 + pixels[5] // 14
    assert found(pixels) == {"very dark": (("a/004",),), "very bright": (("a/005",),)}


def test_the_blurred_ones_are_found_the_worst_first():
    pixels = photographs()
    pixels[4], pixels[8] = cv2.GaussianBlur(pixels[4], (0, 0), 1.5), cv2.GaussianBlur(pixels[8], (0, 0), 2.5)
    assert found(pixels) == {"blurred": (("a/008",), ("a/004",))}


def test_what_had_to_be_enlarged_is_not_called_blurred():
    pixels = photographs()
    pixels[4] = cv2.GaussianBlur(pixels[4], (0, 0), 3)
    data = dataset()
    small = structs.replace(data.pictures[4], width=20, height=20)
    data = structs.replace(data, examples=(*data.pictures[:4], small, *data.pictures[5:]))
    assert findings(data, measure(pixels)) == []


def test_few_pictures_have_nothing_usual_to_differ_from():
    pixels = photographs(10)
    pixels[4] = cv2.GaussianBlur(pixels[4], (0, 0), 3)
    assert found(pixels) == {}


def test_the_sentence_counts_and_says_what_to_do():
    pixels = photographs()
    pixels[3], pixels[7] = 0, 0
    (finding,) = findings(dataset(), measure(pixels))
    assert finding.severity == "warning"
    assert finding.sentence.startswith("2 pictures are of one colour: nothing can be seen")
    pixels[7] = pixels[8]
    (finding,) = findings(dataset(), measure(pixels))
    assert finding.sentence.startswith("1 picture is of one colour")


def test_likeness_is_that_of_the_definition():
    rows = np.random.default_rng(0).uniform(0, 4, (40, 12)).astype(np.float32)
    roots = np.sqrt(rows) - np.sqrt(rows).mean(axis=0)
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    expected = np.sort(roots @ roots.T, axis=1)[:, -6]  # the last is the row itself
    assert neighbour_likeness(rows) == pytest.approx(expected, abs=1e-5)


def test_the_picture_that_is_like_no_other_is_far_out():
    rng = np.random.default_rng(0)
    middles = rng.uniform(0, 4, (3, 50))
    features = np.abs(middles[np.arange(90) % 3] + rng.normal(0, 0.4, (90, 50)))
    features[17] = rng.uniform(0, 4, 50)
    (finding,) = far_out(dataset(90).pictures, features.astype(np.float32))
    assert (finding.kind, finding.groups) == ("far out", (("a/017",),))
    assert finding.sentence.startswith("1 picture is unlike all others, by the features of the pretrained base")


def test_without_a_stranger_nothing_is_far_out():
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(0, 1, (90, 50))).astype(np.float32)
    assert far_out(dataset(90).pictures, features) == []
