"""recognize: where the class of a picture stands, by folders, parts and names."""

from __future__ import annotations

import pytest

from starshift.data.layout import Layout, labels_by_name, part_folders, recognize
from starshift.data.sources import parents
from starshift.errors import DataError


def layout(*paths: str, folders: tuple[str, ...] = (), tables: tuple[str, ...] = ()) -> Layout:
    above = {parent for path in paths for parent in parents(path)}
    return recognize(sorted(paths), sorted({*above, *folders}), tables)


def labelled(found: Layout) -> set[tuple[str, str]]:
    return {(place.part, place.label) for place in found.labelled}


def test_class_folders_and_what_lies_deeper_or_beside():
    found = layout("cat/1.jpg", "cat/old/2.jpg", "dog/3.jpg", "4.jpg")
    assert found.name == "class folders"
    assert labelled(found) == {("", "cat"), ("", "dog")}
    assert found.remarks == ["In folders inside a class folder, counted as that class: 1 picture."]
    assert [(lost.path, lost.kind) for lost in found.set_aside] == [("4.jpg", "unlabelled")]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("train", "train"), ("Training_Set", "train"), ("trainset", "train"), ("TRAINING", "train")),
        *(
            ("val", "validation"),
            ("valid", "validation"),
            ("validation-set", "validation"),
            ("dev", "validation"),
        ),
        *(("test", "test"), ("testing", "test"), ("Test Set", "test")),
    ],
)
def test_near_names_of_parts(name, part):
    other = "test" if part == "train" else "train"
    found = layout(f"{name}/cat/1.jpg", f"{other}/cat/2.jpg")
    assert found.name == "part folders"
    assert labelled(found) == {(part, "cat"), (other, "cat")}
    said = [f"The folder '{name}' was taken as the {part} part."] if name != part else []
    assert found.remarks == said


def test_one_part_name_among_classes_is_a_class():
    assert labelled(layout("train/1.jpg", "car/2.jpg")) == {("", "train"), ("", "car")}


def test_two_folders_for_one_part():
    with pytest.raises(DataError, match="'val' and 'validation' all look like the validation part"):
        layout("train/a/1.jpg", "val/a/1.jpg", "validation/a/1.jpg")


def test_pictures_beside_the_parts_and_wrapped_parts():
    found = layout("x/train/a/1.jpg", "x/test/a/1.jpg", "x/extra/2.jpg", "x/3.jpg")
    assert [lost.path for lost in found.set_aside] == ["x/extra/2.jpg", "x/3.jpg"] or [
        lost.path for lost in found.set_aside
    ] == ["x/3.jpg", "x/extra/2.jpg"]
    assert found.remarks == ["Everything lies in the folder 'x'; reading from there."]


def test_parts_with_the_class_in_the_file_names():
    found = layout(*(f"train/{name}.{i}.jpg" for name in ("cat", "dog") for i in range(3)), "test/1.jpg")
    assert labelled(found) == {("train", "cat"), ("train", "dog")}
    assert [lost.path for lost in found.set_aside] == ["test/1.jpg"]


def test_an_empty_class_folder_is_not_a_wrapper():
    found = layout("cat/1.jpg", folders=("dog", ".git", "__MACOSX"))
    assert found.folders == {("", "cat"): "cat/", ("", "dog"): "dog/"}


@pytest.mark.parametrize("shape", ["{}.{}.jpg", "{}_{}.png", "{}-{}.jpg", "{} ({}).jpg", "{} {}.jpg", "{}_{}"])
def test_classes_in_file_names(shape):
    paths = [shape.format(name, i) for name in ("golden_retriever", "猫") for i in range(3)]
    found = layout(*paths)
    assert found.name == "file names"
    assert {label for _, label in labelled(found)} == {
        "golden_retriever",
        "猫",
    }
    assert found.remarks == ["The class was taken from the file names: golden_retriever and 猫."]


def test_a_few_strangers_among_named_files_are_set_aside():
    paths = [f"{name}.{i}.jpg" for name in ("cat", "dog") for i in range(30)]
    found = layout(*paths, "readme.jpg")
    assert [(lost.path, lost.kind) for lost in found.set_aside] == [("readme.jpg", "unlabelled")]


@pytest.mark.parametrize(
    "paths",
    [
        [f"IMG_{i}.jpg" for i in range(9)] + [f"DSC-{i}.jpg" for i in range(9)],
        [f"{i}.jpg" for i in range(9)],
        [f"{chr(97 + i)}x_{i}.jpg" for i in range(9)],
        ["cat.1.jpg", "cat.2.jpg", "dog.1.jpg", "dog.2.jpg", "what.jpg", "else.jpg"],
    ],
    ids=["cameras", "numbers", "every file its own class", "too many strangers"],
)
def test_names_that_hold_no_class(paths):
    assert labels_by_name(paths) == {}
    with pytest.raises(DataError, match="hold no class"):
        layout(*paths)


def test_a_table_nearby_is_suggested():
    with pytest.raises(DataError, match=r"If 'labels.csv' holds the labels, add --labels labels.csv"):
        layout("images/1.jpg", "images/2.jpg", tables=("labels.csv",))


def test_part_folders_for_label_files():
    assert part_folders(["train", "val", "x"]) == (
        {"train/": "train", "val/": "validation"},
        ["The folder 'val' was taken as the validation part."],
    )
    assert part_folders(["train", "images"]) == ({}, [])
