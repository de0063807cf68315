"""The training pictures that a picture is most like, on made-up features."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from frozen_run import CLASSES, frozen_run
from starshift.data.cache import cache_root
from starshift.data.decode import Frame
from starshift.errors import DataError, MissingWeights, RunError, UnreadablePicture
from starshift.ladder import nearest
from starshift.ladder.nearest import Decoded, Neighbourhood, as_alike, neighbourhood
from starshift.records import Picture


def gone(path: str) -> bytes:
    raise UnreadablePicture("gone", f"{path} is gone.")


@pytest.fixture
def run(tmp_path):
    return frozen_run(tmp_path / "run", tmp_path / "cache")


def around(run, cache: Path, read=gone) -> Neighbourhood:
    return neighbourhood(run, run.read_run().rungs, "features", run.read_dataset(), cache, read)


def test_the_nearest_are_training_pictures_of_the_same_class_mostly(run, tmp_path):
    found = around(run, tmp_path / "cache")
    assert {one.path for one in found.pictures} == run.read_part("train")
    held = [one for one in run.read_dataset().pictures if one.path in run.read_part("validation")]
    features = found.bases.stored([one.digest for one in held], lambda: pytest.fail("was computed"))
    near = found.nearest(features)
    assert [len(some) for some in near] == [nearest.SHOWN] * len(held)
    right = [one.label == other.label for one, some in zip(held, near, strict=True) for other, _ in some]
    assert np.mean(right) > 0.6  # half would be chance
    for some in near:
        likeness = [each for _, each in some]
        assert likeness == sorted(likeness, reverse=True) and min(likeness) >= -1 and max(likeness) <= 1 + 1e-5


def test_a_training_picture_is_most_like_itself(run, tmp_path):
    found = around(run, tmp_path / "cache")
    one = found.pictures[5]
    (((same, likeness), *_),) = found.nearest(found.bases.stored([one.digest], gone))
    assert same == one and likeness == pytest.approx(1, abs=1e-5)


def test_it_says_by_what_likeness_is_measured(run, tmp_path):
    assert around(run, tmp_path / "cache").by == (
        "the cosine between compressed features of MobileNetV2, less their mean over the training part"
    )


def test_without_stored_features_and_without_pictures_there_is_a_reason(run, tmp_path):
    with pytest.raises((MissingWeights, UnreadablePicture)):
        around(run, tmp_path / "another-cache")


def test_very_many_features_are_not_computed_for_this_alone(run, tmp_path, monkeypatch):
    monkeypatch.setattr(nearest, "MOST_COMPUTED", 9)
    with pytest.raises(
        RunError, match=r"features of \d+ training pictures would have to be computed first, above the 9"
    ):
        around(run, tmp_path / "another-cache")


def test_a_network_from_scratch_takes_the_base_on_this_machine_or_says_that_there_is_none(finished_run):
    folder = finished_run._folder
    with pytest.raises(RunError, match=r"a network from scratch has no features .* MobileNetV2 is not on this machine"):
        neighbourhood(folder, finished_run.record.rungs, "convnet", folder.read_dataset(), cache_root(), gone)


@pytest.mark.slow
@pytest.mark.usefixtures("weights_home")
def test_with_that_base_a_network_from_scratch_has_neighbours(finished_run, finished_pictures, tmp_path):
    folder = finished_run._folder
    read = lambda path: (finished_pictures / path).read_bytes()  # noqa: E731
    found = neighbourhood(folder, finished_run.record.rungs, "convnet", folder.read_dataset(), tmp_path, read)
    one = found.pictures[0]
    pixels = Decoded([one], found.frame, read)
    (near,) = found.nearest(found.bases.run(pixels))
    assert near[0][0].digest == one.digest and near[1][0].label == one.label
    alike = as_alike(near, read)
    assert all(each.thumbnail.startswith(b"\xff\xd8") for each in alike)


def test_a_picture_that_is_gone_has_no_thumbnail(run, tmp_path):
    found = around(run, tmp_path / "cache")
    (near,) = found.nearest(found.bases.stored([found.pictures[0].digest], gone))
    alike = as_alike(near, gone)
    assert [one.label in CLASSES for one in alike] == [True] * 3
    assert [one.thumbnail for one in alike] == [b""] * 3
    assert [one.thumbnail for one in as_alike(near, lambda path: b"another file")] == [b""] * 3


def test_a_picture_that_changed_is_not_compared_as_if_it_had_not(finished_pictures):
    (file, *_) = sorted(finished_pictures.rglob("*.png"))
    picture = Picture("red/a.png", "red", "", "0" * 64, 24, 24, "PNG", "RGB", 9)
    with pytest.raises(DataError, match=r"'red/a.png' is not the picture any more that the run has read"):
        Decoded([picture], Frame(24), lambda path: file.read_bytes())[0:1]


def test_it_is_the_direction_from_the_middle_that_counts(run, tmp_path):
    found = around(run, tmp_path / "cache")
    middle = np.expm1(found.middle)[None]
    nowhere = dataclasses.replace(found).nearest(middle.astype(np.float32))
    assert max(abs(likeness) for _, likeness in nowhere[0]) < 0.5
