from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from starshift.errors import RunError
from starshift.learnware import strict

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
ARRAYS = st.dictionaries(
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=9),
    st.sampled_from(
        [
            np.arange(6, dtype=np.float32).reshape(2, 3),
            np.zeros((0, 4), np.float16),
            np.array(3, np.int64),
            np.ones(5, np.uint8),
            np.array([True, False]),
        ]
    ),
    max_size=5,
)


@given(VALUES)
def test_json_is_read_as_python_reads_it(value):
    assert strict.parsed(json.dumps(value).encode(), "it") == value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_json_or_refused(content):
    try:
        found = strict.parsed(content, "it")
    except RunError:
        return
    assert found == json.loads(content)


def test_brackets_in_strings_are_not_deep():
    assert strict.parsed(json.dumps({"a": "[" * 1000 + '\\"' * 9}).encode(), "it") == {"a": "[" * 1000 + '\\"' * 9}


@given(ARRAYS)
def test_tensors_come_back_and_cannot_be_written_to(arrays):
    found, metadata = strict.tensors(save(arrays), "it")
    assert metadata == {} and found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape and found[name].flags.aligned


@settings(max_examples=300, deadline=None)
@given(ARRAYS, st.data())
def test_what_is_taken_of_damaged_tensors_the_library_reads_alike(arrays, data):
    content = bytearray(save(arrays))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found, _ = strict.tensors(bytes(content), "it")
    except RunError:
        return
    theirs = load(bytes(content))
    assert found.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(found[name], array)


def test_metadata_are_given():
    assert strict.tensors(save({}, metadata={"a": "b"}), "it") == ({}, {"a": "b"})


@pytest.mark.parametrize("shown", ["cat", "Käfer", "猫", "חתול\u200f", "👩\u200d🔬", "a b"])
def test_words_of_all_languages_are_shown(shown):
    assert strict.hidden_in(shown) == ""


@pytest.mark.parametrize(("hidden", "said"), [("a\nb", "U+000A"), ("\u202eb", "U+202E"), ("a\u2028", "U+2028")])
def test_what_is_not_to_be_seen_is_named(hidden, said):
    assert strict.hidden_in(hidden) == said


def test_lines_are_for_cards():
    assert strict.text(b"# a\n\tb\n", "it") == []
    assert strict.text(b"\x07", "it") == [
        "it contains the character U+0007, which is not to be seen or turns others around."
    ]
