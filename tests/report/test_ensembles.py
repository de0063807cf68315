"""What the report says of an ensemble's members."""

from __future__ import annotations

from msgspec.structs import replace

from report.fake_costs import ENSEMBLE, costly_run
from starshift.report.ensembles import ensembles


def section(**changes):
    run = costly_run().run
    return ensembles(
        replace(run, rungs=(*run.rungs[:-1], replace(run.rungs[-1], ensemble=replace(ENSEMBLE, **changes))))
    )


def test_each_member_says_what_it_adds():
    (found,) = section()
    assert found["rung"] == "ensemble" and found["n"] == "1,000 validation pictures"
    first, second = found["rows"]
    assert (first["weight"], first["accuracy"], first["loss"], first["without"]) == (
        "60 %",
        "98.5 %",
        "0.0400",
        "0.0310",
    )
    assert (first["added"], first["bar"], first["harms"], first["models"]) == ("+0.0037", 100.0, False, "")
    assert (second["added"], second["bar"], second["harms"], second["models"]) == ("−0.0012", 32.4, True, "5 models")


def test_how_different_members_are():
    (found,) = section()
    assert [[cell["share"] for cell in row] for row in found["matrix"]] == [["", "27.1 %"], ["27.1 %", ""]]
    assert found["matrix"][0][1]["shade"] == 1
    (alike,) = section(disagreement=((0.0, 0.0), (0.0, 0.0)))
    assert alike["matrix"][0][1] == {"share": "0.0 %", "shade": 0.0}


def test_one_member_alone_is_compared_with_nothing():
    only = replace(ENSEMBLE.members[0], loss_without=None)
    (found,) = section(members=(only,), disagreement=((0.0,),))
    assert found["matrix"] is None and found["rows"][0]["without"] == "" and found["rows"][0]["bar"] == 0


def test_the_luck_that_it_removes():
    (found,) = section()
    assert [bar["x"] for bar in found["variance"]["bars"]] == [100.0, 20.0]
    assert [bar["figure"] for bar in found["variance"]["bars"]] == ["0.0009", "0.00018"]
    assert found["variance"]["says"] == (
        "An ensemble of 5 removes 80.0 % of the variance that one model's probability has."
    )
    assert "moves by about 3.0 %, from one such ensemble to the next by 1.3 %" in found["variance"]["spread"]
    (none,) = section(variance=None, no_variance="25 more heads would take about 40 s")
    assert none["variance"] is None
    assert none["no_variance"] == (
        "How much of an answer is luck was not measured: 25 more heads would take about 40 s."
    )
    (same,) = section(variance=replace(ENSEMBLE.variance, single=0.0, together=0.0))
    assert same["variance"]["says"] == "Ensembles of 5 vary no less here."
