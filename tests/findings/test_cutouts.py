from __future__ import annotations

import numpy as np
from PIL import Image

from findings.scenes import scene
from starshift.findings.cutouts import cut_outs, searched, windows
from starshift.findings.registration import cut, shrunk


def test_windows_are_much_smaller_than_the_picture_and_not_too_narrow():
    extents = windows()[:, [1, 3]] - windows()[:, [0, 2]]
    assert extents.prod(axis=1).max() < 0.86
    ratio = extents[:, 0] / extents[:, 1]
    assert ratio.min() >= 1 / 2.3 and ratio.max() <= 2.3


def test_as_many_of_every_class_are_searched():
    classes = np.repeat([0, 1, 2], [1000, 50, 400])
    assert np.bincount(classes[searched(classes)]).tolist() == [80, 50, 80]


def test_what_is_found_was_cut_out_where_it_is_said():
    scenes = np.stack([scene(seed) for seed in range(24)])
    window = np.array([[0.31, 0.72, 0.18, 0.83]], dtype=np.float32)
    levels = np.concatenate([scenes, cut(scenes[4:8], np.repeat(window, 4, axis=0), 64)])
    found = cut_outs(levels.astype(np.uint8), shrunk(levels, 32), np.repeat([0, 1], [24, 4]))
    assert len(found.first) and (found.second - found.first == 20).all()
    assert np.abs(found.windows - window).max() < 0.02


def test_faces_are_found_in_their_photographs(shared):
    """Caltech's Faces and Faces_easy are the same photographs, the second cut to the face."""
    classes = ("Faces", "Faces_easy", "airplanes")
    files = [file for name in classes for file in sorted((shared / "data/caltech-101" / name).glob("*.jpg"))[:16]]
    pictures = [Image.open(file).convert("L").resize((64, 64)) for file in files]
    squares = np.stack([np.asarray(picture) for picture in pictures])
    found = cut_outs(squares, shrunk(squares.astype(np.float32), 32), np.repeat([0, 1, 2], 16))
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert len(pairs & {(i, i + 16) for i in range(16)}) >= 13
    assert pairs <= {(i, i + 16) for i in range(16)}
