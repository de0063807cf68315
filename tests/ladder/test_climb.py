"""What the climb does apart from fitting: planning, skipping, choosing; `api/test_fit` goes through it whole."""

from __future__ import annotations

import time

import msgspec
import pytest

from starshift.errors import StarshiftError, TrainingDiverged
from starshift.ladder import climb as module
from starshift.ladder.climb import Climb, climb, score_of
from starshift.ladder.families import find
from starshift.ladder.folder import RunFolder
from starshift.ladder.planning import Planned
from starshift.ladder.rungs import RUNGS
from starshift.progress import Silent
from starshift.recipe import Recipe
from starshift.records import Dataset, RungRecord, Target


class Materials:
    """Nothing but a voice."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.progress = Silent()
        self.progress.say = self.said.append
        self.dataset = Dataset("x", "class folders", (Target.of_classes(()),), ())
        self.target = self.dataset.target


def planned(name: str, **changes) -> Planned:
    return Planned(RUNGS[name], Recipe(builder="convnet-28px", size=28), **changes)


def test_rungs_that_do_not_fit_are_skipped_with_both_durations_and_shorter_ones_still_climbed(monkeypatch):
    done = []

    def quick(one, state, materials, folder):
        done.append(one.rung.name)
        return RungRecord(name=one.rung.name, status="finished", key="")

    monkeypatch.setattr(module, "_climb_or_give_up", quick)
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


def test_of_uneven_classes_the_best_has_the_highest_balanced_accuracy(finished_run):
    _, convnet = finished_run.record.rungs

    def with_figures(name: str, accuracy: float, balanced: float) -> RungRecord:
        figure = convnet.score.accuracy
        score = msgspec.structs.replace(
            convnet.score,
            accuracy=msgspec.structs.replace(figure, value=accuracy),
            balanced_accuracy=msgspec.structs.replace(figure, value=balanced),
        )
        return msgspec.structs.replace(convnet, name=name, score=score)

    careless, fair = with_figures("careless", 0.95, 0.5), with_figures("fair", 0.9, 0.8)
    assert Climb([careless, fair]).best is careless
    assert Climb([careless, fair], uneven=True).best is fair


def test_a_skipped_rung_has_no_score(finished_run):
    with pytest.raises(StarshiftError, match=r"Rung 'features' has no score: it was skipped \(no weights\)"):
        score_of(RungRecord(name="features", status="skipped", key="", reason="no weights"))
    assert score_of(finished_run.record.rungs[0]).accuracy.n == 7


def test_a_training_that_never_went_well_is_one_rung_lost_and_not_the_run(monkeypatch, tmp_path):
    def diverge(one, best, state, materials, folder):
        if one.rung.name == "convnet":
            raise TrainingDiverged("The loss became nan in epoch 1.")
        return RungRecord(name=one.rung.name, status="finished", key="")

    monkeypatch.setattr(module, "_climb_one", diverge)
    materials = Materials()
    state = climb(
        [planned("baseline"), planned("convnet", key="k", seconds=1), planned("regularized", seconds=1)],
        materials,
        RunFolder(tmp_path),
        deadline=time.monotonic() + 60,
        on_change=lambda state: None,
    )
    assert [(record.name, record.status) for record in state.records] == [
        ("baseline", "finished"),
        ("convnet", "skipped"),
        ("regularized", "finished"),
    ]
    assert state.records[1].reason == "The loss became nan in epoch 1."
    assert materials.said == ["convnet skipped: The loss became nan in epoch 1."]


def test_a_variant_is_compared_with_its_own_rung_and_without_it_with_the_best(finished_run):
    baseline, convnet = finished_run.record.rungs
    variant = find("convnet:dropout=0.5")
    assert module.rival(variant, Climb([convnet])) is convnet
    better = msgspec.structs.replace(convnet, name="features")
    worse = msgspec.structs.replace(baseline, name="convnet")
    assert module.rival(variant, Climb([better, worse])) is worse
    assert module.rival(find("regularized"), Climb([better, worse])) is better
    assert module.rival(variant, Climb([better])) is better
    assert module.rival(variant, Climb()) is None
