"""What the climb does apart from fitting: planning, skipping, choosing; `api/test_fit` goes through it whole."""

from __future__ import annotations

import time

import msgspec
import pytest

from starshift.errors import StarshiftError
from starshift.ladder import climb as module
from starshift.ladder.climb import Climb, Planned, climb, score_of
from starshift.ladder.rungs import RUNGS
from starshift.progress import Silent
from starshift.recipe import Recipe
from starshift.records import RungRecord


class Materials:
    """Nothing but a voice."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.progress = Silent()
        self.progress.say = self.said.append


def planned(name: str, **changes) -> Planned:
    return Planned(RUNGS[name], Recipe(builder="convnet-28px", size=28), **changes)


def test_rungs_that_do_not_fit_are_skipped_with_both_durations_and_shorter_ones_still_climbed(monkeypatch):
    done = []

    def quick(one, best, state, materials, folder):
        done.append(one.rung.name)
        return RungRecord(name=one.rung.name, status="finished", key="")

    monkeypatch.setattr(module, "_climb_one", quick)
    materials, changes = Materials(), []
    state = climb(
        [planned("convnet", seconds=1e6), planned("baseline", seconds=1), planned("features", reason="no weights")],
        materials,
        None,
        deadline=time.monotonic() + 60.4,
        on_change=lambda state: changes.append(len(state.records)),
    )
    assert done == ["baseline"]
    convnet, _, features = state.records
    assert (convnet.status, convnet.predicted_seconds) == ("skipped", 1e6)
    assert convnet.reason == (
        "it would take about 1000000 s, and 60 s are left of the budget. Give it more with --budget."
    )
    assert (features.status, features.reason, features.predicted_seconds) == ("skipped", "no weights", None)
    assert materials.said == [f"convnet skipped: {convnet.reason}", "features skipped: no weights"]
    assert changes == [1, 2, 3]


def test_the_best_is_the_most_accurate_and_of_equals_the_one_with_the_lower_loss(finished_run):
    baseline, convnet = finished_run.record.rungs
    skipped = RungRecord(name="features", status="skipped", key="", reason="no weights")
    assert Climb().best is None
    assert Climb([skipped]).best is None
    assert Climb([convnet, baseline, skipped]).best is convnet
    surer = msgspec.structs.replace(
        convnet,
        name="surer",
        score=msgspec.structs.replace(
            convnet.score, log_loss=msgspec.structs.replace(convnet.score.log_loss, value=0.001)
        ),
    )
    assert Climb([convnet, surer]).best is surer


def test_a_skipped_rung_has_no_score(finished_run):
    with pytest.raises(StarshiftError, match=r"Rung 'features' has no score: it was skipped \(no weights\)"):
        score_of(RungRecord(name="features", status="skipped", key="", reason="no weights"))
    assert score_of(finished_run.record.rungs[0]).accuracy.n == 7
