from __future__ import annotations

from starshift.records import Dataset, Picture, Target


def picture(path: str, label: str, part: str = "") -> Picture:
    return Picture(path, label, part, path * 2, 4, 3, "PNG", "RGB", 100)


def test_targets_are_places_in_the_sorted_classes():
    data = Dataset("x", "class folders", (Target.of_classes(("a", "b")),), (picture("1", "b"), picture("2", "a")))
    assert data.encoded().tolist() == [1, 0]
    assert data.digests == ["11", "22"]
    assert data.given_parts == ()


def test_given_parts_come_in_the_order_of_their_use():
    data = Dataset(
        "x", "part folders", (Target.of_classes(("a",)),), (picture("1", "a", "test"), picture("2", "a", "train"))
    )
    assert data.given_parts == ("train", "test")
