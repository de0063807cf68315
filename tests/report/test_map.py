"""The map of the pictures, as a view and as a drawing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from report.fake_run import CALTECH, HOSTILE_CLASSES, fake_run
from report.test_render import Page
from starshift.records import MAP_SCHEMA, Dataset, Finding, NamedHeap, PictureMap, Place
from starshift.report.map import EDGE, HEIGHT, MOST_NAMES, WIDTH, drawn, marks
from starshift.report.render import render


def a_map(dataset: Dataset, pictures: int | None = None) -> PictureMap:
    rng = np.random.default_rng(0)
    places = tuple(
        Place(one.path, one.label, *rng.uniform(0, 1, 2).round(3).tolist(), b"\xff\xd8 jpeg" if i % 7 == 0 else b"")
        for i, one in enumerate(dataset.pictures)
    )
    heaps = tuple(NamedHeap(label, 0.9, 9, i / len(dataset.classes), 0.5) for i, label in enumerate(dataset.classes))
    return PictureMap(MAP_SCHEMA, "", "features of MobileNetV2", pictures or len(places), places, heaps)


def test_without_a_map_nothing_is_drawn():
    assert drawn(None, ("a", "b"), {}) is None
    assert drawn(PictureMap(MAP_SCHEMA, "", "", 0, (), ()), ("a", "b"), {}) is None


def test_every_picture_is_a_dot_in_the_colour_of_its_class():
    fake = fake_run(per_class=5)
    view = drawn(a_map(fake.dataset), fake.dataset.classes, {})
    assert [one["label"] for one in view["classes"]] == ["cat", "dog"]
    assert [group["colour"] for group in view["groups"]] == [0, 1]
    assert [group["points"].count("h0") for group in view["groups"]] == [5, 5]
    assert view["lead"].startswith("Each dot is a picture outside the sealed test part; its colour is its class.")
    assert "alike by features of MobileNetV2" in view["lead"]


def test_a_sample_is_said():
    fake = fake_run(per_class=5)
    view = drawn(a_map(fake.dataset, 9000), fake.dataset.classes, {})
    assert "Each of 10 dots is a picture, drawn at random from 9,000" in view["lead"]


def test_places_stay_within_the_edge():
    corner = PictureMap(MAP_SCHEMA, "", "", 2, (Place("p", "a", 0.0, 0.0), Place("q", "a", 1.0, 1.0)), ())
    points = drawn(corner, ("a", "b"), {})["groups"][0]["points"]
    assert points == f"M{EDGE} {EDGE}h0M{WIDTH - EDGE} {HEIGHT - EDGE}h0"


def test_many_classes_have_hues_and_no_legend():
    fake = fake_run(CALTECH, per_class=3)
    view = drawn(a_map(fake.dataset), fake.dataset.classes, {})
    assert view["classes"] == [] and not view["few"]
    assert len({group["hue"] for group in view["groups"]}) == 101
    assert "its colour follows the order of the classes" in view["lead"]


def test_names_do_not_lie_on_each_other():
    fake = fake_run(CALTECH, per_class=3)
    names = drawn(a_map(fake.dataset), fake.dataset.classes, {})["names"]
    assert 3 < len(names) <= MOST_NAMES
    places = sorted(name["x"] for name in names)
    assert min(after - before for before, after in itertools.pairwise(places)) > 8


def test_suspects_and_copies_are_marked():
    fake = fake_run(per_class=5)
    paths = [one.path for one in fake.dataset.pictures]
    copies = Finding("near copies", "note", "", ((paths[0], paths[1]),))
    other = Finding("blurred", "note", "", ((paths[5],),))
    found = marks((copies, other), None)
    assert found == {paths[0]: "copy", paths[1]: "copy"}
    view = drawn(a_map(fake.dataset), fake.dataset.classes, {**found, paths[1]: "suspect"})
    assert sorted(mark["kind"] for mark in view["marks"]) == ["copy", "suspect"]
    assert [one["words"] for one in view["marked"]] == ["label looks wrong (1)", "has a copy (1)"]
    assert any("its label looks wrong" in mark["words"] for mark in view["marks"])


def test_what_is_seen_is_said_for_those_who_cannot_see_it():
    heaps = (NamedHeap("dog", 0.99, 60, 0.2, 0.2), NamedHeap("cat", 0.7, 40, 0.8, 0.2))
    found = PictureMap(MAP_SCHEMA, "", "", 2, (Place("p", "dog", 0.0, 0.0),), heaps)
    assert drawn(found, ("cat", "dog"), {})["words"] == (
        "2 heaps stand out, 1 of them nine tenths or more of one class. The largest, by the class that leads: dog "
        "(60), cat (40)."
    )


@pytest.mark.parametrize("classes", [("cat", "dog"), CALTECH, HOSTILE_CLASSES], ids=["two", "101", "hostile"])
def test_the_section_is_well_formed_small_and_harmless(classes):
    fake = fake_run(classes, per_class=12)
    fake.picture_map = a_map(fake.dataset)
    html = render(fake.view())
    page = Page(html)
    assert "map" in [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    assert "<script" not in html and "onerror=alert(1)>" not in html.replace("&#34;", "")
    drawing = html[html.index('<svg class="map"') : html.index("</section>", html.index('<svg class="map"'))]
    assert len(drawing) < 400_000
    assert all(value.startswith("data:image/jpeg") for value in page.attributes("href") if value.startswith("data:"))
