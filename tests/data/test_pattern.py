"""Patterns of file names: fields are columns, and what does not fit is told together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.data.kinds import Wanted
from starshift.data.pattern import by_pattern, column, parse
from starshift.errors import DataError, UsageError

FACES = "{age:int}_{gender}_{race}_*.jpg"

FILES = ["25_0_2_20170116.jpg", "31_1_0_20170117.jpg", "31_1_4_20170118.jpg", "7_0_1_20170119.jpg"]


def read(text: str, *targets: str, files=FILES, folders=()):
    return by_pattern(parse(text), [Wanted(name) for name in targets], files, folders)


def test_fields_are_columns():
    assert parse(FACES).fields == ("age", "gender", "race")
    assert parse(FACES).read("faces/25_0_2_20170116.jpg") == ("25", "0", "2")
    assert column(parse(FACES), FILES, "race", "--slice-by") == dict(zip(FILES, "2041", strict=True))


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{breed}_{n:int}.jpg", "golden_retriever_12.jpg", ("golden_retriever", "12")),
        ("{breed}_{n:int}.jpg", "golden_retriever_x.jpg", None),
        ("{length:float}cm.png", "-3.5cm.png", ("-3.5",)),
        ("{length:float}cm.png", ".5cm.png", (".5",)),
        ("{who}/{day:int}-?.jpg", "in/anna/12-b.jpg", ("anna", "12")),
        ("{who}/{day:int}-?.jpg", "in/anna/12-bb.jpg", None),
        ("{kind}.*", "a.b.jpg", ("a",)),
        ("{kind}.jpg", "a/b.jpg", ("b",)),
        ("x+({kind}).jpg", "x+(cat).jpg", ("cat",)),
        ("{name}.jpg", "cafe\u0301.jpg", ("caf\u00e9",)),
        ("{a:int}{b}.jpg", "12cm.jpg", ("12", "cm")),
    ],
)
def test_names_are_divided_as_a_person_would(pattern, path, fields):
    assert parse(pattern).read(path) == fields


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*.jpg", "it has no field such as {species}"),
        ("{a}_{a}.jpg", "the field 'a' stands in it twice"),
        ("{}_{b}.jpg", "{} has no name"),
        ("{a:integer}.jpg", "'integer' in {a:integer} is no type of field; int and float are. Did you mean 'int'?"),
        ("{a}{b}.jpg", "where {a} ends and {b} begins cannot be told; put a character between them"),
        ("{a}*.jpg", "where {a} ends and * begins cannot be told"),
        ("{a.jpg", "'{' stands alone; a field is written {name}"),
    ],
)
def test_patterns_that_cannot_be_used_say_why(pattern, words):
    with pytest.raises(UsageError) as caught:
        parse(pattern)
    assert words in str(caught.value) and repr(pattern) in str(caught.value)


def test_all_that_is_wrong_with_a_pattern_is_said_at_once():
    with pytest.raises(UsageError) as caught:
        parse("{a:number}{a}*")
    assert len(caught.value.problems) == 4


def test_targets_are_fields_with_kinds_of_their_own():
    found = by_pattern(parse(FACES), [Wanted("age", "regression"), Wanted("gender")], FILES, ())
    assert [(one.name, one.kind) for one in found.targets] == [("age", "regression"), ("gender", "binary")]
    assert [place.label for place in found.labelled] == ["25.0", "31.0", "31.0", "7.0"]
    assert found.further["gender"] == dict(zip(FILES, "0110", strict=True))
    assert found.problems == [] and found.set_aside == []


def test_one_field_needs_no_target_and_several_do():
    assert read("{kind}_*.jpg", files=["a_1.jpg", "b_1.jpg"]).targets[0].name == "kind"
    with pytest.raises(DataError, match=r"several fields. Name the one to be predicted with --target.*'age', 'gender'"):
        read(FACES)
    with pytest.raises(DataError, match=r"has no field 'gendr' \(--target\). Did you mean 'gender'"):
        read(FACES, "gendr")


def test_misfits_are_set_aside_and_told_together_with_how_far_the_first_fits():
    files = [*FILES, "39_1_2017.jpg", "61_3_2_x.JPG", "x_1_2_3.jpg"]
    found = read(FACES, "gender", files=files)
    assert [(lost.path, lost.kind) for lost in found.set_aside] == [(name, "misfit") for name in files[4:]]
    assert found.set_aside[1].reason == f"Its name does not fit {FACES!r}: only capital letters differ."
    assert found.set_aside[2].reason == f"Its name does not fit {FACES!r}: it does not begin with '{{age:int}}'."
    assert found.remarks == [
        f"3 file names of 7 do not fit the pattern {FACES!r}; the files are set aside: '39_1_2017.jpg', '61_3_2_x.JPG' "
        "and 'x_1_2_3.jpg'. Of '39_1_2017.jpg', it fits as far as '{age:int}_{gender}_{race}'; then '_' was expected, "
        "and '017.jpg' came."
    ]


def test_where_no_name_fits_nothing_is_read():
    with pytest.raises(DataError) as caught:
        read("{species}-{n:int}.png", "species")
    said = str(caught.value)
    assert said.startswith(
        "No file name fits the pattern '{species}-{n:int}.png'. The first is '25_0_2_20170116.jpg': "
    )
    assert "then '-' was expected" in said


def test_parts_come_from_the_folders():
    found = read("{kind}_*.jpg", files=["train/a_1.jpg", "test/b_1.jpg"], folders=["train", "test"])
    assert [place.part for place in found.labelled] == ["train", "test"]


def test_what_cannot_be_a_target_names_files_for_rows():
    names = [f"{i}_{i % 7}.jpg" for i in range(40)] + ["x_1.jpg"]
    found = by_pattern(parse("{age}_*.jpg"), [Wanted("age", "regression")], names, ())
    assert found.problems == [
        "The target 'age' of the file names must hold numbers, and a cell is none ('x_1.jpg': 'x'). Write them with a "
        "point, without unit or thousands mark, or empty them."
    ]


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=20), max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_pattern_is_read_or_refused(text, names):
    try:
        found = parse(text)
        by_pattern(found, [], names, ())
    except (UsageError, DataError) as error:
        problems = error.problems
    else:
        problems = ()
    assert all(problem.endswith((".", "?")) for problem in problems)
