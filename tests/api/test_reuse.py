"""starshift.search and starshift.reuse: from a folder of pictures and a store to a model that needs neither."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import starshift
from learnware.shelved import base_in, package_of, pictures
from starshift.api import found as words
from starshift.api import predict
from starshift.api.reuse import reuse, search
from starshift.data.cache import cache_root
from starshift.data.read import read
from starshift.errors import DataError, MissingWeights, StoreError, UsageError
from starshift.learnware import package, space
from starshift.learnware.store import opening
from starshift.progress import Silent

ABC = ("a", "b", "c")


@pytest.fixture
def store(tmp_path):
    """Three learnwares in a folder."""
    made = opening.create(str(tmp_path / "store"))
    for name, one in {
        "letters": package_of(("a", "b", "c", "d"), name="Letters"),
        "blocks": package_of(("a", "b"), name="Two letters", licence="MIT"),
        "others": package_of(("x", "y", "z"), name="Others", task="letter classification"),
    }.items():
        made.publish(one, name)
    made.close()
    return tmp_path / "store"


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of pictures whose features lie in the cache, as if the base had computed them."""
    return folder_of(tmp_path / "photos", ABC, monkeypatch)


def folder_of(folder, classes, monkeypatch, *, noise=0.0, per_class=5, called=()):
    rng = np.random.default_rng(sum(map(ord, folder.name)))
    for name in called or classes:
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    features, _ = pictures(classes, per_class, seed=4)
    features = np.maximum(features + noise * rng.standard_normal(features.shape), 0).astype(np.float32)
    base = base_in(cache_root())
    dataset = read(folder, frame=base.frame).dataset
    with base.store.writer() as writer:
        for one, row in zip(sorted(dataset.pictures, key=lambda one: one.path), features, strict=True):
            writer.add(one.digest, row)
    monkeypatch.setattr(space, "at_hand", lambda references, cache: base)
    return folder


def test_the_learnware_with_the_users_classes_is_found(store, photos):
    found = search(photos, store=store, progress=Silent())
    assert found.searched == 3 and found.classes == ABC and found.pictures == 15
    assert found.candidates[0].listed.title == "Letters" and found.candidates[0].match.classes == ABC
    [first, *_] = words.rows(found, top=5)
    assert first[0] == "letters:1.0.0" and first[2].startswith("100.0 % (") and first[3] == "3 of 3"
    assert words.lines(found)[0].startswith("3 learnwares in ")


def test_classes_may_be_called_otherwise(store, tmp_path, monkeypatch):
    photos = folder_of(tmp_path / "p", ABC, monkeypatch, called=("drei", "eins", "zwei"))
    found = search(photos, store=store, progress=Silent())
    assert found.candidates[0].match.classes == ABC
    assert "Classes of letters:1.0.0: drei = a, eins = b, zwei = c." in words.lines(found)


def test_filters_leave_others_out_and_unknown_ones_are_refused(store, photos):
    assert search(photos, store=store, licence="MIT", progress=Silent()).searched == 1
    assert search(photos, store=store, task="letter classification", progress=Silent()).searched == 1
    assert search(photos, store=store, most_bytes=1000, progress=Silent()).searched == 0
    with pytest.raises(UsageError) as refused:
        search(photos, store=store, licence="MTI", task="singing", progress=Silent())
    assert list(refused.value.problems) == [
        "No learnware in the store has the task 'singing'. Known: image classification, letter classification.",
        "No learnware in the store has the licence 'MTI'. Did you mean 'MIT'?",
    ]


def test_reuse_writes_a_learnware_that_predicts_without_the_store(store, photos, tmp_path):
    found, made = reuse(photos, tmp_path / "out", store=store, progress=Silent())
    assert set(made.parents) == {one.listed.id for one in found.reused.parents}
    assert made.provenance and made.licence == "" and made.evaluations[0].score.accuracy.n == 15
    for one in store.rglob("*"):
        if one.is_file():
            one.unlink()
    content = package.load(tmp_path / "out")
    assert content.learnware == made and content.specification.record.count == 15
    answers = found.mine.said(predict.open_model(tmp_path / "out"))
    assert (answers.argmax(axis=1) == found.mine.labels).all()
    assert sum(line.startswith("→") for line in words.ways(found)) == 1


