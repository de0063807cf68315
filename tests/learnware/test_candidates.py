"""starshift.learnware.candidates: what a search found is run on the user's own pictures, which decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from learnware.shelved import SPACE, FakeStore, mine, package_of, pictures
from starshift.errors import MissingExtra, StoreError
from starshift.learnware import package, specify
from starshift.learnware.candidates import Mine, by_pictures, restricted, run
from starshift.learnware.search import Match, nearest

ABC = ("a", "b", "c")


@pytest.fixture(scope="module")
def store():
    return FakeStore(
        letters=package_of(("a", "b", "c", "d")), pair=package_of(("a", "b")), others=package_of(("x", "y", "z"))
    )


def test_candidates_come_best_first_with_their_interval(store, tmp_path):
    found, refused = run(store.shelf(tmp_path), store, mine(tmp_path, ABC, 6))
    assert [one.listed.reference for one in found] == ["letters:1.0.0", "pair:1.0.0"] and not refused
    best = found[0]
    assert best.accuracy.value == 1.0 and best.accuracy.n == 18 and best.accuracy.low < 0.9
    assert best.match.classes == ABC and best.strangers(ABC) == ()


def test_classes_outside_what_a_learnware_has_seen_are_named_and_count_as_wrong(store, tmp_path):
    pair = run(store.shelf(tmp_path), store, mine(tmp_path, ABC, 6))[0][1]
    assert pair.strangers(("mine", "yours", "theirs")) == ("theirs",)
    assert pair.accuracy.value == pytest.approx(2 / 3)
    assert np.allclose(pair.answers[:, 2], 1 / 3)


def test_names_of_the_user_are_not_needed(store, tmp_path):
    own = mine(tmp_path, ABC, 6, names=("eins", "zwei", "drei"))
    best = run(store.shelf(tmp_path), store, own)[0][0]
    assert best.match.classes == ABC and best.accuracy.value == 1.0


def test_a_learnware_without_cells_is_matched_by_what_it_says(tmp_path):
    store = FakeStore(blind=package_of(ABC, whole=True), far=package_of(("x", "y")))
    best = run(store.shelf(tmp_path), store, mine(tmp_path, ABC, 6, names=("one", "two", "three")))[0][0]
    assert best.listed.title == "made" and best.match.classes == ABC and best.accuracy.value == 1.0


def test_a_learnware_whose_classes_lie_far_is_matched_by_what_it_says(tmp_path):
    """As one of photographs and drawings, whose mean is far from both, knows the user's drawings."""
    store = FakeStore(wide=package_of(ABC, name="wide"), others=package_of(("x", "y", "z")))
    own = mine(tmp_path, ABC, 6, names=("eins", "zwei", "drei"))
    vars(own)["wanted"] = replace(own.wanted, far=np.full(3, -0.1, np.float32))  # nothing is as near as that
    assert max(match.covers for match in nearest(store.shelf(tmp_path), own.wanted)) == 0
    best = run(store.shelf(tmp_path), store, own)[0][0]
    assert best.listed.title == "wide" and best.match.classes == ABC and best.accuracy.value == 1.0


def test_classes_that_were_told_together_are_matched_by_what_is_said_of_them(tmp_path):
    """b and c are small at their publisher, and their common mean is near neither."""
    theirs = package_of(ABC, name="small")
    features, labels = pictures(ABC, 30, seed=1)
    few = [place for place, label in enumerate(labels) if label == "a" or place % 30 < 5]
    told = specify.specify(features[few], [labels[place] for place in few], SPACE, precision="f32")
    assert [cell.classes for cell in told.record.cells] == [("a",), ("b", "c")]
    store = FakeStore(small=package.made(theirs.learnware, theirs.tensors, specify.write(told)))
    own = mine(tmp_path, ABC, 6, names=("eins", "zwei", "drei"))
    vars(own)["wanted"] = replace(own.wanted, far=own.wanted.far * np.array([1, 0, 0], np.float32))
    assert nearest(store.shelf(tmp_path), own.wanted)[0].classes == ("a", "", "")
    best = run(store.shelf(tmp_path), store, own)[0][0]
    assert best.match.classes == ABC and best.accuracy.value == 1.0


def test_what_says_nothing_of_the_users_pictures_is_left_out(tmp_path):
    own = mine(tmp_path, ABC, 6)
    vars(own)["features"] = np.random.default_rng(0).permutation(own.features)
    match = Match(0, 0.5, (np.inf,) * 3, ("",) * 3, True)
    said = np.random.default_rng(1).dirichlet(np.ones(5), 18).astype(np.float32)
    assert by_pictures(said, own, match, tuple("vwxyz"), "vwxyz").covers == 0
    surely = said.copy()
    surely[own.labels == 1, 3] += 1
    assert by_pictures(surely / surely.sum(axis=1, keepdims=True), own, match, tuple("vwxyz"), "vwxyz").classes == (
        "",
        "y",
        "",
    )


