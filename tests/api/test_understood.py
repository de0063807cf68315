from __future__ import annotations

from starshift.api.understood import label_risks_of, summarize, understood
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.ladder.planning import Planned
from starshift.records import Dataset, Example, Picture, Target


def planned(name: str, **changes) -> Planned:
    picture = Picture("", "0", "", "", 28, 28, "PNG", "L", 9)
    digits = Dataset("x", "class folders", (Target.of_classes(tuple("0123456789")),), (picture,) * 100)
    return Planned(find(name), find(name).recipe(Options(), digits), **changes)


def test_flips_of_digits_are_warned_about_once_and_only_for_what_is_climbed():
    digits = tuple("0123456789")
    [risk] = label_risks_of([planned("convnet"), planned("regularized"), planned("regularized:epochs=3")], digits)
    assert "'seeds'" in risk and "regularized:augment=digits" in risk
    assert label_risks_of([planned("regularized")], ("cats", "dogs")) == []
    assert label_risks_of([planned("regularized", reason="too long")], digits) == []
    assert label_risks_of([planned("regularized:augment=digits")], digits) == []


def pictures(labels, *targets, further=None) -> Dataset:
    examples = tuple(
        Picture(f"{i}.png", label, "", f"{i:x}", 30, 20, "PNG", "RGB", 9) for i, label in enumerate(labels)
    )
    return Dataset("x", "label file", targets, examples, further=further or {})


def test_one_class_of_several_is_said_in_one_sentence():
    target = Target.of_classes(("cat", "dog"), "animal", "2 different values")
    assert understood(pictures(["cat", "dog", "cat"], target)) == [
        "3 pictures of 2 classes (cat 2, dog 1), by label file; median size 30 × 20 px; PNG (3)."
    ]


def test_numbers_that_were_taken_for_classes_are_said_with_the_way_to_say_otherwise():
    target = Target.of_classes(("1", "2", "3"), "stage", "3 different whole numbers from 1 to 3")
    assert understood(pictures(["1", "2", "3", "3"], target))[1] == (
        "Target stage: multi-class (3 different whole numbers from 1 to 3): 3 2, 1 1, 2 1. Say --target stage:KIND if "
        "it is something else."
    )


def test_every_target_is_said_with_its_kind_and_how_it_was_found():
    targets = (
        Target("age", "regression", (), "as given"),
        Target("tags", "multi-label", ("hat", "wig"), "cells hold several of 2 labels"),
    )
    dataset = pictures(["31.5", "20.0"], *targets, further={"tags": ("hat|wig", "hat")})
    assert understood(dataset) == [
        "2 pictures, by label file; median size 30 × 20 px; PNG (2).",
        "Target age: regression (as given), from 20 to 31.5.",
        "Target tags: multi-label (cells hold several of 2 labels): hat 2, wig 1. Say --target tags:KIND if it is "
        "something else.",
    ]


def test_rows_are_said_with_their_facts():
    rows = Dataset(
        "t.csv", "table", (Target("y", "regression", (), "as given"),), (Example("row 2", "1.0", "", "a"),),
        family="table", facts={"Numbers": "2 (a and b)"},
    )  # fmt: skip
    assert understood(rows)[0] == "1 row, by table; numbers: 2 (a and b)."
    summary = summarize(rows, None)
    assert (summary.family, summary.examples, summary.classes, summary.smallest) == ("table", 1, {}, (0, 0))
