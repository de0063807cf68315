"""Names, versions and ids, whatever is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.errors import UsageError
from starshift.learnware.store import names, registry

VERSIONS = st.builds("{}.{}.{}".format, *[st.integers(0, 999_999)] * 3)


@given(st.text(max_size=90))
def test_a_suggested_name_is_a_name(text):
    if guess := names.suggest(text):
        assert names.check(guess) == guess
    assert names.suggest(guess) == guess


@given(st.text(max_size=90) | st.from_regex(names.NAME, fullmatch=True))
def test_a_name_is_one_or_a_sentence_says_why_not(text):
    try:
        name = names.check(text)
    except UsageError:
        with pytest.raises(UsageError, match="A name in a store has small letters"):
            names.check(text)
    else:
        assert name == text and name.isascii() and name == name.lower() and not set(name) & set("/\\: \n")
        assert registry.address(f"oci://example.org/{name}:1.0.0").repository == name


@given(st.text(max_size=90))
def test_a_reference_is_one_or_a_sentence(text):
    try:
        found = names.reference(text)
    except UsageError:
        return
    assert str(found) == text


@given(st.from_regex(names.NAME, fullmatch=True).filter(lambda name: len(name) <= names.LONGEST), VERSIONS)
def test_what_is_written_is_read(name, version):
    assert names.reference(f"{name}:{version}") == names.Reference(name, version)


@given(VERSIONS, VERSIONS)
def test_versions_are_compared_as_numbers(one, other):
    numbers = [[int(part) for part in version.split(".")] for version in (one, other)]
    assert (names.numbers(one) < names.numbers(other)) == (numbers[0] < numbers[1])


@pytest.mark.parametrize("wrong", ["cats:", "cats:1", "cats:1.0", "cats:latest", "cats:1.0.0.0", "cats:1.0.0\n"])
def test_versions_are_three_numbers(wrong):
    with pytest.raises(UsageError, match=r"three numbers, as in cats:1\.0\.0"):
        names.reference(wrong)


def test_the_beginning_of_an_id_has_8_digits():
    assert names.reference("abcdef01").may_be_id and not names.reference("abcdef0").may_be_id
    assert not names.reference("abcdef01:1.0.0").may_be_id


def test_a_title_becomes_a_name():
    assert names.suggest("MobileNetV2 frozen for cat, dog (Über)") == "mobilenetv2-frozen-for-cat-dog-uber"
    assert names.suggest("猫と犬") == ""
