"""starshift.learnware.search: the learnware whose classes are the user's is found, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.shelved import SPACE, listed, pictures, told
from starshift.learnware import search, specify
from starshift.learnware.search import Wanted, cover, nearest
from starshift.learnware.shelf import Shelf

ABC, CDE, XYZ = ("a", "b", "c"), ("c", "d", "e"), ("x", "y", "z")


def shelf(*of, **changes) -> Shelf:
    specifications = [told(classes) for classes in of]
    return Shelf.of(specifications, [listed(one, place) for place, one in enumerate(specifications)])


def wanted(classes, names=(), per_class=6, seed=9) -> Wanted:
    features, labels = pictures(classes, per_class, seed=seed)
    called = dict(zip(classes, names or classes, strict=True))
    return Wanted.of(features, [called[label] for label in labels], SPACE, precision="f32")


def test_the_learnware_with_the_users_classes_is_nearest():
    matches = nearest(shelf(XYZ, ABC, CDE), wanted(ABC))
    assert next(match.place for match in matches) == 1
    assert matches[0].classes == ABC and matches[0].covers == 3


def test_names_are_not_needed():
    found = nearest(shelf(XYZ, ABC, CDE), wanted(ABC, names=("eins", "zwei", "drei")))[0]
    theirs = dict(zip(("drei", "eins", "zwei"), found.classes, strict=True))  # sorted, as none were given in order
    assert found.place == 1 and theirs == {"eins": "a", "zwei": "b", "drei": "c"}


def test_a_class_that_a_learnware_does_not_know_has_no_counterpart():
    found = next(match for match in nearest(shelf(ABC, CDE), wanted(ABC)) if match.place == 1)
    assert found.classes == ("", "", "c") and found.covers == 1
    assert found.by_class[0] == found.by_class[1] == float("inf")


def test_names_decide_between_classes_that_look_the_same():
    same = told(("left", "right"), draws=("a", "a"))
    on = Shelf.of([same], [listed(same, 0)])
    features, _ = pictures(("a",), 20, seed=3)
    labels = ["RIGHT", "Left"] * 10
    found = nearest(on, Wanted.of(features, labels, SPACE, precision="f32"))[0]
    assert dict(zip(("Left", "RIGHT"), found.classes, strict=True)) in ({"Left": "left", "RIGHT": "right"},) or (
        found.covers < 2  # both are nearer to each other than to anything: then neither is taken for the other
    )


def test_names_are_compared_without_case_and_what_stands_between_words():
    assert search._keys(("Wasser-Lilie", "wasserlilie", "WASSER LILIE")) == ["wasserlilie"] * 3
    assert search._keys(("Ｃａｔ", "cat")) == ["cat"] * 2


def test_synonyms_agree_as_names_do():
    same = told(("left", "right"), draws=("a", "b"))
    on = Shelf.of([same], [listed(same, 0, synonyms={"left": ("links",)})])
    features, labels = pictures(("links", "rechts"), 6, draws=("a", "b"), seed=3)
    assert nearest(on, Wanted.of(features, labels, SPACE, precision="f32"))[0].classes == ("left", "right")


def test_only_those_that_pass_a_filter_are_found():
    on = shelf(XYZ, ABC, CDE)
    places = [match.place for match in nearest(on, wanted(ABC), among=np.array([True, False, True]))]
    assert sorted(places) == [0, 2]
    assert nearest(on, wanted(ABC), among=np.zeros(3, bool)) == []


def test_learnwares_that_tell_their_marginal_alone_stand_behind_the_others_by_distance():
    specifications = [told(XYZ, whole=True), told(ABC, whole=True), told(CDE)]
    on = Shelf.of(specifications, [listed(one, place) for place, one in enumerate(specifications)])
    assert on.whole.tolist() == [True, True, False]
    assert [match.place for match in nearest(on, wanted(ABC))] == [2, 1, 0]


def test_a_private_marginal_is_found_too():
    features, _ = pictures(ABC, 400)
    private = specify.specify(features, [], SPACE, precision="f32", epsilon=3.0)
    specifications = [private, told(XYZ, whole=True)]
    on = Shelf.of(specifications, [listed(one, place) for place, one in enumerate(specifications)])
    assert nearest(on, wanted(ABC))[0].place == 0


def test_classes_told_together_are_matched_by_their_cell():
    features, labels = pictures(("a", "b", "c"), 30)
    few = [row for row, label in enumerate(labels) if label == "a" or row % 6 == 0]
    record = specify.specify(features[few], [labels[row] for row in few], SPACE, precision="f32")
    assert any(len(cell.classes) == 2 for cell in record.record.cells)
    found = nearest(Shelf.of([record], [listed(record, 0)]), wanted(ABC))[0]
    assert found.classes[0] == "a"


def test_several_together_cover_what_none_covers_alone():
    on, asked = shelf(XYZ, ABC, CDE, ("d", "x")), wanted(("a", "b", "d", "e"))
    chosen = cover(nearest(on, asked), asked.far)
    assert {match.place for match in chosen} == {1, 2}


def test_the_first_look_keeps_what_the_exact_distances_would_choose():
    rng = np.random.default_rng(0)
    letters = [chr(97 + place) for place in range(26)]
    sets = [tuple(sorted(rng.choice(letters, 4, replace=False).tolist())) for _ in range(60)]
    on, asked = shelf(*sets), wanted(sets[7])
    every, some = nearest(on, asked, most=60), nearest(on, asked, most=10)
    assert some[0] == every[0] and sets[some[0].place] == sets[7]


def test_a_class_of_one_picture_can_search():
    features, labels = pictures(ABC, 6)
    rows = [0, *[row for row, label in enumerate(labels) if label != "a"]]
    asked = Wanted.of(features[rows], [labels[row] for row in rows], SPACE, precision="f32")
    assert np.isfinite(asked.own).all() and nearest(shelf(XYZ, ABC), asked)[0].place == 1


@pytest.mark.parametrize("per_class", [2, 6])
def test_distances_to_the_same_pictures_class_are_about_nothing(per_class):
    match = nearest(shelf(ABC), wanted(ABC, per_class=per_class))[0]
    assert abs(match.distance) < 0.1
