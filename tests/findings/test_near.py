from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from findings.scenes import scene
from starshift.data.decode import Frame
from starshift.data.read import read
from starshift.errors import StarshiftError
from starshift.findings import near
from starshift.findings.near import Pair, near_copies, pairs_of

FRAME = Frame(64)


def photo(seed: int) -> Image.Image:
    return Image.fromarray(scene(seed, 160).astype(np.uint8)).convert("RGB").resize((160, 120))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photographs of two classes."""
    for seed in range(12):
        file = tmp_path / "photos" / "ab"[seed % 2] / f"{seed:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        photo(seed).save(file)
    return tmp_path / "photos"


def found(folder: Path, cache: Path, frame: Frame = FRAME) -> list[tuple[str, str]]:
    pictures = read(folder, frame=frame, cache=cache)
    paths = [picture.path for picture in pictures.dataset.pictures]
    return [(paths[pair.first], paths[pair.second]) for pair in near_copies(pictures, frame, cache)]


def pairs(squares: np.ndarray) -> list[Pair]:
    return pairs_of(squares, np.full(len(squares), 64), np.zeros(len(squares), dtype=np.int64))


CHANGES = {
    "resized": lambda picture: picture.resize((95, 71)),
    "cut": lambda picture: picture.crop((14, 2, 158, 108)),
    "mirrored": ImageOps.mirror,
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.6),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.5),
    "cut and mirrored": lambda picture: ImageOps.mirror(picture.crop((0, 10, 140, 120))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(photos, tmp_path, change):
    CHANGES[change](photo(3)).save(photos / "b" / "copy.jpg", quality=60)
    assert found(photos, tmp_path / "cache") == [("b/03.png", "b/copy.jpg")]


def test_pictures_that_differ_are_no_copies(photos, tmp_path):
    assert found(photos, tmp_path / "cache") == []


def test_exact_copies_are_none_of_them_and_stand_for_each_other(photos, tmp_path):
    photo(3).save(photos / "b" / "again.png")
    photo(3).save(photos / "b" / "small.jpg", quality=80)
    assert found(photos, tmp_path / "cache") == [("b/03.png", "b/small.jpg")]


def test_flat_pictures_are_no_copies_of_each_other(photos, tmp_path):
    for grey in range(100, 200, 10):
        Image.new("RGB", (40, 40), (grey, grey, grey)).save(photos / "a" / f"grey-{grey}.png")
        noisy = np.random.default_rng(grey).normal(grey, 3, (40, 40)).astype(np.uint8)
        Image.fromarray(noisy).save(photos / "a" / f"noise-{grey}.png")
    assert found(photos, tmp_path / "cache") == []


def test_the_same_shape_on_white_with_other_content_is_no_copy():
    shapes = []
    rows, columns = np.mgrid[:64, :64]
    for seed in range(20):
        grain = scene(seed) * 0.4
        shapes.append(np.where((rows - 32) ** 2 + (columns - 32) ** 2 < 400, grain, 255).astype(np.uint8))
    assert pairs(np.stack(shapes)) == []


def test_a_second_call_reads_what_the_first_found(photos, tmp_path, monkeypatch):
    ImageOps.mirror(photo(3)).save(photos / "b" / "copy.png")
    first = found(photos, tmp_path / "cache")
    monkeypatch.setattr(near, "pairs_of", lambda *_: pytest.fail("looked again"))
    assert found(photos, tmp_path / "cache") == first == [("b/03.png", "b/copy.png")]
    (photos / "b" / "copy.png").rename(photos / "b" / "00-renamed.png")
    assert found(photos, tmp_path / "cache") == [("b/00-renamed.png", "b/03.png")]


def test_what_was_damaged_in_the_cache_is_found_again(photos, tmp_path):
    ImageOps.mirror(photo(3)).save(photos / "b" / "copy.png")
    first = found(photos, tmp_path / "cache")
    (kept,) = (tmp_path / "cache" / "near" / "pairs").glob("*.json")
    kept.write_text('[{"digests": 3}]')
    assert found(photos, tmp_path / "cache") == first


def test_what_networks_decode_serves_too(photos, tmp_path):
    photo(3).resize((320, 240)).save(photos / "b" / "copy.jpg", quality=70)
    assert found(photos, tmp_path / "cache", Frame(96)) == [("b/03.png", "b/copy.jpg")]


def test_a_cache_that_cannot_be_written_is_said(photos, tmp_path):
    pictures = read(photos, frame=FRAME, cache=tmp_path / "cache")
    (tmp_path / "file").write_text("")
    with pytest.raises(StarshiftError, match="cannot be written"):
        near_copies(pictures, FRAME, tmp_path / "file")


def test_large_sets_are_compared_without_windows(monkeypatch):
    monkeypatch.setattr(near, "LARGE", 5)
    monkeypatch.setattr(near, "cut_windows", lambda: pytest.fail("asked for windows"))
    monkeypatch.setattr(near, "cut_outs", lambda *_: pytest.fail("looked for what was cut out"))
    pictures = np.stack([scene(seed) for seed in range(8)]).astype(np.uint8)
    pictures = np.concatenate([pictures, pictures[2:3, :, ::-1]])
    assert [(pair.first, pair.second, pair.mirrored) for pair in pairs(pictures)] == [(2, 8, True)]


def test_up_to_three_copies_of_one_picture_do_not_hide_each_other():
    pictures = np.stack([scene(seed) for seed in range(8)])
    copies = [np.clip(pictures[2] * factor, 0, 255) for factor in (0.7, 1.2, 1.5)]
    found = pairs(np.stack([*pictures, *copies]).astype(np.uint8))
    assert {(pair.first, pair.second) for pair in found} == {(2, 8), (2, 9), (2, 10), (8, 9), (8, 10), (9, 10)}
