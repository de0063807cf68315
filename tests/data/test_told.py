"""Labels as they were told → targets; what a label file or names say is tested there."""

from __future__ import annotations

import pytest

from starshift.data.kinds import Wanted
from starshift.data.layout import Layout
from starshift.data.told import Told, lay, present, too_much_alike
from starshift.records import Target

BREEDS = Target.of_classes(("boxer", "pug", "whippet"), "breed", "3 different values")


def told(*cells: str, part: str = "") -> list[Told]:
    return [Told(f"{i}.jpg", part, (cell,), i + 2) for i, cell in enumerate(cells)]  # type: ignore[arg-type]


def test_classes_without_pictures_are_taken_out_and_others_stay():
    left = present(BREEDS, ["pug", "boxer", "pug"])
    assert (left.classes, left.kind, left.how) == (("boxer", "pug"), "binary", "3 different values")
    assert present(BREEDS, ["pug"]) == BREEDS  # one class alone is none
    assert present(Target("age", "regression"), []) == Target("age", "regression")


def test_names_that_a_person_takes_for_one():
    assert too_much_alike(["Cat", "cat", "dog"]) == [
        "The classes 'Cat' and 'cat' differ only in capital letters; give them one name."
    ]
    assert "in how an accent is stored" in too_much_alike(["caf\u00e9", "cafe\u0301"])[0]
    assert too_much_alike(["cat", "cats"]) == []


@pytest.mark.parametrize(("kind", "what"), [(None, "class"), ("regression", "label")])
def test_who_has_no_leading_label_is_set_aside(kind, what):
    layout = Layout("label file")
    lay(layout, [Wanted("y", kind)], told("1", "2", "", "2"), "l.csv")
    assert [lost.reason for lost in layout.set_aside] == [f"Row 4 of l.csv gave it no {what}."]
    assert len(layout.labelled) == 3 and layout.remarks[0].startswith(
        "The target 'y' of l.csv is missing in 1 of 4 rows;"
    )


def test_problems_are_kept_for_all_to_be_said_together():
    layout = Layout("label file")
    both = [Told(f"{i}.jpg", "", ("a", "x"), i + 2) for i in range(3)]
    lay(layout, [Wanted("y"), Wanted("z", "regression")], both, "l.csv")
    assert [problem.split("'")[1] for problem in layout.problems] == ["y", "z"]
