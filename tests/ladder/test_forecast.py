"""What follows from a curve, what is refused, and how earlier forecasts are held against what came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from frozen_run import frozen_run
from starshift.errors import RunError
from starshift.evaluation import forecast as curves
from starshift.evaluation.forecast import Measured
from starshift.ladder import forecast
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import Source, came, foretell, keep, latest, outcomes, read_forecasts
from starshift.ladder.learning_curve import head_of, measure
from starshift.progress import Silent
from starshift.records import Estimate
from starshift.records.forecast import ClassOutlook, Forecast


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forecast")


@pytest.fixture(scope="module")
def folder(place: Path) -> RunFolder:
    return frozen_run(place / "run", place / "cache")


@pytest.fixture(scope="module")
def made(folder: RunFolder, place: Path) -> Forecast:
    source = Source.find(folder)
    task = source.task(place / "cache", 0, Silent())
    measured = measure(task, head_of(source.learnware.arguments), Silent())
    return foretell(source, task, measured, target=0.93)


def curve(errors, *, pictures: int = 800, seed: int = 0) -> Measured:
    sizes = np.array([100, 174, 303, 528, 919, 1600])
    hard = np.random.default_rng(seed).random(pictures)
    wrong = np.repeat(hard[None] < np.array(errors)[:, None], 1, axis=0)[None]
    return Measured(sizes, wrong, np.arange(pictures) % 2, np.zeros(pictures, dtype=int))


def refusal(of: Measured) -> str:
    drawn = curves.total_errors(of, curves.class_errors(of, seed=0))
    return forecast.refusal(of, forecast.gain_per_doubling(of, drawn))


# ---- from a run folder ----------------------------------------------------------------------------


def test_the_curve_rises_and_is_carried_on(made):
    accuracies = [size.accuracy.value for size in made.sizes]
    assert [size.pictures for size in made.sizes] == [20, 29, 41, 59, 84, 120]
    assert accuracies[0] < 0.85 < accuracies[-1]
    assert [size.fits for size in made.sizes] == [8] * 5 + [4]
    assert made.refusal == "" and made.rotated and made.tested == 160
    assert [point.pictures for point in made.asked] == [240, 480]
    for point in made.asked:
        assert point.lowest <= point.low <= point.accuracy <= point.high <= point.highest
        assert point.measured_low <= point.low and point.high <= point.measured_high
    assert made.asked[0].accuracy > accuracies[-1]
    assert [point.tested for point in made.asked] == [80, 160], "a validation part of ours grows along"
    assert made.curve[0].pictures == 20 and made.curve[-1].pictures == 480


def test_how_many_pictures_an_accuracy_takes(made):
    assert made.target is not None and made.target.accuracy == 0.93
    if made.target.pictures is not None:
        assert 120 < made.target.pictures <= 480


def test_two_classes_of_one_kind_cannot_be_told_apart(made):
    assert {one.label for one in made.outlook} == {"cat", "dog"}
    assert made.outlook[0].drop.value >= made.outlook[1].drop.value
    assert made.collect_first == ""


def test_with_a_given_validation_part_nothing_changes_places(place):
    folder = frozen_run(place / "given", place / "cache", pictures=150, given=True)
    task = Source.find(folder).task(place / "cache", 0, Silent())
    assert not task.rotated and len(task.folds) == 1 and len(task.validation) == 30


def test_groups_and_exact_copies_stay_together(place):
    folder = frozen_run(place / "groups", place / "cache")
    dataset = folder.read_dataset()
    twin = replace(dataset.pictures[5], digest=dataset.pictures[0].digest)
    dataset = replace(dataset, examples=(*dataset.pictures[:5], twin, *dataset.pictures[6:]))
    splits = folder.read_splits()
    rows = {name: tuple(i for i, one in enumerate(splits.examples) if one.part == name) for name in ("train", "test")}
    held = tuple(i for i, one in enumerate(splits.examples) if one.part == "validation")
    from starshift.records import Split

    folder.write_dataset(dataset, Split(rows["train"], held, rows["test"], splits.how), [[7, 9], [9, 12]])
    task = Source.find(folder).task(place / "cache", 0, Silent())
    assert sorted(map(sorted, task.groups)) == [[0, 5], [7, 9, 12]]


def test_a_run_without_features_says_what_to_climb(place):
    folder = frozen_run(place / "none", place / "cache", builder="convnet")
    with pytest.raises(RunError, match=r"needs a finished rung with a linear head .* --rungs features --out"):
        Source.find(folder)


def test_features_that_are_nowhere_are_a_clear_error(folder, place):
    with pytest.raises(RunError, match=r"features of 200 of the 200 pictures are not in the cache .*no-such-source"):
        Source.find(folder).task(place / "empty", 0, Silent())


# ---- refusals -------------------------------------------------------------------------------------


def test_a_flat_curve_says_that_pictures_are_not_what_is_missing():
    said = refusal(curve([0.2, 0.17, 0.15, 0.15, 0.15, 0.15]))
    assert said.startswith("More pictures of this kind are not what is missing: from 303 to 1,600 training pictures")
    assert "+0.0 points per doubling (95 % interval" in said and "on 800 pictures" in said


def test_a_falling_curve_is_said_to_fall():
    assert refusal(curve([0.1, 0.12, 0.14, 0.17, 0.2, 0.24])).startswith("Accuracy falls as pictures are added")


def test_noise_is_not_called_flat():
    rng = np.random.default_rng(0)
    of = curve([0.3] * 6, pictures=40)
    wrong = rng.random(of.wrong.shape) < 0.3
    said = refusal(Measured(of.sizes, wrong, of.targets, of.folds))
    assert said.startswith("Nothing can be foretold, as the curve cannot be told from a flat one")


def test_without_a_mistake_there_is_nothing_to_better():
    assert "None of the 800 pictures tested is told wrong" in refusal(curve([0.1, 0.05, 0, 0, 0, 0]))


def test_a_curve_that_falls_is_carried_on():
    assert refusal(curve([0.4, 0.33, 0.27, 0.22, 0.18, 0.15])) == ""


def test_a_refused_forecast_says_nothing_else(folder, place):
    source = Source.find(folder)
    task = source.task(place / "cache", 0, Silent())
    refused = foretell(source, task, curve([0.2, 0.17, 0.15, 0.15, 0.15, 0.15]))
    assert refused.refusal and not refused.curve and not refused.asked and not refused.outlook


# ---- which class ----------------------------------------------------------------------------------


def outlook(label: str, value: float, low: float, high: float) -> ClassOutlook:
    return ClassOutlook(label, 100, Estimate(0.1, 0.05, 0.2, 50, "Wilson"), Estimate(value, low, high, 50, "bootstrap"))


def test_the_class_to_collect_first_stands_clear_of_the_others():
    clear = [outlook("cat", 0.02, 0.015, 0.03), outlook("dog", 0.005, -0.001, 0.01)]
    assert forecast.first_to_collect(clear) == "cat"
    assert forecast.first_to_collect([clear[0], outlook("dog", 0.01, 0.0, 0.016)]) == ""
    assert forecast.first_to_collect([outlook("cat", 0.001, -0.01, 0.02), outlook("dog", -0.1, -0.2, -0.05)]) == ""


# ---- earlier forecasts ----------------------------------------------------------------------------


def test_forecasts_are_kept_in_the_order_made(made, place):
    folder = RunFolder(place / "kept")
    folder.create()
    assert read_forecasts(folder) == []
    keep(folder, made)
    keep(folder, replace(made, pictures=130))
    assert read_forecasts(folder) == [made, replace(made, pictures=130)]
    (folder.path / "forecasts.jsonl").write_text('{"schema": "old"}\n')
    with pytest.raises(RunError, match=r"forecasts\.jsonl cannot be read"):
        read_forecasts(folder)


def held_against(made, **changes):
    given = dict(classes=made.classes, recipe=made.recipe, pictures=240, came=0.9, tested=200) | changes
    return outcomes([made], **given)


def test_what_came_is_held_against_what_was_foretold(made):
    point = made.asked[0]
    (found,) = held_against(made, came=point.accuracy)
    assert found.foretold == pytest.approx(point.accuracy) and found.inside
    assert found.low < point.low and point.high < found.high, "a measurement has its own luck"
    (missed,) = held_against(made, came=0.5)
    assert not missed.inside


def test_only_the_like_is_compared(made):
    assert held_against(made, recipe="another") == []
    assert held_against(made, classes=("cat", "wolf")) == []
    assert held_against(made, pictures=125) == [], "hardly more pictures than before"
    assert held_against(made, pictures=2000) == [], "beyond what was foretold"
    assert held_against(replace(made, curve=())) == []


def test_of_several_forecasts_from_one_number_the_latest_counts(made):
    later = replace(made, made="2027-01-01T00:00:00+00:00")
    fewer = replace(made, pictures=90)
    found = outcomes([made, fewer, later], made.classes, made.recipe, 240, 0.9, 100)
    assert [(one.pictures_then, one.made) for one in found] == [(90, made.made), (120, later.made)]


def test_a_fit_with_more_pictures_says_how_the_forecast_fared(made, place):
    more = frozen_run(place / "more", place / "cache", pictures=400)
    rungs = more.read_run().rungs
    assert came(more, rungs, 240) == []
    keep(more, made)
    (found,) = came(more, rungs, 240)
    assert (found.pictures_then, found.pictures, found.tested) == (120, 240, 40)
    assert came(more, [], 240) == []


def test_the_report_shows_a_forecast_only_while_it_is_about_these_pictures(made, folder, place):
    own = frozen_run(place / "own", place / "cache")
    keep(own, made)
    assert latest(own, own.read_run()) == made
    grown = frozen_run(place / "own", place / "cache", pictures=400)
    assert latest(grown, grown.read_run()) is None
