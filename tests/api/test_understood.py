from __future__ import annotations

from starshift.api.understood import label_risks_of
from starshift.ladder.climb import Planned
from starshift.ladder.rungs import Options, find
from starshift.records import Dataset, Picture


def planned(name: str, **changes) -> Planned:
    picture = Picture("", "0", "", "", 28, 28, "PNG", "L", 9)
    digits = Dataset("x", "class folders", tuple("0123456789"), (picture,) * 100)
    return Planned(find(name), find(name).recipe(Options(), digits), **changes)


def test_flips_of_digits_are_warned_about_once_and_only_for_what_is_climbed():
    digits = tuple("0123456789")
    [risk] = label_risks_of([planned("convnet"), planned("regularized"), planned("regularized:epochs=3")], digits)
    assert "'seeds'" in risk and "regularized:augment=digits" in risk
    assert label_risks_of([planned("regularized")], ("cats", "dogs")) == []
    assert label_risks_of([planned("regularized", reason="too long")], digits) == []
    assert label_risks_of([planned("regularized:augment=digits")], digits) == []
