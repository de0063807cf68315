"""starshift.learnware.joined: what reuse came to is one model that needs nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.shelved import FakeStore, mine, package_of
from starshift.compose.predictor import Predictor
from starshift.learnware import joined, package, reuse
from starshift.learnware.candidates import run
from starshift.models.classical import softmax

ABC = ("a", "b", "c")
NAMES = ("eins", "zwei", "drei")


@pytest.fixture(scope="module")
def store():
    return FakeStore(
        letters=package_of(("a", "b", "c", "d")),
        again=package_of(("a", "b", "c"), seed=7),
        pair=package_of(("a", "c")),
    )


def tried(store, cache, per_class=4):
    own = mine(cache, ABC, per_class, names=NAMES)
    return own, joined.trial(run(store.shelf(cache), store, own)[0], own, seed=0)


def expected(made, own):
    """What the way says of the user's pictures."""
    said = np.array([joined._said(joined._members(one, own), own) for one in made.candidates])
    return softmax(made.way.formula.logits(own.features, said))


@pytest.mark.parametrize("name", list(reuse.WAYS))
def test_every_way_becomes_one_model_that_says_the_same(store, tmp_path, name):
    own, made = tried(store, tmp_path)
    way = next(way for way in made.ways if way.name == name)
    members = [joined._members(one, own) for one in made.candidates]
    learnware, tensors = joined.model(way.formula, members, own)
    said = np.array([joined._said(group, own) for group in members])
    wanted = softmax(way.formula.logits(own.features, said))
    assert learnware.builder == "frozen" and set(tensors) == {"head/kernel", "head/bias"}
    assert np.abs(own.said(Predictor(learnware, tensors, own.cache)) - wanted).max() < 1e-3


@pytest.mark.parametrize("name", list(reuse.WAYS))
def test_models_that_are_no_heads_on_the_base_stand_beside_each_other(store, tmp_path, monkeypatch, name):
    own, made = tried(store, tmp_path)
    way = next(way for way in made.ways if way.name == name)
    members = [joined._members(one, own) for one in made.candidates]
    monkeypatch.setattr("starshift.learnware.mapped.is_linear_on", lambda *given: False)
    learnware, tensors = joined.model(way.formula, members, own)
    if name in (reuse.OWN, reuse.DIRECT):
        assert learnware.members == () and learnware.builder == "frozen"
    else:
        assert learnware.builder == "ensemble" and len(learnware.members) == len(tensors["weights"])
        assert all(one.classes == NAMES for one in learnware.members)
    said = np.array([joined._said(group, own) for group in members])
    answers = own.said(Predictor(learnware, tensors, own.cache))
    assert np.abs(answers - softmax(way.formula.logits(own.features, said))).max() < 1e-3


def test_the_result_is_a_learnware_with_parents_that_predicts(store, tmp_path):
    own, made = tried(store, tmp_path)
    written = package.write(made.learnware, made.tensors, tmp_path / "model")
    content = package.load(tmp_path / "model")
    assert written.classes == NAMES and written.evaluations[0].sealed is False
    assert set(written.parents) == {one.listed.id for one in made.parents}
    answers = own.said(Predictor(content.learnware, content.tensors, own.cache))
    assert np.abs(answers - expected(made, own)).max() < 1e-3
    assert (answers.argmax(axis=1) == own.labels).all()


def test_where_a_learnware_helps_it_is_said_so(tmp_path):
    store = FakeStore(letters=package_of(("a", "b", "c", "d")))
    own = mine(tmp_path, ABC, 4, names=NAMES)
    found = run(store.shelf(tmp_path), store, own)[0]
    noise = 2.5 * np.random.default_rng(0).standard_normal(own.features.shape)
    vars(own)["features"] = np.maximum(own.features + noise, 0).astype(
        np.float32
    )  # what the own head has to learn from
    made = joined.trial(found, own, seed=0)
    assert made.way.name != reuse.OWN and made.helps and made.gain[0] > 0
    assert made.accuracy.against == reuse.OWN


def test_where_none_helps_the_own_head_is_the_model_and_has_no_parents(tmp_path):
    store = FakeStore(letters=package_of(("a", "b")))
    own = mine(tmp_path, ("x", "y", "z"), 10)
    found = run(store.shelf(tmp_path), store, own)[0]
    made = joined.trial(found, own, seed=0)
    assert made.way.name == reuse.OWN and not made.helps and made.learnware.parents == ()


def test_a_learnware_that_the_users_labels_had_to_name_must_beat_the_own_head(tmp_path):
    store = FakeStore(letters=package_of(("a", "b", "c", "d"), whole=True))
    own = mine(tmp_path, ABC, 4, names=NAMES)
    found = run(store.shelf(tmp_path), store, own)[0]
    assert found[0].match.is_blind
    easy = joined.trial(found, own, seed=0)
    assert easy.admitted == () and easy.way.name == reuse.OWN
    noise = 2.5 * np.random.default_rng(0).standard_normal(own.features.shape)
    vars(own)["features"] = np.maximum(own.features + noise, 0).astype(np.float32)
    hard = joined.trial(found, own, seed=0)
    assert hard.admitted == tuple(found) and len(hard.ways) > 1


def test_the_best_and_those_that_know_further_classes_are_reused(tmp_path):
    store = FakeStore(ab=package_of(("a", "b")), bc=package_of(("b", "c")), cd=package_of(("c", "d")))
    own = mine(tmp_path, ("a", "b", "c", "d"), 6)
    found = run(store.shelf(tmp_path), store, own)[0]
    chosen = joined.chosen(found, most=1)
    assert len(chosen) == 2 and len({name for one in chosen for name in one.match.classes if name}) > 2
