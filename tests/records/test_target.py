"""Targets of every kind: labels as arrays and back, what is missing, and what a split keeps in proportion."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.records import KINDS, Target
from starshift.records.target import join_labels, split_labels

CLASSES = Target.of_classes(("cat", "dog", "eel"))

TAGS = Target("tags", "multi-label", ("hat", "smile"))


def test_classes_are_places_and_minus_one_where_missing():
    encoded = CLASSES.encode(["dog", "", "cat"])
    assert encoded.dtype == np.int64 and encoded.tolist() == [1, -1, 0]
    assert CLASSES.known(encoded).tolist() == [True, False, True]
    assert (CLASSES.kind, Target.of_classes(("a", "b")).kind) == ("multi-class", "binary")


def test_numbers_are_exact_and_nan_where_missing():
    target = Target("age", "regression")
    encoded = target.encode(["31.5", "", repr(0.1)])
    assert encoded.dtype == np.float64 and encoded[0] == 31.5 and np.isnan(encoded[1]) and encoded[2] == 0.1
    assert target.known(encoded).tolist() == [True, False, True]
    assert target.is_number and Target("s", "share").is_number and not TAGS.is_number


def test_several_labels_are_a_row_of_0_and_1():
    encoded = TAGS.encode(["hat|smile", "|", "", "smile"])
    assert encoded.dtype == np.int8 and encoded.tolist() == [[1, 1], [0, 0], [-1, -1], [0, 1]]
    assert TAGS.known(encoded).tolist() == [True, True, False, True]


def test_strings_are_themselves():
    target = Target("digits", "string", ("0", "1"))
    encoded = target.encode(["01", "", "1"])
    assert encoded.dtype == object and encoded.tolist() == ["01", "", "1"]
    assert target.known(encoded).tolist() == [True, False, True]


def test_a_label_that_is_no_class_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        CLASSES.encode(["bird"])


@given(st.sets(st.text(st.characters(exclude_characters="|"), min_size=1)))
def test_labels_are_joined_and_split_again(names):
    joined = join_labels(names)
    assert joined and split_labels(joined) == sorted(names)


def test_a_split_keeps_classes_sets_of_labels_numbers_and_lengths_in_proportion():
    assert CLASSES.strata(["dog", "", "cat", "dog"]).tolist() == [2, 0, 1, 2]
    assert len(set(Target("y", "regression").strata([str(i) for i in range(200)]).tolist())) == 10
    assert np.bincount(Target("y", "regression").strata([str(i) for i in range(200)])).tolist() == [20] * 10
    assert Target("y", "regression").strata(["1", "1", ""]).tolist() == [1, 1, 0]
    assert Target("y", "string", ("a",)).strata(["a", "aa", "a", ""]).tolist() == [1, 2, 1, 0]
    # By the rarest label that applies: "smile" is rarer here.
    assert TAGS.strata(["hat", "hat|smile", "smile", "|", "hat"]).tolist() == [1, 2, 2, 0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_missing_labels_alone_are_one_stratum(kind):
    assert Target("y", kind, ("a",)).strata(["", ""]).tolist() == [0, 0]
    assert Target("y", kind, ("a",)).strata([]).tolist() == []


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.just(""), max_size=80))
def test_strata_of_any_numbers_count_from_0_without_a_gap(labels):
    strata = Target("y", "regression").strata(labels)
    assert sorted(set(strata.tolist())) == list(range(len(set(strata.tolist()))))


def test_a_target_survives_json():
    target = Target("tags", "multi-label", ("a", "b"), "as given")
    assert msgspec.json.decode(msgspec.json.encode(target), type=Target) == target
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"name": "a", "kind": "ordinal"}', type=Target)
