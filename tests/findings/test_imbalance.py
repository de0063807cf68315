from __future__ import annotations

from starshift.findings.imbalance import findings, is_uneven
from starshift.records import Dataset, Example, Picture, Target


def data(**counts: int) -> Dataset:
    pictures = [
        Picture(f"{name}/{i}", name, "", f"{name}{i}", 4, 3, "PNG", "RGB", 9)
        for name, count in counts.items()
        for i in range(count)
    ]
    return Dataset("x", "class folders", (Target.of_classes(tuple(sorted(counts))),), tuple(pictures))


def test_even_classes_of_enough_pictures_have_no_finding():
    assert findings(data(cat=20, dog=59)) == []


def test_uneven_classes_are_named_with_their_numbers():
    (finding,) = findings(data(cat=20, dog=1260))
    assert finding.kind == "imbalance"
    assert finding.sentence == (
        "The classes are uneven: 'dog' has 1,260 pictures, 'cat' has 20. Look at balanced accuracy and the figures "
        "per class, not at accuracy alone: balanced accuracy leads in the report and chooses the model. Where small "
        "classes matter as much as large ones, let them count as much, with variants such as features:balance=yes."
    )


def test_uneven_is_three_to_one():
    assert is_uneven({"cat": 20, "dog": 60}) and not is_uneven({"cat": 20, "dog": 59}) and not is_uneven({})


def test_classes_that_a_given_part_hardly_examines_are_named():
    def of(part: str, label: str, count: int) -> list[Picture]:
        return [
            Picture(f"{part}/{label}/{i}", label, part, f"{part}{label}{i}", 4, 3, "PNG", "RGB", 9)
            for i in range(count)
        ]

    pictures = [*of("train", "cat", 20), *of("train", "dog", 20), *of("test", "cat", 3), *of("test", "dog", 9)]
    (finding,) = findings(Dataset("x", "part folders", (Target.of_classes(("cat", "dog")),), tuple(pictures)))
    assert finding.sentence.startswith("The test part has fewer than 5 pictures of 1 of 2 classes: 'cat'.")
    assert finding.severity == "note"


def test_small_classes_are_counted_and_the_first_are_named():
    (finding,) = findings(data(**{f"c{i}": 9 for i in range(7)}))
    assert (finding.kind, finding.severity) == ("few pictures", "warning")
    assert finding.sentence.startswith(
        "7 of 7 classes have fewer than 10 pictures: 'c0', 'c1', 'c2', 'c3', 'c4' and 2 more."
    )


def test_of_other_families_the_finding_has_their_noun():
    rows = [Example(f"row {i}", "ab"[i % 2], "", str(i)) for i in range(8)]
    (finding,) = findings(Dataset("x.csv", "table", (Target.of_classes(("a", "b")),), tuple(rows), family="table"))
    assert finding.kind == "few rows" and "picture" not in finding.sentence
