from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from starshift.errors import MissingWeights
from starshift.learnware import space
from starshift.records import BaseReference


def test_none_is_at_hand_where_no_weights_are(tmp_path):
    assert space.at_hand((), tmp_path) is None
    assert "put mobilenet_v2_weights" in space.lacking() and "MobileNetV2 needs its weights" in space.lacking()


def test_a_base_in_a_file_of_ones_own_opens_no_space(tmp_path):
    own = BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2@/home/me/own.h5")
    assert space.at_hand((own,), tmp_path) is None


def test_the_first_choice_goes_before_other_bases_of_a_model(tmp_path):
    vgg, ours = BaseReference("vgg16", "cd" * 32, "vgg16"), BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2")
    assert space.at_hand((vgg, ours), tmp_path).reference == ours
    assert space.at_hand((vgg,), tmp_path).reference == vgg


def test_the_published_weights_open_the_space_of_every_model(weights_home, tmp_path):
    vgg = BaseReference("vgg16", "cd" * 32, "vgg16")
    base = space.at_hand((vgg,), tmp_path)
    found = space.space_of(base)
    assert (found.base, found.size, found.fit, found.features) == ("mobilenet_v2", 224, "stretch", 1280)
    assert space.opened(found, tmp_path).key == base.key
    with pytest.raises(MissingWeights, match="made with other weights of MobileNetV2 than those here"):
        space.opened(replace(found, digest="ab" * 32), tmp_path)


def test_a_space_whose_base_is_not_here_names_the_file(tmp_path, weights_home, monkeypatch):
    found = space.space_of(space.at_hand((), tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="MobileNetV2 needs its weights: put"):
        space.opened(found, tmp_path)
    shutil.rmtree(tmp_path / "networks", ignore_errors=True)
