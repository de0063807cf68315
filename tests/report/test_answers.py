"""Reports on numbers, labels and strings, on further targets, and by the values of another column."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from report.fake_kinds import COUNT, TARGETS, fake_kind
from report.test_render import Page
from starshift import records
from starshift.evaluation.slices import slices
from starshift.records import Epoch, HeadRecord, NumberPredictions, StringPredictions, Target
from starshift.report import answers, heads
from starshift.report.figures import table
from starshift.report.render import render
from starshift.report.slices import sentences
from starshift.report.view import wanted

FAMILIES = ("pictures", "table", "texts", "sequences")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_every_family_has_a_page_that_calls_things_by_their_name(kind, family):
    page = Page(render(fake_kind(kind, family).view()))
    noun = {"pictures": "picture", "table": "row", "texts": "text", "sequences": "sequence"}[family]
    assert f"{COUNT} validation {noun}s" in page.text
    if family != "pictures":
        assert not re.search(r"\bpictures?\b", page.text, re.IGNORECASE), re.findall(r".{40}picture.{20}", page.text)


def test_numbers_are_drawn_against_the_truth():
    said = fake_kind("numbers").view()["said"]
    assert (said["kind"], said["target"], len(said["dots"]), said["drawn"]) == ("numbers", "price", COUNT, "")
    assert all(0 <= dot["x"] <= 100 and 0 <= dot["y"] <= 100 for dot in said["dots"])
    assert re.fullmatch(
        r"Half of the answers are off by at most 0\.\d+, 9 of 10 by at most [\d.]+; on average they are [\d.]+ too "
        r"(high|low)\.",
        said["says"],
    )
    assert len(said["errors"]["bars"]) == answers.BINS and max(one["height"] for one in said["errors"]["bars"]) == 100


def test_a_perfect_dot_lies_on_the_diagonal_and_the_worst_error_comes_first():
    given = NumberPredictions(("a", "b", "c"), np.array([0.0, 50, 100]), np.array([0.0, 90, 100]))
    drawn = answers.numbers(given)
    assert [(dot["x"], dot["y"]) for dot in drawn["dots"]] == [(0, 100), (50, 10), (100, 0)]
    assert answers.worst(given) == [1, 0, 2]


def test_of_very_many_numbers_some_are_drawn_and_that_is_said():
    many = NumberPredictions(tuple(map(str, range(5000))), np.arange(5000.0), np.arange(5000.0))
    assert answers.numbers(many)["drawn"] == "2,000 of them are drawn. "


def test_rows_have_a_table_and_pictures_have_cards():
    rows = fake_kind("numbers").view()["said"]["mistakes"]
    assert rows["cards"] == [] and len(rows["rows"]) == answers.SHOWN
    assert set(rows["rows"][0]) == {"path", "predicted", "true", "off"} and rows["rows"][0]["path"].startswith("row ")
    fake = fake_kind("numbers", "pictures")
    fake.thumbnail = lambda path: b"jpeg"
    cards = fake.view()["said"]["mistakes"]["cards"]
    assert cards[0]["uri"].startswith("data:image/jpeg;base64,") and cards[0]["small"]
    assert [card["path"] for card in cards] == wanted(fake.run, fake.predictions)


def test_labels_one_by_one():
    said = fake_kind("labels").view()["said"]
    assert [one["label"] for one in said["labels"]] == ["hat", "smile", "wig"]
    assert all(one["low"] <= one["x"] <= one["high"] for one in said["labels"])
    assert said["mistakes"]["rows"][0]["off"].endswith(" wrong")


def test_the_worst_readings_are_those_it_was_surest_of():
    given = StringPredictions(
        ("a", "b", "c"), np.array(["1", "2", "3"], object), np.array(["7", "2", ""], object), np.array([0.5, 1.0, 0.9])
    )
    assert answers.worst(given) == [2, 0]
    assert "misread" in render(fake_kind("strings", "pictures").view())


def test_of_a_table_of_classes_the_surest_mistakes_are_rows_and_of_texts_they_have_their_own_section():
    said = fake_kind("classes").view()["said"]
    assert said["kind"] == "classes" and said["mistakes"]["rows"][0]["off"].endswith(" % sure")
    assert fake_kind("classes", "texts").view()["said"] is None
    assert fake_kind("classes", "pictures").view()["said"] is None


def test_the_baseline_says_nothing_worth_showing():
    fake = fake_kind("numbers").with_run(chosen="baseline")
    assert fake.view()["said"] is None and wanted(fake.run, fake.predictions) == []


def test_the_headline_is_in_the_targets_own_unit():
    page = Page(render(fake_kind("numbers").view())).text
    assert (
        "The best model, dense, is off by 0." in page and f" in price, on average over {COUNT} validation rows." in page
    )
    assert "Mean absolute error" in page and "R²" in page and "paired t-test" in page.casefold()
    (row,) = [row for row in table(fake_kind("numbers").run) if row["chosen"]]
    assert row["metric"] == "mean absolute error" and row["accuracy"] == ""


def test_learning_curves_of_numbers_show_the_error_and_mark_its_lowest():
    fake = fake_kind("numbers")
    epochs = [
        Epoch(i, 1.0, 9.0 / i, 20.0 / i, 9.0 / i, 25.0 / i if i < 4 else 9.0, metric="mean absolute error")
        for i in range(1, 6)
    ]
    fake.histories = {"dense": epochs}
    shown = fake.view()["curves"][0]["panels"][0]
    assert shown["title"] == "Mean absolute error" and shown["best"]["epoch"] == 3
    assert shown["best"]["value"] == "8.33" and not any("%" in tick["label"] for tick in shown["y_ticks"])
    assert "training 4.00, validation 9.00." in shown["words"]


# --- further targets -----------------------------------------------------------------------------------


def with_heads():
    kind = Target.of_classes(("cheap", "dear"), "kind")
    fake = fake_kind("numbers", further=(kind,))
    other = fake_kind("classes")
    mine, theirs = (rung for rung in other.run.rungs)
    head = HeadRecord("kind", theirs.score, theirs.verdict)
    rungs = (
        msgspec.structs.replace(fake.run.rungs[0], heads=(HeadRecord("kind", mine.score),)),
        msgspec.structs.replace(fake.run.rungs[1], heads=(head,)),
    )
    return fake.with_run(rungs=rungs)


def test_every_further_target_has_a_section():
    fake = with_heads()
    (head,) = fake.view()["heads"]
    assert (head["target"], head["metric"], head["kind"]) == ("kind", "accuracy", "binary")
    assert [(row["rung"], row["chosen"]) for row in head["rows"]] == [("baseline", False), ("dense", True)]
    assert head["rows"][1]["verdict"].startswith("Against baseline, ")
    assert head["confusion"]["kind"] == "matrix" and len(head["classes"]) == 2
    page = Page(render(fake.view()))
    assert "Also predicted: kind" in page.text
    assert fake.view()["data"]["targets"] == [
        {"name": "price", "text": "regression, 60 different numbers from 1 to 99"},
        {"name": "kind", "text": "binary, 2 classes"},
    ]


def test_further_targets_are_told_on_a_terminal_in_one_sentence_each():
    run = with_heads().run
    leads, other = heads.sentences(run)
    assert leads == "These are figures of price, which leads."
    baseline, dense = other.split("; ")
    assert baseline.startswith("kind, accuracy: baseline ") and dense.startswith("dense ") and dense.endswith(").")
    dense = run.rungs[1]
    tested = records.TestRecord("dense", "2026-11-22T10:00:00Z", "ab" * 32, dense.score, heads=dense.heads)
    assert (
        heads.sentences(msgspec.structs.replace(run, test=tested))[1].split("; ")[2].startswith("on the sealed test ")
    )


def test_runs_of_one_target_have_no_such_section():
    assert fake_kind("numbers").view()["heads"] == []
    assert heads.sentences(fake_kind("numbers").run) == []


# --- by the values of another column -------------------------------------------------------------------


def with_slices(worse: float = 1.0):
    fake = fake_kind("numbers")
    given = fake.predictions["dense"]
    values = {path: "mn"[i % 2] for i, path in enumerate(given.paths)}
    skewed = np.where(np.arange(COUNT) % 2, given.values, given.targets + worse * (given.values - given.targets))
    found = slices(
        NumberPredictions(given.paths, given.targets, skewed),
        values,
        by="column:side",
        rung="dense",
        part="validation",
        balanced=False,
        seed=0,
        noun="row",
    )
    return fake.with_run(slices=(found,))


def test_figures_by_another_column_are_a_table_and_a_sentence():
    (shown,) = with_slices(20).view()["slices"]
    assert [row["value"] for row in shown["rows"]] == ["m", "n"]
    assert shown["columns"] == ["Mean absolute error", "Root mean squared error", "R²"]
    assert shown["says"].startswith("By side on the validation rows, mean absolute error of dense is unequal beyond")
    assert re.search(r" for n, [\d.]+ \([\d.]+ to [\d.]+, n = 30\) for m\.$", shown["says"])
    assert "By side: validation" in Page(render(with_slices(20).view())).text


def test_slices_that_touch_are_not_told_apart():
    run = with_slices().run
    assert sentences(run.slices, "table") == [
        "By side on the validation rows, mean absolute error of dense is not told apart between any two values: "
        "the intervals touch."
    ]
