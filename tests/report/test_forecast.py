"""A forecast in sentences, as rows, and as a page that opens offline."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from report.fake_run import HOSTILE_CLASSES, fake_run
from report.test_render import Page
from starshift.records import Estimate
from starshift.records.forecast import (
    FORECAST_SCHEMA,
    ClassOutlook,
    Forecast,
    ForecastOutcome,
    ForecastPoint,
    MeasuredSize,
    TargetForecast,
)
from starshift.report.forecast import chart, outcome_sentence, rows, sentences, view
from starshift.report.render import render
from starshift.report.view import view as report_view

SIZES = (100, 174, 303, 528, 919, 1600)


def point(pictures: int, accuracy: float) -> ForecastPoint:
    spread = 0.002 + 0.01 * pictures / 6400
    return ForecastPoint(
        pictures,
        accuracy,
        accuracy - spread,
        accuracy + spread,
        accuracy - 2 * spread,
        accuracy + 2 * spread,
        accuracy - 3 * spread,
        accuracy + 3 * spread,
        pictures // 3,
    )


def outlook(label: str, error: float, drop: float) -> ClassOutlook:
    return ClassOutlook(
        label,
        800,
        Estimate(error, error - 0.02, error + 0.02, 1000, "Wilson"),
        Estimate(drop, drop / 2, 2 * drop, 9, "b"),
    )


def fake_forecast(**changes) -> Forecast:
    curve = tuple(point(n, 1 - 0.6 * n**-0.3) for n in (*SIZES, 2200, 3200, 4600, 6400))
    return replace(
        Forecast(
            schema=FORECAST_SCHEMA,
            made="2026-11-22T10:11:12+00:00",
            run="photos",
            rung="features",
            classes=("cat", "dog"),
            recipe="ab" * 32,
            pictures=1600,
            tested=2133,
            rotated=True,
            sizes=tuple(
                MeasuredSize(
                    n, Estimate(1 - 0.6 * n**-0.3, 0.96 - 0.6 * n**-0.3, min(1, 1.01 - 0.6 * n**-0.3), 2133, "b"), 8
                )
                for n in SIZES
            ),
            doubling=Estimate(0.012, 0.008, 0.017, 2133, "bootstrap"),
            families={"power law": 0.6, "logarithm": 0.4},
            curve=curve,
            asked=(curve[-3], curve[-1]),
            outlook=(outlook("cat", 0.08, 0.002), outlook("dog", 0.05, 0.0005)),
        ),
        **changes,
    )


def test_the_sentences_say_what_is_meant():
    said = sentences(fake_forecast())
    assert said[0] == (
        "With 1,600 training pictures, as now, features is right for 93.4 % of 2,133 pictures (95 % interval 89.4 to "
        "94.4; each left out of training in turn)."
    )
    assert said[1].startswith("With 3,200, twice as many, its true accuracy is foretold to be 94.7 % (80 % interval 9")
    assert re.search(
        r"a new measurement on 1,066 fresh pictures will show 92\.\d to 96\.\d in 4 of 5 cases\.$", said[1]
    )
    assert said[2].startswith("With 6,400, 4 times as many")


def test_a_given_validation_part_is_named():
    assert (
        "(95 % interval 89.4 to 94.4; the validation part, whose pictures were in no training)"
        in sentences(fake_forecast(rotated=False))[0]
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ((0.95, 3900, 3000, 5200), "95.0 % takes about 3,900 training pictures (80 % interval 3,000 to 5,200)"),
        ((0.95, 3900, 3000, None), "(80 % interval 3,000 to more than 6,400)"),
        ((0.9, 1600, 1600, 1600), "A true accuracy of 90.0 % is reached with the 1,600 training pictures of now"),
        ((0.99, None, None, None), "99.0 % is not foretold for up to 6,400 training pictures, where it is 95.7 %"),
        ((0.96, None, 5000, None), "; the 80 % interval of their number begins at 5,000"),
    ],
)
def test_how_many_pictures_an_accuracy_takes(target, said):
    assert said in " ".join(sentences(fake_forecast(target=TargetForecast(*target))))


def test_the_class_to_collect_first_or_that_it_cannot_be_told():
    told = sentences(fake_forecast(collect_first="cat"))[-1]
    assert told == (
        "Collect pictures of cat first: 100 more of them are expected to lower the total error by 0.20 points (95 % "
        "interval 0.10 to 0.40), more than those of any other class."
    )
    untold = sentences(fake_forecast())[-1]
    assert untold.startswith("Which class to collect first cannot be told: the intervals")
    assert untold.endswith("Told wrong most often now: cat (8.0 %), dog (5.0 %).")


def test_a_refusal_stands_alone():
    refused = fake_forecast(refusal="Nothing can be foretold: it is flat.", curve=(), asked=(), outlook=(), families={})
    assert sentences(refused)[1:] == ["Nothing can be foretold: it is flat."]
    page = render({"language": "en", "title": "x", "forecast": view(refused)}, "forecast.html")
    assert "Nothing can be foretold." in Page(page).text
    assert "polygon class" not in page and "Class by class" not in page


@pytest.mark.parametrize(("came", "where"), [(0.936, "inside"), (0.9, "below"), (0.97, "above")])
def test_an_outcome_in_a_sentence(came, where):
    outcome = ForecastOutcome("2026-11-22T10:11:12Z", 1000, 4000, 0.941, 0.92, 0.96, came, 500, 0.92 <= came <= 0.96)
    assert outcome_sentence(outcome) == (
        "Foretold on 22 November 2026, 10:11 UTC from 1,000 training pictures: 94.1 % (92.0 to 96.0) at 4,000; it "
        f"came to {100 * came:.1f} % of 500 pictures: {where}."
    )


def test_the_table_has_now_and_what_was_asked():
    table = rows(fake_forecast())
    assert [row[0] for row in table] == ["1,600 (now)", "3,200 (twice)", "6,400 (4 times)"]
    assert table[1][4].endswith(" on 1,066")


def test_places_on_the_chart_stay_within_it_and_rise_to_the_right():
    drawn = chart(fake_forecast())
    assert [tick["label"] for tick in drawn["x_ticks"]] == ["100", "200", "400", "800", "1,600", "3,200", "6,400"]
    xs = [dot["x"] for dot in drawn["measured"]]
    assert xs[0] == 0 and xs == sorted(xs) and xs[-1] == drawn["now"]
    assert drawn["foretold"][-1]["x"] == 100 and drawn["foretold"][-1]["anchor"] == "end"
    places = [float(place) for one in drawn["band"].split() for place in one.split(",")]
    assert len(places) == 2 * 2 * 10 and all(0 <= place <= 100 for place in places)


def test_the_page_is_one_file_that_opens_offline():
    html = render(
        {"language": "en", "title": "Forecast", "forecast": view(fake_forecast(), earlier=2)}, "forecast.html"
    )
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags} and not page.attributes("src")
    assert "2 earlier forecasts of this run are kept in forecasts.jsonl." in page.text
    assert "With twice the training pictures: 94.7 %" in page.text
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


def test_names_of_classes_cannot_speak():
    classes = tuple(outlook(name, 0.1, 0.001) for name in HOSTILE_CLASSES)
    html = render(
        {
            "language": "en",
            "title": "x",
            "forecast": view(fake_forecast(outlook=classes, collect_first=HOSTILE_CLASSES[0])),
        },
        "forecast.html",
    )
    assert "<script>alert" not in html and "&lt;script&gt;" in html
    html.encode("utf-8")


def test_the_report_has_a_section_where_there_is_a_forecast():
    fake = fake_run()
    given = dict(histories=fake.histories, answers=fake.predictions, test=fake.test, thumbnail=fake.thumbnail)
    with_it = Page(render(report_view(fake.run, fake.dataset, **given, forecast=fake_forecast())))
    assert "forecast" in with_it.attributes("id") and (2, "With more pictures") in with_it.headings
    assert "forecast" not in Page(render(report_view(fake.run, fake.dataset, **given))).attributes("id")
