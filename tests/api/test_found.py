"""starshift.api.found: what a search came to is said as people say it."""

from __future__ import annotations

from dataclasses import replace

from api.test_reuse import photos, store  # noqa: F401  fixtures
from starshift.api import found as words
from starshift.api.reuse import search
from starshift.learnware import reuse as ways
from starshift.progress import Silent


def test_a_row_has_a_cell_for_each_column(store, photos):  # noqa: F811
    found = search(photos, store=store, progress=Silent())
    [row] = words.rows(found, 1)
    assert len(row) == len(words.COLUMNS)
    assert row[1].startswith("Letters; CC-BY-4.0, ")


def test_what_was_refused_or_not_seen_is_told(store, photos):  # noqa: F811
    found = search(photos, store=store, progress=Silent())
    changed = replace(found, refused=("x:1.0.0 was not run: \u202eits members vote.",), unseen={"elsewhere": 2})
    lines = words.lines(changed)
    assert "Not searched: 2 learnwares of pictures that are elsewhere." in lines
    assert any(line.startswith("x:1.0.0 was not run: ") and "\u202e" not in line for line in lines)


def test_strangers_of_the_best_are_named(store, photos):  # noqa: F811
    found = search(photos, store=store, progress=Silent())
    pair = next(one for one in found.candidates if one.listed.title == "Two letters")
    assert "Outside what blocks:1.0.0 has seen: c." in words.lines(replace(found, candidates=(pair,)))


def test_the_verdict_has_three_forms(store, photos):  # noqa: F811
    found = search(photos, store=store, progress=Silent())
    direct = next(way for way in found.reused.ways if way.name == ways.DIRECT)
    own = next(way for way in found.reused.ways if way.name == ways.OWN)

    def said(**changes):
        return words.verdict(replace(found, reused=replace(found.reused, **changes)))[0]

    assert said(way=direct, gain=(0.2, 0.1, 0.3)).startswith(
        "The store helps: the best way is direct; against frozen features and a head, its log loss is 0.200 nats per "
        "picture lower (95 % interval +0.100 to +0.300); of accuracy, "
    )
    assert said(way=direct, gain=(0.1, -0.1, 0.3)).startswith("Nothing here surely helps: the best way is direct; ")
    assert said(way=own) == (
        "Nothing here helps: frozen features and a head on these pictures alone are as good as everything that was "
        "tried."
    )
