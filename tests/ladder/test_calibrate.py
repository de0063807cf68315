from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from answers import answers
from starshift.evaluation import protocol
from starshift.evaluation.calibration import scaled
from starshift.ladder.calibrate import (
    calibrate,
    in_words,
    is_calibrated_already,
    other_temperature,
    published,
    told,
    with_test,
)
from starshift.recipe import Recipe
from starshift.records import Predictions, RetrainRecord, RungRecord, Target
from starshift.records import TestRecord as Opening

CONVNET = Recipe("convnet", 150)
LINEAR = Recipe("frozen", 224, arguments={"bases": ("mobilenet_v2",)})


def predictions(n=240, *, temperature=2.5, seed=0):
    probabilities, targets = answers(n, 3, temperature=temperature, seed=seed)
    return Predictions(("a", "b", "c"), tuple(f"{i}.png" for i in range(n)), targets, probabilities)


def materials(n=240, groups=()):
    target = Target.of_classes(("a", "b", "c"))
    split = SimpleNamespace(validation=tuple(range(100, 100 + n)))
    return SimpleNamespace(seed=0, split=split, groups=groups, target=target, dataset=SimpleNamespace(noun="picture"))


def rung(name, **details):
    return RungRecord(name, "finished", "0" * 64, details=details)


def test_the_chosen_model_gets_its_temperature_and_validation_is_drawn_fold_by_fold():
    given = predictions()
    found = calibrate("convnet", CONVNET, given, materials())
    assert found.rung == "convnet"
    assert found.temperature.applied == pytest.approx(2.5, rel=0.3)
    assert [one.part for one in found.reliability] == ["validation"]
    flattering = scaled(given.probabilities, found.temperature.applied).max(axis=1).mean()
    assert found.reliability[0].confidence != pytest.approx(flattering, abs=1e-6)
    assert found.reliability[0].confidence == pytest.approx(flattering, abs=0.02)
    assert {one.part for one in found.thresholds} == {"validation"}


def test_without_a_temperature_the_predictions_are_looked_at_as_they_are():
    given = predictions(temperature=1.0)
    found = calibrate("features", LINEAR, given, materials())
    assert found.temperature.applied == 1
    assert found.reliability[0].confidence == pytest.approx(given.confidence.mean(), abs=1e-6)


def test_the_majority_and_a_part_without_folds_are_left_alone():
    assert calibrate("baseline", Recipe("majority", 1), predictions(), materials()) is None
    assert calibrate("convnet", CONVNET, predictions(1), materials(1)) is None
    together = materials(4, groups=[[3, 100, 101, 102, 103]])  # 3 is a training picture
    assert calibrate("convnet", CONVNET, predictions(4), together) is None


def test_a_linear_head_is_calibrated_by_inner_folds_already():
    assert is_calibrated_already(LINEAR)
    assert not is_calibrated_already(Recipe("frozen", 224, arguments={"bases": ("mobilenet_v2",), "head": "dense256"}))
    assert not is_calibrated_already(CONVNET)


def test_the_test_part_is_looked_at_beside_and_thresholds_stay():
    found = calibrate("convnet", CONVNET, predictions(), materials())
    temperature = found.temperature.applied
    raw = predictions(150, seed=1)
    shipped = Predictions(raw.classes, raw.paths, raw.targets, scaled(raw.probabilities, temperature))
    score = protocol.score(shipped, seed=0, noun="picture")
    test = Opening("convnet", "2026-11-22T00:00:00+00:00", "ab", score, False, temperature)
    both = with_test(found, test, shipped, seed=0)
    assert [one.part for one in both.reliability] == ["validation", "test"]
    assert both.reliability[1].confidence == pytest.approx(shipped.confidence.mean(), abs=1e-6)
    assert [one.threshold for one in both.thresholds] == [one.threshold for one in found.thresholds]
    assert {one.part for one in both.thresholds} == {"test"}
    assert both.temperature == found.temperature
    # an opening by a version without temperatures
    older = with_test(found, Opening("convnet", "", "ab", score), raw, seed=0)
    assert older.reliability[1].confidence == pytest.approx(both.reliability[1].confidence, abs=1e-5)


def test_only_the_chosen_rung_tells_of_a_temperature():
    found = calibrate("convnet", CONVNET, predictions(), materials())
    before = (rung("baseline"), rung("regularized", temperature="of an earlier call", base="x"), rung("convnet", a="b"))
    after = told(before, found)
    assert [one.details for one in after] == [{}, {"base": "x"}, {"a": "b", "temperature": in_words(found.temperature)}]
    assert told(after, None)[2].details == {"a": "b"}


def test_a_temperature_in_words():
    found = calibrate("convnet", CONVNET, predictions(), materials()).temperature
    assert in_words(found).startswith(f"{found.applied:g} (log loss ")
    assert "over 10 folds of the validation part" in in_words(found)
    plain = calibrate("features", LINEAR, predictions(temperature=1.0), materials())
    assert in_words(plain.temperature).startswith(f"none applied; {plain.temperature.fitted:g} was fitted")


def test_calibrating_again_gives_the_same():
    assert calibrate("convnet", CONVNET, predictions(), materials()) == calibrate(
        "convnet", CONVNET, predictions(), materials()
    )
    assert np.isfinite(calibrate("convnet", CONVNET, predictions(12), materials(12)).temperature.fitted)


def opened(rung="convnet", *, retrained=False, temperature=1.0):
    return Opening(rung, "", "ab", protocol.score(predictions(60), seed=0, noun="picture"), retrained, temperature)


def test_the_sealed_test_is_looked_at_where_it_was_opened_for_the_published_model():
    found = calibrate("convnet", CONVNET, predictions(), materials())
    folder = SimpleNamespace(read_test=lambda target: predictions(60, seed=1))
    again = RetrainRecord("convnet", "cd", 300, (), 1.0)
    parts = {
        "this": published(found, opened(), None, materials(), folder),
        "never": published(found, None, None, materials(), folder),
        "another rung": published(found, opened("features"), None, materials(), folder),
        "not yet trained again": published(found, opened(), again, materials(), folder),
        "trained again": published(found, opened(retrained=True), again, materials(), folder),
        "lost": published(found, opened(), None, materials(), SimpleNamespace(read_test=lambda target: None)),
    }
    assert {name: len(one.reliability) for name, one in parts.items()} == {
        "this": 2,
        "never": 1,
        "another rung": 1,
        "not yet trained again": 1,
        "trained again": 2,
        "lost": 1,
    }
    # the pictures that could set its thresholds are among those it was trained on
    assert [name for name, one in parts.items() if not one.thresholds] == ["not yet trained again", "trained again"]
    assert parts["trained again"].temperature == found.temperature
    assert published(None, opened(), None, materials(), folder) is None


def test_another_temperature_at_the_opening_is_said():
    found = calibrate("convnet", CONVNET, predictions(), materials())
    (note,) = other_temperature(found, opened())
    assert note.startswith("The test part was scored with a temperature of 1; the published model has ")
    assert other_temperature(found, opened(temperature=found.temperature.applied)) == []
    assert other_temperature(found, opened("features")) == other_temperature(None, opened()) == []
