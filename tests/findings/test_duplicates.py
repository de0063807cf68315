from __future__ import annotations

from starshift.findings.duplicates import across_parts, exact_copies, findings, groups, seen_in
from starshift.findings.near import Pair
from starshift.records import Dataset, Picture, Target


def data(*rows: tuple[str, str, str, str]) -> Dataset:
    """Rows of path, label, part, digest."""
    pictures = tuple(Picture(path, label, part, digest, 4, 3, "PNG", "RGB", 9) for path, label, part, digest in rows)
    return Dataset("x", "class folders", (Target.of_classes(tuple(sorted({row[1] for row in rows}))),), pictures)


def near(*pairs: tuple[int, int]) -> list[Pair]:
    return [Pair(first, second, 0.99, False) for first, second in pairs]


DIFFERENT = data(("a/1", "a", "", "1"), ("b/2", "b", "", "2"))
AGREEING = data(("a/1", "a", "", "1"), ("a/2", "a", "", "1"), ("a/3", "a", "", "1"), ("b/4", "b", "", "4"))
CONTRADICTORY = data(("a/1", "a", "", "1"), ("b/1", "b", "", "1"))
LEAKING = data(("train/a/1", "a", "train", "1"), ("train/b/1", "b", "train", "2"), ("test/a/9", "a", "test", "1"))
GIVEN = data(
    ("train/a/1", "a", "train", "1"),
    ("train/b/2", "b", "train", "2"),
    ("test/a/3", "a", "test", "3"),
    ("test/b/4", "b", "test", "4"),
)


def test_pictures_that_differ_have_no_finding():
    assert exact_copies(DIFFERENT) == [] and findings(DIFFERENT) == [] and groups(DIFFERENT, []) == []


def test_copies_are_grouped_as_places_in_the_data_set():
    assert exact_copies(AGREEING) == [[0, 1, 2]]


def test_near_copies_join_the_groups_of_exact_ones():
    assert groups(AGREEING, near((1, 3))) == [[0, 1, 2, 3]]
    assert groups(GIVEN, near((0, 2), (1, 3))) == [[0, 2], [1, 3]]


def test_copies_of_one_class_are_a_note_that_counts_the_surplus():
    (finding,) = findings(AGREEING)
    assert (finding.kind, finding.severity) == ("exact copies", "note")
    assert finding.sentence.startswith("2 pictures are exact copies of another one of the same class.")
    assert finding.groups == (("a/1", "a/2", "a/3"),)


def test_copies_in_two_classes_are_a_warning():
    (finding,) = findings(CONTRADICTORY)
    assert (finding.kind, finding.severity) == ("contradictory copies", "warning")
    assert finding.sentence.startswith(
        "1 picture stands in more than one class: the same content with different labels."
    )
    assert "drop the wrong ones" in finding.sentence


def test_copies_across_given_parts_are_a_leak():
    assert across_parts(LEAKING) == [[0, 2]]
    finding = findings(LEAKING)[-1]
    assert (finding.kind, finding.severity) == ("leak", "warning")
    assert finding.sentence.startswith("1 picture stands in more than one of the given parts (train, test).")
    assert finding.groups == (("train/a/1", "test/a/9"),)


def test_near_copies_of_one_class_are_a_note():
    twice = data(("a/1", "a", "", "1"), ("a/2", "a", "", "2"), ("b/3", "b", "", "3"))
    (finding,) = findings(twice, near((0, 1)))
    assert (finding.kind, finding.severity) == ("near copies", "note")
    assert finding.sentence.startswith("1 pair of pictures of one class shows the same picture: resized")
    assert finding.groups == (("a/1", "a/2"),)


def test_near_copies_of_two_classes_name_those_that_share_most():
    many = data(*[(f"{name}/{i}", name, "", f"{name}{i}") for name in ("a", "b", "c") for i in range(2)])
    (finding,) = findings(many, near((0, 2), (1, 3), (0, 4)))
    assert (finding.kind, finding.severity) == ("near copies in two classes", "warning")
    assert finding.sentence.startswith(
        "3 pairs of pictures of different classes show the same picture (2 of 'a' and 'b', 1 of 'a' and 'c'). At most"
    )


def test_near_copies_across_given_parts_are_a_warning():
    (finding,) = findings(GIVEN, near((0, 2)))
    assert (finding.kind, finding.severity) == ("near copies across parts", "warning")
    assert finding.sentence.startswith(
        "1 pair of pictures in different given parts shows the same picture (train, test)"
    )
    assert "accuracy is given with and without them" in finding.sentence
    assert finding.groups == (("train/a/1", "test/a/3"),)


def test_pictures_outside_training_are_seen_through_near_and_exact_copies():
    assert seen_in(GIVEN, near((0, 2)), [0, 1]) == {2}
    assert seen_in(GIVEN, near((2, 3)), [0, 1]) == frozenset()
    assert seen_in(LEAKING, [], [0, 1]) == {2}
    assert seen_in(LEAKING, near((1, 2)), [1]) == {0, 2}  # an exact copy of what is near to it
