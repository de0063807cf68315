from __future__ import annotations

import csv
import hashlib
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.data.overlay import COLUMNS, FILE, carry, lay, read_overlay
from starshift.errors import DataError
from starshift.records import Dataset, Picture, Split, Target

CLASSES = ("cat", "dog", "horse")


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def picture(name: str, label: str, part: str = "") -> Picture:
    return Picture(name, label, part, digest(name), 100, 80, "JPEG", "RGB", 9)  # type: ignore[arg-type]


def dataset(*pictures: Picture) -> Dataset:
    return Dataset("photos", "class folders", (Target.of_classes(CLASSES),), pictures, remarks=("read well",))


ANIMALS = dataset(*(picture(f"{label}{i}.jpg", label) for label in CLASSES for i in range(4)))


@pytest.fixture
def overlay(tmp_path):
    """Writes lines as a file and reads them."""

    def read(*lines: str, header: str = ",".join(COLUMNS), classes=CLASSES):
        file = tmp_path / FILE
        file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return read_overlay(file, classes)

    return read


@pytest.fixture
def refusal(overlay):
    def refuse(*lines: str, **settings) -> tuple[str, ...]:
        with pytest.raises(DataError) as caught:
            overlay(*lines, **settings)
        return caught.value.problems

    return refuse


def line(name: str, decision: str, label: str = "") -> str:
    return f"{name},{digest(name)},{decision},{label}"


# --- reading ---


def test_decisions_are_read_by_digest_with_who_and_when(overlay):
    found = overlay(
        f'"cat0.jpg",{digest("cat0.jpg").upper()},Relabel,dog,Ana,2026-11-22T06:00:00Z',
        f"cat1.jpg,{digest('cat1.jpg')},drop,,,",
        header="file,digest,decision,label,by,when",
    )
    first = found.decisions[digest("cat0.jpg")]
    assert (first.line, first.decision, first.label, first.by, first.when) == (
        2, "relabel", "dog", "Ana", "2026-11-22T06:00:00Z",
    )  # fmt: skip
    assert found.decisions[digest("cat1.jpg")].decision == "drop"
    assert found.name == FILE and len(found.digest) == 64 and found.remarks == ()


def test_every_problem_is_said_at_once_with_its_line(refusal):
    said = refusal(
        line("cat0.jpg", "relable", "dog"),
        line("cat1.jpg", "relabel", "dgo"),
        line("cat2.jpg", "relabel"),
        line("cat3.jpg", "keep", "cat"),
        "cat4.jpg,abc,drop,",
        line("dog0.jpg", "keep"),
        line("dog0.jpg", "drop"),
        line("dog1.jpg", "relabel", "zebra"),
    )
    assert said == (
        f"Line 2 of '{FILE}': 'relable' is no decision. Did you mean 'relabel'?",
        f"Line 3 of '{FILE}': there is no class 'dgo'. Did you mean 'dog'?",
        f"Line 4 of '{FILE}': relabel needs the new class in the column label.",
        f"Line 5 of '{FILE}': keep takes no label; 'cat' came. Leave the cell empty.",
        f"Line 6 of '{FILE}': a digest is the SHA-256 of a file, 64 hexadecimal digits; 'abc' came.",
        f"Line 9 of '{FILE}': there is no class 'zebra'. There are cat, dog and horse.",
        f"Lines 7 and 8 of '{FILE}' contradict each other on one picture (dog0.jpg): keep and drop. Leave one of them.",
    )


def test_two_labels_for_one_picture_contradict_each_other(refusal):
    (said,) = refusal(line("cat0.jpg", "relabel", "dog"), line("cat0.jpg", "relabel", "horse"))
    assert "relabel as 'dog' and relabel as 'horse'" in said


def test_the_same_said_twice_is_a_remark(overlay):
    found = overlay(line("cat0.jpg", "drop"), line("cat0.jpg", "drop"))
    assert len(found.decisions) == 1 and found.remarks == (f"{FILE} says the same twice in 1 line.",)


def test_a_missing_column_is_named(refusal):
    (said,) = refusal("a,drop", header="file,decision")
    assert said == (
        f"'{FILE}' has no column 'digest' and 'label'; an overlay has the columns file, digest, decision, label. "
        "Its columns: file, decision."
    )


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"The overlay '.*none\.csv' cannot be read: No such file"):
        read_overlay(tmp_path / "none.csv", CLASSES)


def test_what_a_spreadsheet_makes_of_it_is_read(tmp_path):
    file = tmp_path / "sheet.csv"
    file.write_bytes(f"\ufefffile;digest;decision;label\r\ncat0.jpg;{digest('cat0.jpg')};drop;\r\n".encode())
    assert read_overlay(file, CLASSES).decisions[digest("cat0.jpg")].decision == "drop"


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(max_size=8), st.text(max_size=8), st.sampled_from(["relabel", "drop", "keep", ""]), st.text()
        ),
        max_size=5,
    )
)
def test_whatever_is_in_the_file_is_read_or_refused_in_sentences(tmp_path_factory, rows):
    stream = StringIO(newline="")
    csv.writer(stream).writerows([COLUMNS, *rows])
    file = tmp_path_factory.mktemp("any") / FILE
    file.write_bytes(stream.getvalue().encode("utf-8", "surrogatepass"))
    problems: tuple[str, ...] = ()
    try:
        read_overlay(file, CLASSES)
    except DataError as error:
        problems = error.problems
    assert all(problem.endswith((".", "?")) for problem in problems)


# --- applying ---


