"""What a whole run says of its model's probabilities, and that the published model keeps to it."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.learnware import package
from starshift.records import Predictions


@pytest.fixture(scope="module")
def calibration(finished_run):
    assert finished_run.record.chosen == "convnet"
    return finished_run.record.calibration


def test_the_run_is_measured_on_validation_and_on_the_sealed_test(finished_run, calibration):
    assert calibration.rung == "convnet"
    assert [one.part for one in calibration.reliability] == ["validation", "test"]
    assert {one.part for one in calibration.thresholds} == {"test"}
    chosen = next(rung for rung in finished_run.record.rungs if rung.name == "convnet")
    assert "temperature" in chosen.details
    assert chosen.score.brier.value > 0


def test_the_published_model_has_temperature_and_thresholds_and_the_rung_itself_has_none(finished_run, calibration):
    published, _ = package.read(finished_run.path / "model")
    assert published.temperature == calibration.temperature.applied == finished_run.record.test.temperature
    assert published.thresholds == calibration.thresholds
    assert package.read(finished_run.path / "rungs/convnet/model")[0].temperature == 1.0


def test_the_test_figures_are_of_the_published_model(finished_run, finished_pictures):
    test = Predictions.read(finished_run.path / "test.csv")
    found = finished_run.predict([finished_pictures / path for path in test.paths])
    said = np.array([[one.probabilities[name] for name in test.classes] for one in found])
    np.testing.assert_allclose(said, test.probabilities, atol=2e-3)


def test_stored_validation_predictions_are_without_temperature(finished_run, finished_pictures, calibration):
    stored = Predictions.read(finished_run.path / "rungs/convnet/validation.csv")
    found = finished_run.predict([finished_pictures / path for path in stored.paths])
    said = np.array([[one.probabilities[name] for name in stored.classes] for one in found])
    np.testing.assert_allclose(said, scaled(stored.probabilities, calibration.temperature.applied), atol=2e-3)


def test_too_few_pictures_promise_nothing(finished_run, finished_pictures):
    with pytest.raises(RunError, match="cannot promise that 95 of 100 answers are right"):
        finished_run.predict(finished_pictures, sure=0.95)


def test_the_report_has_the_section(finished_run):
    assert 'id="calibration"' in finished_run.report.read_text(encoding="utf-8")