def test_a_filter_leaves_the_others_out(store, tmp_path):
    on = store.shelf(tmp_path)
    found, _ = run(on, store, mine(tmp_path, ABC, 6), among=np.array([False, True, True]))
    assert [one.listed.reference for one in found] == ["pair:1.0.0"]


def test_what_cannot_be_run_is_said_and_is_no_reason_to_stop(store, tmp_path):
    class Forgetful(FakeStore):
        def pull(self, reference):
            if reference.startswith("letters"):
                raise StoreError("withdrawn", "letters:1.0.0 was withdrawn on 2026-11-22: no reason was given.")
            return super().pull(reference)

    forgetful = Forgetful(**store.packages)
    found, refused = run(forgetful.shelf(tmp_path), forgetful, mine(tmp_path, ABC, 6))
    assert [one.listed.reference for one in found] == ["pair:1.0.0"]
    assert refused == ["letters:1.0.0 was not run: letters:1.0.0 was withdrawn on 2026-11-22: no reason was given."]


def test_another_package_than_the_listed_one_is_refused(store, tmp_path):
    class Swapping(FakeStore):
        def pull(self, reference):
            return super().pull("others:1.0.0")

    swapping = Swapping(**store.packages)
    found, refused = run(swapping.shelf(tmp_path), swapping, mine(tmp_path, ABC, 6))
    assert not found and "letters:1.0.0 was not run: the store gave another learnware than it lists." in refused


def test_a_store_that_does_not_answer_stops_the_search(store, tmp_path):
    class Busy(FakeStore):
        def pull(self, reference):
            raise StoreError("busy", "store.example.org is busy; try again in a minute.")

    busy = Busy(**store.packages)
    with pytest.raises(StoreError, match="try again in a minute"):
        run(busy.shelf(tmp_path), busy, mine(tmp_path, ABC, 6))


def test_what_a_base_needs_is_no_reason_to_stop(store, tmp_path, monkeypatch):
    def lacking(*given):
        raise MissingExtra("DINOv2 needs keras-hub: pip install 'starshift[hub]'")

    monkeypatch.setattr(Mine, "said", lacking)
    found, refused = run(store.shelf(tmp_path), store, mine(tmp_path, ABC, 6))
    assert not found and "letters:1.0.0 was not run: DINOv2 needs keras-hub: pip install 'starshift[hub]'" in refused


def test_classes_that_are_listed_and_not_there_are_refused(store, tmp_path):
    on = store.shelf(tmp_path)
    lied = structs.replace(on.listed[0], cells=(("a",), ("b",), ("zebra",), ("d",)))
    assert run(on, store, mine(tmp_path, ABC, 6))[0]  # also where its package lies in the cache
    found, refused = run(replace(on, listed=[lied, *on.listed[1:]]), store, mine(tmp_path, ABC, 6))
    assert "letters:1.0.0 was not run: the store lists classes that it does not have: zebra." in refused
    assert [one.listed.reference for one in found][:1] == ["pair:1.0.0"]


@pytest.mark.parametrize("id", ["../../elsewhere", "a" * 5000, "\0", ""])
def test_an_id_that_is_no_files_name_is_another_learnware(store, tmp_path, id):
    on = store.shelf(tmp_path / "cache")
    lied = [structs.replace(one, id=id) for one in on.listed]
    found, refused = run(replace(on, listed=lied), store, mine(tmp_path / "cache", ABC, 6))
    assert not found and "letters:1.0.0 was not run: the store gave another learnware than it lists." in refused
    assert {one.name for one in tmp_path.iterdir()} == {"cache"}


def test_a_package_is_fetched_once(store, tmp_path):
    asked = []

    class Counting(FakeStore):
        def pull(self, reference):
            asked.append(reference)
            return super().pull(reference)

    counting = Counting(**store.packages)
    for per_class in (6, 7):
        assert run(counting.shelf(tmp_path), counting, mine(tmp_path, ABC, per_class))[0]
    assert sorted(set(asked)) == sorted(asked)
    next((tmp_path / "packages").glob("*.tar")).write_bytes(b"damaged")
    assert run(counting.shelf(tmp_path), counting, mine(tmp_path, ABC, 6))[0] and len(asked) == len(set(asked)) + 1


def test_probabilities_of_the_users_classes_sum_to_1():
    said = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], np.float32)
    assert np.allclose(restricted(said, [1, 0]), [[1 / 3, 2 / 3], [0.5, 0.5]])
    assert np.allclose(restricted(said, [2, -1]), [[0.5, 0.5], [0.5, 0.5]])
    assert np.allclose(restricted(said, [-1, -1]), 0.5)
    assert np.allclose(restricted(said, [0, 1, -1]).sum(axis=1), 1)
