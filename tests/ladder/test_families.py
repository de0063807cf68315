"""The ladders of all families, and rungs by their names."""

from __future__ import annotations

import pytest

from starshift.errors import UsageError
from starshift.ladder.families import LADDERS, find, select
from starshift.records import NOUNS


def test_every_family_has_a_ladder_that_begins_with_the_baseline():
    assert set(LADDERS) == set(NOUNS)
    for ladder in LADDERS.values():
        assert next(iter(ladder)) == "baseline" and len(ladder) > 1
        assert all(rung.name == rung.family == name for name, rung in ladder.items())


@pytest.mark.parametrize("family", LADDERS)
def test_all_rungs_are_climbed_where_none_is_named_in_the_ladders_order(family):
    assert [rung.name for rung in select([], family, store=True)] == list(LADDERS[family])
    assert select([], family) == [rung for rung in select([], family, store=True) if not rung.searches]
    last = list(LADDERS[family])[-1]
    assert [rung.name for rung in select([last], family)] == ["baseline", last]


def test_rungs_of_another_family_are_known_and_refused():
    for other, ladder in LADDERS.items():
        for name in set(ladder) - set(LADDERS["pictures"]):
            with pytest.raises(UsageError) as caught:
                find(name)
            assert f"Rung {name!r} is not known." in str(caught.value)
            assert f"It is a rung for {other}" in str(caught.value) or other in str(caught.value)
            assert str(caught.value).endswith("this is read as pictures.")


def test_every_unknown_name_is_said_with_a_near_one():
    with pytest.raises(UsageError) as caught:
        select(["convent", "featurs"])
    assert caught.value.problems == (
        "Rung 'convent' is not known. Did you mean 'convnet'?",
        "Rung 'featurs' is not known. Did you mean 'features'?",
    )
