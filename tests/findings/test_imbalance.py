from __future__ import annotations

from starshift.findings.imbalance import findings
from starshift.records import Dataset, Picture


def data(**counts: int) -> Dataset:
    pictures = [
        Picture(f"{name}/{i}", name, "", f"{name}{i}", 4, 3, "PNG", "RGB", 9)
        for name, count in counts.items()
        for i in range(count)
    ]
    return Dataset("x", "class folders", tuple(sorted(counts)), tuple(pictures))


def test_even_classes_of_enough_pictures_have_no_finding():
    assert findings(data(cat=20, dog=59)) == []


def test_uneven_classes_are_named_with_their_numbers():
    (finding,) = findings(data(cat=20, dog=1260))
    assert finding.kind == "imbalance"
    assert finding.sentence == (
        "The classes are uneven: 'dog' has 1,260 pictures, 'cat' has 20. Look at balanced accuracy and the figures "
        "per class, not at accuracy alone."
    )


def test_small_classes_are_counted_and_the_first_are_named():
    (finding,) = findings(data(**{f"c{i}": 9 for i in range(7)}))
    assert (finding.kind, finding.severity) == ("few pictures", "warning")
    assert finding.sentence.startswith(
        "7 of 7 classes have fewer than 10 pictures: 'c0', 'c1', 'c2', 'c3', 'c4' and 2 more."
    )
