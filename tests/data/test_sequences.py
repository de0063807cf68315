"""Sequences from arrays and from long tables, and every kind of bad input with its words."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starshift.data.kinds import Wanted
from starshift.data.sequences import read_sequences, read_unlabelled
from starshift.errors import DataError
from starshift.records import SequenceContract

X = np.arange(24, dtype=np.float64).reshape(4, 3, 2)
Y = np.array(["up", "down", "up", "down"])


def save(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


def table(folder, text):
    (folder / "long.csv").write_text(text, encoding="utf-8")
    return folder / "long.csv"


def problems(source, *targets):
    with pytest.raises(DataError) as caught:
        read_sequences(source, [Wanted(*one) if isinstance(one, tuple) else Wanted(one) for one in targets])
    return caught.value.problems


def test_arrays_become_sequences(tmp_path):
    found = read_sequences(save(tmp_path, x=X, y=Y, subject=[1, 1, 2, 2], features=["speed", "height"]), [])
    assert found.values.dtype == np.float32 and found.values.shape == (4, 3, 2)
    assert found.lengths.tolist() == [3, 3, 3, 3]
    assert found.contract == SequenceContract(3, ("speed", "height"))
    dataset = found.dataset
    assert (dataset.family, dataset.noun, dataset.target.kind, dataset.classes) == (
        "sequences",
        "sequence",
        "binary",
        ("down", "up"),
    )
    assert [one.path for one in dataset.examples] == [f"sequence {i}" for i in range(4)]
    assert dataset.facts == {"Steps": "3", "Features": "2 (speed and height)"}
    assert found.column("subject") == ["1", "1", "2", "2"]
    with pytest.raises(
        DataError, match=r"nothing called 'subjects' with one value per sequence\. Did you mean 'subject'\?"
    ):
        found.column("subjects")


def test_one_feature_needs_no_axis_and_equal_values_have_equal_digests(tmp_path):
    x = X[..., 0].copy()
    x[3] = x[0]
    found = read_sequences(save(tmp_path, X=x, Y=Y), [])
    assert found.values.shape == (4, 3, 1) and found.features == ("0",)
    first, *_, last = (one.digest for one in found.dataset.examples)
    assert first == last and len(set(found.dataset.digests)) == 3


def test_lengths_say_what_is_padding(tmp_path):
    found = read_sequences(save(tmp_path, x=X, y=Y, lengths=[3, 2, 1, 3]), [])
    assert found.lengths.tolist() == [3, 2, 1, 3]
    assert found.values[2, 1:].tolist() == [[0, 0], [0, 0]]
    assert found.dataset.facts["Steps"] == "1 to 3, the median 2.5"
    assert "Shorter sequences are padded to 3 steps; networks pass over what is padding." in found.dataset.remarks


def test_missing_and_infinite_values_are_counted_and_said(tmp_path):
    x = X.copy()
    x[0, 0, 0], x[1, 2, 0], x[2, 1, 1] = np.nan, np.inf, -np.inf
    dataset = read_sequences(save(tmp_path, x=x, y=Y), []).dataset
    assert dataset.facts["Missing values"] == "3 of 24 (0 2 and 1 1)"
    assert "2 infinite values are treated as missing." in dataset.remarks


def test_marks_of_several_labels_are_a_multi_label_target(tmp_path):
    marks = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]])
    target = read_sequences(save(tmp_path, x=X, y=marks), []).dataset.target
    assert (target.kind, target.classes) == ("multi-label", ("y 0", "y 1", "y 2"))
    classes = read_sequences(save(tmp_path, x=X, y=np.eye(2)[[0, 1, 1, 0]]), []).dataset
    assert (classes.target.kind, classes.labels()) == ("binary", ["0", "1", "1", "0"])


def test_unlabelled_sequences_are_set_aside(tmp_path):
    found = read_sequences(save(tmp_path, x=X, y=[0.5, np.nan, 1.25, 7.5]), [])
    assert [one.path for one in found.dataset.set_aside] == ["sequence 1"]
    assert found.dataset.target.kind == "regression" and len(found.values) == 3


LONG = "id,time,speed,height,site,kind\n" + "".join(
    f"{name},{t},{t * 2},{t + place},{'north' if place else 'south'},{'fast' if place % 2 else 'slow'}\n"
    for t in (2, 0, 1)
    for place, name in enumerate("abcd")
    if (name, t) != ("b", 2)
)


def test_a_long_table_becomes_sequences_in_order_of_time(tmp_path):
    found = read_sequences(table(tmp_path, LONG), [Wanted("kind")])
    assert found.features == ("speed", "height") and found.lengths.tolist() == [3, 3, 3, 2]
    assert [one.path for one in found.dataset.examples] == ["a", "c", "d", "b"]
    assert found.values[0, :, 0].tolist() == [0, 2, 4] and found.values[3, :, 1].tolist() == [1, 2, 0]
    assert found.column("site") == ["south", "north", "north", "north"]
    assert "Left out, as they hold no numbers: 'site'." in found.dataset.remarks


def test_dates_order_too(tmp_path):
    text = "series,date,v,label\n" + "".join(
        f"{name},2024-01-{day:02d},{day},{name in 'ab'}\n" for name in "abcd" for day in (3, 1, 2)
    )
    assert read_sequences(table(tmp_path, text), []).values[0, :, 0].tolist() == [1, 2, 3]


def test_a_long_table_says_everything_that_is_wrong_at_once(tmp_path):
    rows = LONG.splitlines()
    rows[1] = rows[1].replace("slow", "quick")
    rows[2] = rows[2].replace(",4,", ",four,")
    rows.append("d,1,7,7,north,fast")
    said = problems(table(tmp_path, "\n".join(rows) + "\n"), "kind", "knid")
    assert said == (
        "In 'long.csv', one sequence has the same 'time' twice: rows 12 and 13.",
        "The target 'kind' of 'long.csv' must be the same in all rows of a sequence; it changes in row 5 ('a') and row "
        "9 ('a').",
        "The column 'speed' of 'long.csv' holds numbers and 1 cells that are none (row 3: 'four'). Mend or empty them; "
        "an empty cell is a missing value.",
        "'long.csv' has nothing called 'kind' with one value per sequence (--target). Known: site.",
        "'long.csv' has nothing called 'knid' with one value per sequence (--target). Known: site.",
    )


def test_a_long_table_needs_to_say_whose_and_when(tmp_path):
    said = problems(table(tmp_path, "who,when,v\na,1,2\n"))
    assert said[0].startswith("No column of 'long.csv' says which sequence a row is of; call it 'id' or 'sequence'")
    assert said[1].startswith("No column of 'long.csv' says when a row was; call it 'time' or 'timestamp'")
    said = problems(table(tmp_path, "id,time,v,y\na,1,2,1\n,soon,2,1\nb,2,3,0\n"))
    assert "The column 'id' of 'long.csv' is empty in row 3." in said
    assert any("must hold a number or a date in every row; row 3: 'soon'" in one for one in said)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"z": X, "y": Y}, "'set.npz' has no array 'x', which must hold numbers of the shape (sequences, steps,"),
        ({"x": X[0, 0], "y": Y}, "it is of type float64 and of the shape (2)."),
        ({"x": X.astype(str), "y": Y}, "must hold numbers of the shape"),
        ({"x": X.astype(complex), "y": Y}, "is of type complex128; numbers, truth values and words can be read."),
        ({"x": X, "y": Y[:3]}, "Say with --target what of 'set.npz' is to be predicted."),
        (
            {"x": X, "y": Y, "lengths": [3, 2, 0, 9]},
            "between 1 and the 3 steps of 'x'; sequence 2: 0 and sequence 3: 9.",
        ),
        ({"x": X, "y": Y, "lengths": [1.5] * 4}, "'lengths' of 'set.npz' must hold 4 whole numbers"),
        ({"x": X, "y": Y, "features": ["a", "a"]}, "must name each of the 2 features of 'x' once"),
        ({"x": X, "y": ["a", "a", "a", "b"]}, "Class 'b' of 'y' has 1 sequence (sequence 3); 2 are needed."),
        ({"x": X, "y": ["a"] * 4}, "has one value, 'a', wherever it is not empty: there is nothing to tell apart."),
    ],
)
def test_bad_arrays_are_refused_with_a_sentence(tmp_path, arrays, said):
    assert any(said in one for one in problems(save(tmp_path, **arrays)))


def test_python_objects_are_never_loaded(tmp_path):
    ragged = np.array([np.zeros(2), np.zeros(3)], dtype=object)
    [said] = problems(save(tmp_path, x=ragged, y=Y))
    assert said.startswith(
        "The array 'x' of 'set.npz' holds Python objects, which could run code and are never loaded."
    )


def test_strings_are_read_from_pictures_alone(tmp_path):
    assert any("is read from pictures" in one for one in problems(save(tmp_path, x=X, y=Y), ("y", "string")))


def test_files_that_are_no_npz(tmp_path):
    file = tmp_path / "set.npz"
    file.write_bytes(b"no zip at all")
    assert problems(file)[0].startswith("'set.npz' is no whole NPZ file")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "hello")
    assert problems(file)[0].startswith("'set.npz' is a zip without arrays")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"rubbish rubbish")
    assert problems(file)[0].startswith("The array 'x' of 'set.npz' is no array as NumPy writes it")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (10**9, 9), "fortran_order": False, "descr": "<f8"})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", header.getvalue() + b"12345678")
    assert "is cut off before its end" in problems(file)[0]
    assert problems(tmp_path / "none.npz")[0].startswith(f"'{tmp_path}/none.npz' cannot be read: No such file")
    assert problems(tmp_path / "none.csv")[0].startswith("There is no file")


def test_what_a_model_is_asked_about_is_brought_to_its_form(tmp_path):
    contract = SequenceContract(2, ("height", "speed"))
    found = read_unlabelled(save(tmp_path, x=X, features=["speed", "height"]), contract)
    assert found.values[0].tolist() == [[1, 0], [3, 2]] and found.lengths.tolist() == [2, 2, 2, 2]
    assert found.dataset.remarks == ("4 sequences were cut to the model's 2 steps.",)
    padded = read_unlabelled(save(tmp_path, x=X), SequenceContract(5, ("speed", "height")))
    assert padded.values.shape == (4, 5, 2) and padded.lengths.tolist() == [3] * 4
    long = read_unlabelled(table(tmp_path, LONG), contract)
    assert long.features == ("height", "speed")
    with pytest.raises(DataError, match=r"has 2 features; the model takes 3: a, b and c\."):
        read_unlabelled(save(tmp_path, x=X), SequenceContract(3, ("a", "b", "c")))
    with pytest.raises(DataError, match=r"lacks the feature 'heigt', which the model takes\. Did you mean 'height'\?"):
        read_unlabelled(table(tmp_path, LONG), SequenceContract(3, ("heigt", "speed")))


@given(st.binary(max_size=300))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_bytes_come_there_is_a_sentence(tmp_path, content):
    (tmp_path / "any.npz").write_bytes(content)
    with pytest.raises(DataError):
        read_sequences(tmp_path / "any.npz", [])
    with zipfile.ZipFile(tmp_path / "any.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError):
        read_sequences(tmp_path / "any.npz", [])
