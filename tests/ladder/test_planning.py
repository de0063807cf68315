from __future__ import annotations

from ladder.test_climb import planned
from starshift.ladder import planning
from starshift.ladder.families import find
from starshift.ladder.planning import Planned
from starshift.recipe import Recipe


def test_the_baseline_comes_first_and_a_variant_after_its_rung_even_if_it_is_cheaper():
    variant = Planned(find("convnet:epochs=1"), Recipe(builder="convnet-28px", size=28), seconds=1)
    ordered = planning._ordered(
        [
            variant,
            planned("features", reason="no weights"),
            planned("modern", seconds=7),
            planned("convnet", seconds=5),
            planned("baseline", seconds=90),
        ]
    )
    assert [one.rung.name for one in ordered] == ["baseline", "convnet", "convnet:epochs=1", "modern", "features"]