def test_where_nothing_helps_frozen_features_and_a_head_are_written(store, tmp_path, monkeypatch):
    photos = folder_of(tmp_path / "photos", ("p", "q", "r"), monkeypatch)
    found, made = reuse(photos, tmp_path / "out", store=store, progress=Silent())
    assert not found.helps and made.parents == ()
    assert words.verdict(found)[0].startswith("Nothing here helps: ")
    assert package.load(tmp_path / "out").learnware.builder == "frozen"


def test_an_empty_store_helps_nobody(photos, tmp_path):
    opening.create(str(tmp_path / "empty")).close()
    found = search(photos, store=tmp_path / "empty", progress=Silent())
    assert found.searched == 0 and words.verdict(found) == [
        "Nothing here helps: no learnware could be run on these pictures."
    ]


def test_a_folder_that_is_there_is_not_written_over(store, photos):
    with pytest.raises(UsageError, match="is there already; name a folder that is not with --out"):
        reuse(photos, photos, store=store, progress=Silent())


def test_what_lacks_is_said(photos, tmp_path, store, monkeypatch):
    with pytest.raises(StoreError, match="There is no store in "):
        search(photos, store=tmp_path / "nowhere", progress=Silent())
    with pytest.raises(DataError):
        search(tmp_path / "no-photos", store=store, progress=Silent())
    monkeypatch.setattr(space, "at_hand", lambda references, cache: None)
    with pytest.raises(MissingWeights, match="A search by pictures needs the weights of a pretrained base"):
        search(photos, store=store, progress=Silent())


def test_what_a_search_cannot_see_is_told(photos, tmp_path):
    made = opening.create(str(tmp_path / "some"))
    one = package_of(("a", "b", "c"))
    made.publish(package.made(one.learnware, one.tensors), "blind")
    made.close()
    said = words.lines(search(photos, store=tmp_path / "some", progress=Silent()))
    assert "Not searched: 1 learnware of pictures that is without a specification." in said


def test_fit_climbs_what_is_in_a_store(weights_home, finished_pictures, finished_run, tmp_path):
    place = tmp_path / "team"
    opening.create(str(place)).close()
    with starshift.Store(place) as team:
        team.publish(finished_run.path, name="shapes", licence="CC-BY-4.0")
    asked = {"rungs": "features,from-store", "store": place, "seed": 1, "out": tmp_path / "run", "protocol": "holdout"}
    run = starshift.fit(finished_pictures, **asked, progress=Silent())
    rung = next(one for one in run.record.rungs if one.name == "from-store")
    assert rung.status == "finished" and rung.verdict.against == "features"
    assert rung.details["searched"].endswith("run on the training pictures") and rung.details["store"] == str(place)
    assert f"--store {place}" in run.record.command
    assert "from-store" in (run.path / "report.html").read_text(encoding="utf-8")
    again = starshift.fit(finished_pictures, **asked, progress=Silent())
    assert again.record.rungs == run.record.rungs


def test_fit_says_where_there_is_no_store(finished_pictures, tmp_path):
    with pytest.raises(StoreError, match=r"There is no store in .*nowhere. Make one with `starshift store init`"):
        starshift.fit(finished_pictures, rungs="from-store", store=tmp_path / "nowhere", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_without_its_store(weights_home, finished_pictures, tmp_path, monkeypatch):
    place, out = tmp_path / "team", tmp_path / "run"
    opening.create(str(place)).close()
    starshift.fit(finished_pictures, rungs="from-store", store=place, out=out, protocol="holdout", progress=Silent())
    said = []
    monkeypatch.setattr(Silent, "say", lambda self, sentence: said.append(sentence))
    run = starshift.fit(finished_pictures, rungs="baseline", out=out, protocol="holdout", progress=Silent())
    assert [one.name for one in run.record.rungs] == ["baseline"]
    assert "Left out, since no store is named (--store): from-store. Its folder stays." in said
    assert (out / "rungs/from-store").is_dir()
