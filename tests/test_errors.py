from __future__ import annotations

import inspect

import pytest

from starshift import errors
from starshift.errors import StarshiftError, UnreadablePicture

FAMILY = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, StarshiftError)]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_the_family_stands_in_the_modules_docstring(kind):
    assert kind.__name__ in errors.__doc__


def test_one_sentence_is_one_problem():
    error = StarshiftError("One sentence.")
    assert error.problems == ("One sentence.",) and str(error) == "One sentence."


def test_all_problems_are_kept_and_said_on_lines_of_their_own():
    error = errors.UsageError(["One.", "Two."])
    assert error.problems == ("One.", "Two.") and str(error) == "One.\nTwo."


def test_an_unreadable_picture_has_a_kind_beside_its_sentence():
    error = UnreadablePicture("truncated", "It ends too early.")
    assert (error.kind, str(error)) == ("truncated", "It ends too early.")
    assert isinstance(error, errors.DataError)
