from __future__ import annotations

from starshift.findings.duplicates import across_parts, exact_copies, findings
from starshift.records import Dataset, Picture


def data(*rows: tuple[str, str, str, str]) -> Dataset:
    """Rows of path, label, part, digest."""
    pictures = tuple(Picture(path, label, part, digest, 4, 3, "PNG", "RGB", 9) for path, label, part, digest in rows)
    return Dataset("x", "class folders", tuple(sorted({row[1] for row in rows})), pictures)


DIFFERENT = data(("a/1", "a", "", "1"), ("b/2", "b", "", "2"))
AGREEING = data(("a/1", "a", "", "1"), ("a/2", "a", "", "1"), ("a/3", "a", "", "1"), ("b/4", "b", "", "4"))
CONTRADICTORY = data(("a/1", "a", "", "1"), ("b/1", "b", "", "1"))
LEAKING = data(("train/a/1", "a", "train", "1"), ("train/b/1", "b", "train", "2"), ("test/a/9", "a", "test", "1"))


def test_pictures_that_differ_have_no_finding():
    assert exact_copies(DIFFERENT) == [] and findings(DIFFERENT) == []


def test_copies_are_grouped_as_places_in_the_data_set():
    assert exact_copies(AGREEING) == [[0, 1, 2]]


def test_copies_of_one_class_are_a_note_that_counts_the_surplus():
    (finding,) = findings(AGREEING)
    assert (finding.kind, finding.severity) == ("exact copies", "note")
    assert finding.sentence.startswith("2 files are exact copies of another picture of the same class.")
    assert finding.groups == (("a/1", "a/2", "a/3"),)


def test_copies_in_two_classes_are_a_warning():
    (finding,) = findings(CONTRADICTORY)
    assert (finding.kind, finding.severity) == ("contradictory copies", "warning")
    assert finding.sentence.startswith("1 picture stands in more than one class: the same bytes with different labels.")
    assert "drop the wrong ones" in finding.sentence


def test_copies_across_given_parts_are_a_leak():
    assert across_parts(LEAKING) == [[0, 2]]
    finding = findings(LEAKING)[-1]
    assert (finding.kind, finding.severity) == ("leak", "warning")
    assert finding.sentence.startswith("1 picture stands in more than one of the given parts (train, test).")
    assert finding.groups == (("train/a/1", "test/a/9"),)
