"""The map and the strangers of a run, on made-up features, so that nothing is computed by a network."""

from __future__ import annotations

import dataclasses
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from starshift.ladder import frozen, linear, picture_map
from starshift.ladder.folder import RunFolder
from starshift.recipe import Recipe
from starshift.records import RungRecord, Split

SIZE = 40  # no other test has features of this size in the cache
RECIPE = Recipe("frozen", SIZE, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
FEATURES = RungRecord("features", "finished", "key", builder="frozen")
STRANGER = 7  # a row whose features are like no other's


@pytest.fixture
def task(make_materials):
    """Materials with a sealed test part."""
    materials = make_materials()
    count = len(materials.dataset.pictures)
    test = tuple(range(5, count, 6))
    validation = tuple(row for row in range(1, count, 4) if row not in test)
    train = tuple(sorted(set(range(count)) - {*validation, *test}))
    return dataclasses.replace(materials, split=Split(train, validation, test, "by hand"))


def stored(materials, run: RunFolder) -> RunFolder:
    """The rung `features`, as a climb leaves it."""
    store = linear.find_bases(RECIPE, materials).bases[0].store
    chance = np.random.default_rng(0)
    middles = chance.uniform(0, 3, (3, 1280))
    with store.writer() as writer:
        for row in range(len(materials.dataset.pictures)):
            own = middles[materials.targets[row]] if row != STRANGER else chance.uniform(0, 3, 1280)
            features = np.abs(own + 0.2 * chance.normal(size=1280)).astype(np.float32)
            if (digest := materials.dataset.digests[row]) not in store:
                writer.add(digest, features)
    run.clear_rung("features")
    run.write_recipe("features", RECIPE)
    model = frozen.fit(RECIPE, materials)
    run.write_model("features", model.learnware, model.tensors)
    return run


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.create()
    return run


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr("starshift.compose.frozen.FrozenBase.network", property(lambda _: pytest.fail("was opened")))


@pytest.mark.usefixtures("weights_home", "no_network")
def test_features_make_the_map_and_find_the_stranger(task, folder):
    (finding,) = picture_map.look([FEATURES], task, stored(task, folder))
    assert finding.groups == ((task.dataset.pictures[STRANGER].path,),)
    found = folder.read_map()
    assert found.by == "features of MobileNetV2"
    sealed = {task.dataset.pictures[row].path for row in task.split.test}
    shown = {place.path for place in found.places}
    assert not shown & sealed and len(shown) == found.pictures == len(task.split.train) + len(task.split.validation)
    assert {heap.label for heap in found.heaps} <= set(task.dataset.classes)


def test_without_features_colours_are_compared_and_that_is_said(task, folder):
    assert picture_map.look([], task, folder) == []
    assert folder.read_map().by == "the colours of 16 × 16 pixels"


def test_thumbnails_are_small_jpegs_spread_over_the_map(task, folder):
    picture_map.look([], task, folder)
    places = [place for place in folder.read_map().places if place.thumbnail]
    assert len(places) > 5
    for place in places:
        picture = Image.open(BytesIO(place.thumbnail))
        assert picture.format == "JPEG" and max(picture.size) == picture_map.STAMP_SIDE
    cells = {(int(place.x * 14), int(place.y * 10)) for place in places}
    assert len(cells) == len(places)


def test_a_map_of_the_same_pictures_is_not_made_again(task, folder, monkeypatch):
    picture_map.look([], task, folder)
    before = folder.read_map()
    monkeypatch.setattr(picture_map, "lay_out", lambda features: pytest.fail("was laid out again"))
    picture_map.look([], task, folder)
    assert folder.read_map() == before


def test_of_very_many_pictures_some_are_drawn(task, folder, monkeypatch):
    monkeypatch.setattr(picture_map, "MOST", 9)
    picture_map.look([], task, folder)
    found = folder.read_map()
    assert len(found.places) == 9 and found.pictures > 9


def test_three_pictures_have_no_map_and_an_older_one_goes(task, folder):
    picture_map.look([], task, folder)
    few = dataclasses.replace(task, split=Split(task.split.train[:2], task.split.validation[:1], (), "three"))
    assert picture_map.look([], few, folder) == [] and folder.read_map() is None
