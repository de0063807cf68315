"""Policies: checked when made, in words, and warned about where they could change a label."""

from __future__ import annotations

import msgspec
import pytest

from starshift.augmentation import POLICIES, Augmentation, amounts, label_risks, title
from starshift.errors import UsageError

DIGITS = [str(digit) for digit in range(10)]
FLIP, TURN = Augmentation(flip=True), Augmentation(rotation=40)


def test_the_seeds_policy_has_the_amounts_of_their_generator():
    assert POLICIES["seeds"] == Augmentation(rotation=40, shift=0.2, shear=0.2, zoom=0.2, flip=True, fill="nearest")


def test_all_problems_are_said_at_once_with_what_was_expected_and_what_came():
    with pytest.raises(UsageError) as caught:
        Augmentation(rotation=200, crop=0, mixup=-1, fill="nearst", zoom=float("nan"), flip="yes", noise="loud")
    assert list(caught.value.problems) == [
        "rotation must be a number from 0 to 180; it is 200.",
        "zoom must be a number from 0 to 0.9; it is nan.",
        "crop must be a number from 0.01 to 1; it is 0.",
        "noise must be a number from 0 to 255; it is 'loud'.",
        "mixup must be a number from 0 to 10; it is -1.",
        "fill must be nearest, reflect or black; it is 'nearst'.",
        "flip must be True or False; it is 'yes'.",
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"aspect": 1.5}, "aspect 1.5 is of crops, and nothing is cropped away; give crop below 1, such as 0.5."),
        ({"magnitude": 0.9}, "magnitude 0.9 is of RandAugment's operations; give operations, such as 2."),
        ({"operations": 1.5}, "operations must be a whole number; it is 1.5."),
    ],
)
def test_what_would_be_ignored_is_refused(given, sentence):
    with pytest.raises(UsageError) as caught:
        Augmentation(**given)
    assert list(caught.value.problems) == [sentence]


def test_a_policy_survives_json():
    for policy in POLICIES.values():
        assert msgspec.json.decode(msgspec.json.encode(policy), type=Augmentation) == policy


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        *((policy, name) for name, policy in POLICIES.items()),
        (msgspec.structs.replace(POLICIES["crops"], mixup=0.2), "crops with mixup 0.2"),
        (msgspec.structs.replace(POLICIES["seeds"], flip=False), "seeds with no flip"),
        (msgspec.structs.replace(POLICIES["seeds"], fill="black"), "seeds with fill black"),
        (Augmentation(rotation=10, erase=0.5), "none with rotation 10, erase 0.5"),
    ],
)
def test_a_policy_is_called_by_the_nearest_name_and_what_differs(policy, said):
    assert title(policy) == said


def test_amounts_are_said_in_words():
    assert amounts(POLICIES["seeds"]) == [
        "turned by up to 40°",
        "shifted by up to 20 % of the side",
        "sheared by up to 0.2°",
        "zoomed by up to 20 % on each axis",
        "left and right exchanged half of the time",
        "edges filled with the nearest pixels",
    ]
    assert amounts(POLICIES["none"]) == []
    assert amounts(POLICIES["randaugment"])[1:] == [
        "2 operations of RandAugment at magnitude 0.5",
        "edges filled with the picture's reflection",
    ]


def test_every_amount_has_its_words():
    plain = Augmentation()
    changed = {"flip": True, "flip_vertical": True, "crop": 0.5, "operations": 2}
    for field in plain.__struct_fields__:
        if field not in ("aspect", "fill", "magnitude"):  # which act through another
            assert amounts(msgspec.structs.replace(plain, **{field: changed.get(field, 0.25)})), field
    assert "crops stretched by up to 50 %" in amounts(Augmentation(crop=0.5, aspect=1.5))


# ---- labels at risk -------------------------------------------------------------------------------


def test_a_warning_names_the_policy_its_amounts_the_classes_and_what_to_do():
    assert label_risks(POLICIES["seeds"], DIGITS) == [
        "Augmentation policy 'seeds' (left and right exchanged half of the time, turned by up to 40°) may make a "
        "picture of one class look like another ('6' and '9', '2' and '5'). Take the policy 'digits', or test which "
        "one helps: climb 'regularized' and 'regularized:augment=digits' and compare them."
    ]


@pytest.mark.parametrize(
    ("policy", "classes", "named"),
    [
        (FLIP, ["b", "d", "o"], "'b' and 'd'"),
        (FLIP, ["digit 6", "digit 9"], "'digit 6' and 'digit 9'"),
        (TURN, ["six", "nine", "plus"], "'six' and 'nine'"),
        (FLIP, list("ABCDE"), "'A', 'B', 'C'"),
        (FLIP, ["一", "二", "三", "四", "五"], "'一', '二', '三'"),
        (FLIP, ["turn_left", "turn_right", "stop"], "'turn_left' and 'turn_right'"),
        (FLIP, ["TurnLeft", "TurnRight"], "'TurnLeft' and 'TurnRight'"),
        (FLIP, ["L", "R"], "'L' and 'R'"),
        (FLIP, ["左", "右"], "'左' and '右'"),
        (TURN, ["arrow up", "arrow down"], "'arrow up' and 'arrow down'"),
        (TURN, ["north", "south", "east", "west"], "'east' and 'west', 'north' and 'south'"),
        (Augmentation(flip_vertical=True), ["facing north", "facing south"], "'facing north' and 'facing south'"),
        (Augmentation(operations=2, magnitude=1.0), ["6", "9"], "turned by up to 30°"),
    ],
)
def test_classes_that_look_like_signs_or_directions_are_warned_about(policy, classes, named):
    (sentence,) = label_risks(policy, classes)
    assert named in sentence


@pytest.mark.parametrize(
    ("policy", "classes"),
    [
        (POLICIES["seeds"], ["cat", "dog"]),
        (POLICIES["seeds"], ["0", "1"]),  # numbers of something
        (POLICIES["seeds"], ["A", "B", "C"]),  # grades
        (POLICIES["seeds"], ["class 6", "class 9"]),
        (POLICIES["seeds"], ["right whale", "left-handed", "northern pike"]),
        (POLICIES["seeds"], ["car_side", "cup", "stop_sign", "yin_yang", "Faces_easy"]),
        (POLICIES["seeds"], ["6", "7"]),
        (POLICIES["digits"], DIGITS),
        (POLICIES["none"], ["left", "right"]),
        (FLIP, ["up", "down"]),
        (Augmentation(flip_vertical=True), ["left", "right"]),
        (Augmentation(rotation=20), ["b", "d"]),
        (POLICIES["seeds"], []),
    ],
)
def test_others_are_not(policy, classes):
    assert label_risks(policy, classes) == []


def test_no_class_of_the_data_at_hand_is_warned_about(shared):
    names = sorted(folder.name for folder in (shared / "data/caltech-101").iterdir())
    assert label_risks(msgspec.structs.replace(POLICIES["seeds"], flip_vertical=True, rotation=180), names) == []
