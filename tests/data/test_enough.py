"""Whether pictures are enough where no class says how many; of classes, tests/data/test_read.py says it."""

from __future__ import annotations

from starshift.data.enough import lacks
from starshift.data.layout import Labelled, Layout
from starshift.records import Picture, Target


def ages(count: int, part: str = "", readable: int | None = None):
    layout = Layout("label file", targets=(Target("age", "regression"),))
    places = [Labelled(f"{i}.jpg", f"{i}.0", part) for i in range(count)]  # type: ignore[arg-type]
    pictures = [Picture(one.path, one.label, one.part, "", 9, 9, "PNG", "RGB", 9) for one in places[:readable]]
    return lacks(layout, places, pictures, 2)


def test_three_pictures_are_needed_one_for_each_part():
    assert ages(3) == []
    assert ages(5, readable=2) == [
        "There are 2 readable pictures with a label to learn from (3 cannot be read); at least 3 are needed."
    ]


def test_given_parts_need_one_to_train_on():
    assert ages(5, "train") == []
    assert ages(5, "test") == [
        "There is no train part with labelled pictures; name one folder 'train', or give no parts."
    ]