def test_pictures_are_relabelled_dropped_and_kept_and_nothing_else_changes(overlay):
    found = lay(
        overlay(line("cat0.jpg", "relabel", "dog"), line("cat1.jpg", "drop"), line("dog0.jpg", "keep")),
        ANIMALS,
        min_per_class=2,
    )
    labels = {one.path: one.label for one in found.dataset.pictures}
    before = {one.path: one.label for one in ANIMALS.pictures}
    assert labels == {path: label for path, label in before.items() if path != "cat1.jpg"} | {"cat0.jpg": "dog"}
    assert found.rows == (0, *range(2, 12))
    assert [one.path for one in found.relabelled] == ["cat0.jpg"] and found.relabelled[0].label == "cat"
    assert [one.path for one in (*found.dropped, *found.kept)] == ["cat1.jpg", "dog0.jpg"]
    assert found.settled == {digest("cat0.jpg"), digest("dog0.jpg")}
    (aside,) = found.dataset.set_aside
    assert (aside.path, aside.kind, aside.reason) == ("cat1.jpg", "dropped", f"Line 3 of {FILE} drops it.")
    assert found.dataset.classes == CLASSES and found.dataset.remarks == ("read well",)


def test_a_renamed_picture_is_still_meant(overlay):
    found = lay(overlay(f"old name.jpg,{digest('cat0.jpg')},relabel,dog"), ANIMALS, min_per_class=2)
    assert found.dataset.pictures[0].label == "dog"


def test_copies_go_together_and_lines_without_effect_are_remarked_on(overlay):
    copied = dataset(*ANIMALS.pictures, picture("cat0.jpg", "horse"))
    found = lay(
        overlay(
            line("cat0.jpg", "relabel", "dog"), line("gone.jpg", "drop"), line("away.jpg", "keep"),
            line("dog1.jpg", "relabel", "dog"),
        ),
        copied,
        min_per_class=2,
    )  # fmt: skip
    assert [one.label for one in found.dataset.pictures if one.path == "cat0.jpg"] == ["dog", "dog"]
    assert len(found.relabelled) == 2
    assert found.dataset.remarks[1:] == (
        f"Lines 3 and 4 of {FILE} spoke of pictures that are not here: gone.jpg and away.jpg.",
        f"Line 2 of {FILE} spoke of more than one copy of a picture: cat0.jpg.",
        f"Line 5 of {FILE} spoke of labels that the pictures have already: dog1.jpg.",
    )


def test_a_class_must_keep_enough_to_learn_from(overlay):
    lines = [line("cat0.jpg", "drop"), line("cat1.jpg", "relabel", "dog"), line("cat2.jpg", "drop")]
    with pytest.raises(DataError) as caught:
        lay(overlay(*lines), ANIMALS, min_per_class=2)
    assert caught.value.problems == (
        f"With {FILE}, class 'cat' would have 1 picture to learn from; at least 2 are needed. Change its lines, or add "
        "pictures.",
    )


def test_every_picture_stays_in_its_part(overlay):
    decisions = overlay(line("cat0.jpg", "relabel", "dog"), line("dog0.jpg", "drop"))
    laid = lay(decisions, ANIMALS, min_per_class=2)
    split = Split((0, 1, 4, 5, 8, 9), (2, 6, 10), (3, 7, 11), "stratified 6:2:2, seed 0")
    carried = carry(split, laid, decisions)
    for part in ("train", "validation", "test"):
        paths = [laid.dataset.pictures[row].path for row in getattr(carried, part)]
        assert paths == [ANIMALS.pictures[row].path for row in getattr(split, part) if row != 4]
    assert carried.how == f"stratified 6:2:2, seed 0; made before {FILE} relabelled 1 and dropped 1"


def test_a_class_that_would_only_be_validated_is_refused(overlay):
    decisions = overlay(line("cat0.jpg", "relabel", "dog"), line("cat1.jpg", "relabel", "dog"))
    laid = lay(decisions, ANIMALS, min_per_class=2)
    split = Split((0, 1, 4, 5, 8, 9), (2, 3, 6, 7, 10, 11), (), "given")
    with pytest.raises(DataError, match="the training part has no picture of 'cat'"):
        carry(split, laid, decisions)


def test_the_documented_name_and_columns_are_those_of_the_page():
    script = (Path(__file__).parents[2] / "src/starshift/report/templates/review.js").read_text(encoding="utf-8")
    assert f'link.download = "{FILE}"' in script
    assert '["file", "digest", "decision", "label", "by", "when"]' in script


def test_labels_of_further_targets_stay_with_their_pictures(overlay):
    further = {"age": tuple(str(i) for i in range(len(ANIMALS.pictures)))}
    given = msgspec.structs.replace(ANIMALS, targets=(*ANIMALS.targets, Target("age", "regression")), further=further)
    gone = given.pictures[1]
    found = lay(overlay(f"{gone.path},{gone.digest},drop,"), given, min_per_class=2).dataset
    assert found.further["age"] == tuple(age for index, age in enumerate(further["age"]) if index != 1)


def test_where_no_class_is_predicted_pictures_may_be_dropped(overlay):
    ages = Dataset(
        "photos", "label file", (Target("age", "regression"),), tuple(picture(f"{i}", f"{i}.0") for i in range(5))
    )
    laid = lay(overlay(f"3,{digest('3')},drop,", classes=()), ages, min_per_class=2)
    assert len(laid.dataset.examples) == 4
    carried = carry(Split((0, 1, 2), (3,), (4,), "by hand"), laid, overlay(f"3,{digest('3')},drop,", classes=()))
    assert (carried.train, carried.validation, carried.test) == ((0, 1, 2), (), (3,))
