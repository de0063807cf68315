"""What the report says of a model's probabilities."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from answers import answers
from report.fake_run import Fake, fake_run
from report.test_render import Page
from starshift.evaluation.calibration import check_temperature, folds_of, reliability, scaled
from starshift.evaluation.conformal import on_sealed_test, thresholds
from starshift.records import Calibration, Estimate
from starshift.report.calibration import calibration
from starshift.report.render import render


def calibrated(temperature: float = 2.5, n: int = 300, *, test: int = 0, classes: int = 2) -> Fake:
    """A fake run whose chosen rung was measured on `n` validation and `test` sealed pictures."""
    probabilities, targets = answers(n, classes, temperature=temperature)
    folds = folds_of(targets, seed=0)
    checked = check_temperature(probabilities, targets, folds, doubtful=False, seed=0, noun="picture")
    found = Calibration(
        "features",
        checked,
        (reliability(scaled(probabilities, checked.applied), targets, part="validation", seed=0),),
        thresholds(probabilities, targets, folds, temperature=checked.applied, noun="picture"),
    )
    if test:
        others, truth = answers(test, classes, temperature=temperature, seed=1)
        others = scaled(others, checked.applied)
        found = msgspec.structs.replace(
            found,
            reliability=(found.reliability[0], reliability(others, truth, part="test", seed=0)),
            thresholds=on_sealed_test(found.thresholds, others, truth),
        )
    return fake_run(test=bool(test)).with_run(calibration=found)


def section(fake: Fake) -> dict:
    view = calibration(fake.run)
    assert view is not None
    return view


def with_outcome(outcome: str, **changes) -> str:
    fake = calibrated(1.0)
    one = msgspec.structs.replace(fake.run.calibration.reliability[0], outcome=outcome, **changes)
    fake.with_run(calibration=msgspec.structs.replace(fake.run.calibration, reliability=(one,)))
    return section(fake)["panels"][0]["says"]


def test_runs_without_it_have_no_section():
    assert calibration(fake_run().run) is None
    fake = calibrated()
    assert calibration(fake.with_run(chosen="convnet").run) is None
    assert 'id="calibration"' not in render(fake_run().view())


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            "too sure",
            "Too sure, by 4.2 points: on average it is 95.2 % sure, and right for 91.0 % of 300 pictures (+4.2",
        ),
        ("not sure enough", "Not sure enough, by 4.2 points: on average"),
        ("as sure as right", "As sure as it is right, to within 5 points: on average"),
        ("uneven", "As sure as it is right on the whole (+4.2 points, 95 % interval +1.1 to +7.6), but not at every"),
        ("cannot be told", "Whether it is as sure as it is right cannot be told with 300 pictures: on average"),
    ],
)
def test_the_verdict_in_words(outcome, words):
    gap = Estimate(0.042, 0.011, 0.076, 300, "Wilson")
    said = with_outcome(outcome, confidence=0.952, accuracy=Estimate(0.91, 0.87, 0.94, 300, "Wilson"), gap=gap)
    assert said.startswith(words)
    assert "+4.2 points, 95 % interval +1.1 to +7.6" in said


def test_the_error_is_never_alone():
    said = section(calibrated())["panels"][0]["error"]
    assert said.startswith("Expected calibration error: ")
    assert "above 0 by chance alone" in said
    assert "99 of 100 of them less than" in said


def test_a_temperature_that_is_applied_says_how_it_was_fitted():
    said = section(calibrated())["temperature"]
    assert "divides its log probabilities by a temperature of 2." in said
    assert "less sure and changes no answer" in said
    assert "changes the log loss by \N{MINUS SIGN}0." in said
    assert "fitted on all 300 validation pictures" in said
    assert "more sure" in section(calibrated(0.3))["temperature"]


def test_a_temperature_that_is_not_applied_says_why():
    fake = calibrated()
    plain = msgspec.structs.replace(fake.run.calibration.temperature, applied=1.0)
    fake.with_run(calibration=msgspec.structs.replace(fake.run.calibration, temperature=plain))
    assert section(fake)["temperature"].startswith("No temperature is applied. One of 2.")


def test_both_losses_with_their_change_and_the_sealed_test():
    losses = section(calibrated(test=200))["losses"]
    assert [row["title"] for row in losses["rows"]] == ["Log loss", "Brier score"]
    assert [len(row["cells"]) for row in losses["rows"]] == [4, 4]
    assert losses["rows"][0]["cells"][2]["figure"].startswith("\N{MINUS SIGN}0.")
    assert losses["method"].startswith("bootstrap over pictures")
    assert [len(row["cells"]) for row in section(calibrated())["losses"]["rows"]] == [3, 3]


def test_an_older_test_record_has_no_brier_score():
    fake = calibrated(test=200)
    older = msgspec.structs.replace(fake.run.test, score=msgspec.structs.replace(fake.run.test.score, brier=None))
    assert section(fake.with_run(test=older))["losses"]["rows"][1]["cells"][3]["figure"] == "not measured"


def test_thresholds_with_what_they_cost_and_what_cannot_be_promised():
    answered, sets = section(calibrated(n=200))["promises"]
    assert (answered["kind"], sets["kind"]) == ("answers", "sets")
    assert "measured fold by fold on the 200 pictures of the validation part" in answered["measured"]
    assert [row["wanted"] for row in answered["rows"]] == ["90 %", "95 %", "99 %"]
    assert answered["rows"][2]["reason"] == (
        "Cannot be promised: it takes at least 299 pictures without a mistake, and 200 set it."
    )
    assert [len(row["cells"]) for row in sets["rows"]] == [3, 3, 3]
    assert "n = 200" in sets["rows"][0]["cells"][2]["interval"]
    tested, _ = section(calibrated(test=150))["promises"]
    assert "measured on the 150 pictures of the sealed test part" in tested["measured"]


def test_a_model_that_is_good_enough_always_answers():
    probabilities, targets = answers(300, 2, signal=4)
    fake = calibrated()
    always = thresholds(probabilities, targets, folds_of(targets, seed=0), temperature=1.0, noun="picture")
    fake.with_run(calibration=msgspec.structs.replace(fake.run.calibration, thresholds=always))
    assert section(fake)["promises"][0]["rows"][0]["threshold"] == "always answers"


def test_dots_whiskers_and_bands_lie_on_the_plot():
    for fake in (calibrated(classes=5, test=60), calibrated(n=20), calibrated(0.3, n=500)):
        for panel in section(fake)["panels"]:
            places = np.array([list(dot.values()) for dot in panel["dots"]])
            assert np.all((places >= 0) & (places <= 100))
            for dot in panel["dots"]:
                assert dot["high"] <= dot["y"] <= dot["low"]
                assert dot["band_high"] <= dot["band_low"]
            assert panel["ticks"][-1] == {"x": 100.0, "y": 0.0, "label": "100 %"}


def test_the_page_is_well_formed_and_has_the_section_after_the_confusion():
    for fake in (calibrated(test=100), calibrated(n=15), calibrated(classes=4)):
        page = Page(render(fake.view()))
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))
        assert set(" ".join(page.attributes("aria-labelledby")).split()) <= set(ids)
        sections = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
        assert sections[sections.index("confusion") + 1] == "calibration"
        for leak in ("None", "nan", "Estimate(", "True", "False"):
            assert leak not in page.text
        pictured = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
        assert all("aria-labelledby" in attrs for attrs in pictured)
