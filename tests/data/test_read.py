"""read: every file accounted for, the second run decodes nothing, and what cannot be used is said at once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from msgspec import json

from bad_files import encoded, make_bad_files, picture
from starshift.data import read as module
from starshift.data.decode import Frame, decode
from starshift.data.kinds import Wanted
from starshift.data.read import LabelFile, read
from starshift.data.tables import Cells
from starshift.errors import DataError
from starshift.records import Dataset


@pytest.fixture
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def plant(root: Path, *paths: str) -> Path:
    """A different small JPEG at every path."""
    for seed, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(encoded(picture(size=(16, 12), seed=seed), "JPEG"))
    return root


def two_classes(root: Path, top: str = "", each: int = 2) -> Path:
    return plant(root, *(f"{top}{name}/{i}.jpg" for name in ("cat", "dog") for i in range(each)))


def problems(source: Path, cache: Path, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(source, cache=cache, **options)
    return "\n".join(caught.value.problems)


# --- bad files ---------------------------------------------------------------------------------------


def outcomes(dataset: Dataset) -> dict[str, str]:
    used = {one.path: "used" for one in dataset.pictures}
    aside = {lost.path: f"set aside: {lost.kind}" for lost in dataset.set_aside}
    assert not used.keys() & aside.keys()
    return used | aside


def packed(folder: Path, expected: dict[str, str], file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as target:
        for name, outcome in expected.items():
            if (folder / name).is_file() and not outcome.endswith("unreadable"):
                target.write(folder / name, name)
    return file


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_every_bad_file_is_accounted_for_exactly_once(tmp_path, cache, kind):
    folder = tmp_path / "photos"
    expected = make_bad_files(folder)
    assert len(expected) > 60
    source = folder
    if kind == "zip":
        source = packed(folder, expected, tmp_path / "photos.zip")
        inside = set(zipfile.ZipFile(source).namelist())
        expected = {name: outcome for name, outcome in expected.items() if name in inside}
    dataset = read(source, cache=cache).dataset
    found = outcomes(dataset)
    for name, outcome in expected.items():
        if not outcome.startswith("skipped"):
            assert found.pop(name).startswith(outcome), name
    assert not found
    skipped = [outcome.removeprefix("skipped: ") for outcome in expected.values() if "skipped" in outcome]
    assert dataset.skipped == {name: skipped.count(name) for name in sorted(set(skipped))}
    assert len(dataset.pictures) + len(dataset.set_aside) + sum(dataset.skipped.values()) == len(expected)
    assert all(lost.reason.endswith(".") for lost in dataset.set_aside)
    assert json.decode(json.encode(dataset), type=Dataset) == dataset


# --- pixels and cache --------------------------------------------------------------------------------


def test_the_second_run_decodes_nothing(tmp_path, cache, monkeypatch):
    source = two_classes(tmp_path)
    first = read(source, cache=cache)
    first.pixels(Frame(20))
    monkeypatch.setattr(module, "decode", lambda *_: pytest.fail("decoded again"))
    second = read(source, cache=cache)
    assert second.dataset == first.dataset
    assert second.pixels(Frame(20)).shape == (4, 20, 20, 3)


def test_pixels_are_those_of_the_pictures_in_their_order(tmp_path, cache):
    source = plant(tmp_path, "b/1.jpg", "b/2.jpg", "a/1.jpg", "a/2.jpg")
    (source / "a/copy.jpg").write_bytes((source / "b/1.jpg").read_bytes())
    pictures = read(source, cache=cache)
    steps: list[tuple[int, int]] = []
    rows = pictures.pixels(Frame(8, "crop"), progress=lambda *step: steps.append(step))
    assert steps == [(i, 4) for i in range(1, 5)]
    for picture_, row in zip(pictures.dataset.pictures, rows, strict=True):
        assert (row == decode(pictures.bytes(picture_.path), Frame(8, "crop"))[0]).all()


def test_files_that_changed_or_vanished_are_named(tmp_path, cache):
    source = two_classes(tmp_path, each=3)
    pictures = read(source, cache=cache)
    (source / "cat/0.jpg").unlink()
    (source / "dog/1.jpg").write_bytes((source / "dog/2.jpg").read_bytes())
    with pytest.raises(DataError, match=r"2 files changed or vanished .*: cat/0.jpg and dog/1.jpg\."):
        pictures.pixels(Frame(12))


def test_progress_counts_every_candidate(tmp_path, cache):
    steps: list[tuple[int, int]] = []
    read(two_classes(tmp_path), cache=cache, progress=lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_damage_in_the_cache_is_repaired_and_noted(tmp_path, cache):
    source = two_classes(tmp_path)
    read(source, cache=cache)
    for shard in cache.rglob("*.npy"):
        shard.write_bytes(b"")
    again = read(source, cache=cache)
    assert len(again.notes) == 1
    assert again.pixels(Frame(64)).shape[0] == 4


# --- layouts -----------------------------------------------------------------------------------------


def test_the_record_says_what_the_files_are(tmp_path, cache):
    dataset = read(two_classes(tmp_path), cache=cache).dataset
    one = dataset.pictures[0]
    assert (dataset.layout, dataset.classes, dataset.remarks) == ("class folders", ("cat", "dog"), ())
    assert (one.path, one.label, one.part, one.width, one.height) == ("cat/0.jpg", "cat", "", 16, 12)
    assert (one.format, one.mode, one.file_bytes) == ("JPEG", "RGB", (tmp_path / "cat/0.jpg").stat().st_size)


def test_wrong_and_missing_endings_are_remarked_on(tmp_path, cache):
    source = two_classes(tmp_path)
    (source / "cat/x.jpg").write_bytes(encoded(picture(seed=9), "PNG"))
    (source / "cat/y").write_bytes(encoded(picture(seed=8), "PNG"))
    wrong, without = read(source, cache=cache).dataset.remarks
    assert wrong == "1 file whose ending does not fit the content, used all the same: 'cat/x.jpg' is PNG."
    assert "without the ending of a picture format" in without
    assert "'cat/y'" in without


def test_a_zip_reads_like_its_folder(tmp_path, cache):
    folder = two_classes(tmp_path / "in", top="Photos/")
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as target:
        for file in sorted(folder.rglob("*.jpg")):
            target.write(file, file.relative_to(folder).as_posix())
    from_zip, from_folder = (read(tmp_path / name, cache=cache) for name in ("p.zip", "in"))
    assert from_zip.dataset.pictures == from_folder.dataset.pictures
    assert from_zip.dataset.remarks == ("Everything lies in the folder 'Photos'; reading from there.",)
    assert np.array_equal(from_zip.pixels(Frame(9)), from_folder.pixels(Frame(9)))


def test_parts_that_lack_classes(tmp_path, cache):
    source = two_classes(tmp_path, "train/")
    plant(source, "val/cat/a.jpg", "test/bird/b.jpg")
    assert problems(source, cache) == (
        "Class 'bird' is in the test part and not in the train part, so it cannot be learned. Add pictures "
        "of it to the train part, or remove it."
    )
    (source / "test/bird").rename(source / "test/dog")
    remarks = read(source, cache=cache).dataset.remarks
    assert remarks[0] == "The folder 'val' was taken as the validation part."
    assert remarks[1] == "The validation part has no picture of 'dog'; nothing can be said of it there."


def test_a_label_file_inside_the_source(tmp_path, cache):
    plant(tmp_path, *(f"images/{i}.jpg" for i in range(4)))
    (tmp_path / "labels.csv").write_text("id,breed\n0,a\n1,a\n2,b\n3,b\n")
    dataset = read(tmp_path, labels=LabelFile(Path("labels.csv")), cache=cache).dataset
    assert [one.label for one in dataset.pictures] == ["a", "a", "b", "b"]
    assert dataset.layout == "label file"
    assert dataset.skipped == {"tables": 1}
    assert "There is no label file 'other.csv'" in problems(tmp_path, cache, labels=LabelFile(Path("other.csv")))


def test_a_parquet_label_file_is_read_as_typed_cells(tmp_path, cache, monkeypatch):
    plant(tmp_path, *(f"{i}.jpg" for i in range(4)))
    file = tmp_path / "labels.parquet"
    file.write_bytes(b"PAR1")
    cells = {"id": ["0", "1", "2", "3"], "age": ["1.5", "", "2.5", "9.0"]}
    monkeypatch.setattr("starshift.data.read.read_cells", lambda path: Cells(path.name, cells, range(1, 5)))
    dataset = read(tmp_path, labels=LabelFile(file, "id", (Wanted("age", "regression"),)), cache=cache).dataset
    assert [one.label for one in dataset.pictures] == ["1.5", "2.5", "9.0"]
    assert dataset.set_aside[0].reason == "Row 2 of labels.parquet gave it no label."
    said = problems(tmp_path, cache, labels=LabelFile(Path("x.parquet")))
    assert "Parquet is not looked for inside the source" in said


def test_several_targets_of_a_label_file(tmp_path, cache):
    plant(tmp_path, *(f"{i}.jpg" for i in range(4)))
    (tmp_path / "gone.jpg").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("id,sex,age,race\n0,f,3.5,x\n1,f,,y\n2,m,5,x\n3,m,6,y\ngone,f,9,z\n")
    wanted = (Wanted("sex"), Wanted("age", "regression"), Wanted("race"))
    dataset = read(tmp_path, labels=LabelFile(Path("labels.csv"), "id", wanted), cache=cache).dataset
    assert dataset.further == {"age": ("3.5", "", "5.0", "6.0"), "race": ("x", "y", "x", "y")}
    assert [target.classes for target in dataset.targets] == [("f", "m"), (), ("x", "y")]  # z could not be read
    assert dataset.encoded(dataset.targets[2]).tolist() == [0, 1, 0, 1]


def test_what_cannot_be_a_target_stops_before_anything_is_decoded(tmp_path, cache, monkeypatch):
    plant(tmp_path, "0.jpg", "1.jpg", "2.jpg")
    monkeypatch.setattr(module, "decode", None)
    (tmp_path / "labels.csv").write_text("id,sex,age\n0,f,x\n1,f,3\n2,f,4\n")
    wanted = (Wanted("sex"), Wanted("age", "regression"))
    said = problems(tmp_path, cache, labels=LabelFile(Path("labels.csv"), "id", wanted))
    assert "The target 'sex' of labels.csv has one value, 'f'" in said
    assert "The target 'age' of labels.csv must hold numbers, and a cell is none (row 2: 'x')." in said


# --- what cannot be used -----------------------------------------------------------------------------


def test_no_source_and_no_pictures(tmp_path, cache):
    (tmp_path / "photos").mkdir()
    assert f"Did you mean '{tmp_path / 'photos'}'?" in problems(tmp_path / "fotos", cache)
    assert "holds no pictures" in problems(tmp_path / "photos", cache)
    (tmp_path / "photos/a.txt").write_text("")
    assert "text files (1)" in problems(tmp_path / "photos", cache)


def test_one_class(tmp_path, cache):
    plant(tmp_path, "a/cat/1.jpg", "b/cat/2.jpg")
    assert "only one class" not in problems(tmp_path, cache)  # a and b are classes, of one picture each
    plant(tmp_path / "only", "cat/1.jpg", "cat/2.jpg")
    assert "the folder 'cat', which would be the only class" in problems(tmp_path / "only", cache)


def test_every_lack_is_said_at_once(tmp_path, cache):
    source = two_classes(tmp_path)
    plant(source, "bird/1.jpg", "Cat/1.jpg", "Cat/2.jpg", "fish/1.jpg")
    (source / "empty").mkdir()
    (source / "fish/2.jpg").write_bytes(b"")
    said = problems(source, cache)
    assert "The classes 'Cat' and 'cat' differ only in capital letters; give them one name." in said
    assert "Class 'bird' has 1 readable picture; at least 2 are needed. Add pictures, or take the class out." in said
    assert "Class 'fish' has 1 readable picture (1 cannot be read); at least 2 are needed." in said
    assert "The class folder 'empty' holds no pictures. Add some, or remove the folder." in said
    assert "1 file could not be read (1 empty), such as 'fish/2.jpg': The file is empty" in said


def test_few_pictures_count_in_the_training_part(tmp_path, cache):
    source = two_classes(tmp_path, "train/")
    plant(source, "validation/cat/1.jpg", "validation/dog/1.jpg")
    assert len(read(source, cache=cache).dataset.pictures) == 6
    (source / "train/dog/1.jpg").unlink()
    assert "Class 'dog' has 1 readable picture in the train part;" in problems(source, cache)


def test_names_that_only_look_alike(tmp_path, cache):
    plant(tmp_path, *(f"{name}/{i}.jpg" for name in ("café", "cafe\u0301", "x", "x ") for i in "12"))
    said = problems(tmp_path, cache)
    assert said.count("look alike") == 2


def test_class_names_are_composed(tmp_path, cache):
    plant(tmp_path, "cafe\u0301/1.jpg", "cafe\u0301/2.jpg", "tea/1.jpg", "tea/2.jpg")
    assert read(tmp_path, cache=cache).dataset.classes == ("caf\u00e9", "tea")
