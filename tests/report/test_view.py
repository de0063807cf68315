"""What the report says, and which pictures and figures it chooses."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest

from report.fake_run import CALTECH, HOSTILE_CLASSES, Fake, fake_history, fake_run, score, skipped
from starshift.records import Epoch, Estimate, Finding, Predictions
from starshift.report import charts, pictures
from starshift.report.confusion import confusion
from starshift.report.figures import table
from starshift.report.view import wanted


def said(fake: Fake) -> str:
    """Headline and sentences as one text."""
    verdict = fake.view()["verdict"]
    return " ".join([*verdict["cautions"], verdict["before"] + verdict["figure"] + verdict["after"], *verdict["said"]])


def test_the_sealed_test_leads() -> None:
    fake = fake_run(per_class=100)
    accuracy = fake.run.test.score.accuracy
    text = said(fake)
    assert text.startswith("The best model, features, is right for ")
    assert f"{100 * accuracy.value:.1f} % of 200 sealed test pictures." in text
    assert "opened once, for this model, on 12 May 2026, 10:11 UTC" in text
    assert "Against convnet, this model gains" in text
    assert "Always giving the commonest answer is right for 50.0 %." in text
    assert not fake.view()["verdict"]["cautions"]


def test_without_a_sealed_test_that_leads() -> None:
    assert said(fake_run(test=False)).startswith("No sealed test: these pictures also chose the model")


def test_a_test_part_not_yet_opened_is_said() -> None:
    fake = fake_run().with_run(test=None)
    assert "has not been opened" in said(fake)


def test_a_test_opened_for_another_rung_is_not_passed_on() -> None:
    fake = fake_run()
    fake.with_run(test=msgspec.structs.replace(fake.run.test, rung="convnet"))
    text = said(fake)
    assert "was opened for convnet" in text
    assert "features has no test figure" in text
    assert "validation pictures." in text


def test_only_the_baseline_finished() -> None:
    fake = fake_run(skills={"baseline": 0.0})
    fake.with_run(rungs=(*fake.run.rungs, skipped()))
    text = said(fake)
    assert text.startswith("Only the baseline finished: always giving the same answer is right for 50.0 %")
    assert "No model has been trained." in text
    assert "Features was skipped: it wants mobilenet_v2" in text
    assert fake.view()["confusion"] is None
    assert fake.view()["galleries"] == []
    assert wanted(fake.run, fake.predictions) == []


def test_nothing_finished() -> None:
    fake = fake_run(skills={}).with_run(rungs=(skipped("convnet"), skipped()), finished="")
    text = said(fake)
    assert "No rung has finished, so there is no model yet." in text
    assert "was stopped" in text
    assert fake.view()["title"] == "No model yet · dogs-vs-cats"


def test_leaks_are_cautions() -> None:
    leak = Finding("leak", "warning", "4 pictures are in both train and validation")
    assert "4 pictures are in both" in fake_run().with_run(findings=(leak,)).view()["verdict"]["cautions"][0]


def test_the_title_has_figure_and_name() -> None:
    fake = fake_run(per_class=50)
    assert fake.view()["title"].endswith("n = 100) · dogs-vs-cats")


def test_the_table_says_every_rung() -> None:
    fake = fake_run()
    rows = table(fake.with_run(rungs=(*fake.run.rungs, skipped("fine-tuned"))).run)
    assert [row["rung"] for row in rows] == ["baseline", "convnet", "features", "fine-tuned"]
    assert rows[0]["accuracy"] == "50.0 % (35.2 to 64.8, n = 40)"
    assert rows[1]["seconds"] == "3 min 3 s"
    assert rows[2]["chosen"]
    assert not rows[1]["chosen"]
    assert rows[3]["accuracy"] == rows[3]["log_loss"] == rows[3]["seconds"] == ""
    assert rows[3]["verdict"].startswith("Skipped: it wants mobilenet_v2")
    assert "\n" not in rows[3]["verdict"]


def test_mistakes_are_the_surest_and_doubts_the_least_sure() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.3, 0.7]], dtype=np.float32)
    predictions = Predictions(("cat", "dog"), ("a", "b", "c", "d"), np.array([1, 0, 1, -1]), probabilities)
    assert pictures.confident_mistakes(predictions) == [0, 1]  # an unknown label is no mistake
    assert pictures.least_certain(predictions) == [2, 3, 1, 0]


def test_wanted_are_the_thumbnails_that_the_view_asks_for() -> None:
    fake, asked = fake_run(per_class=100), []
    fake.thumbnail = lambda path: asked.append(path)
    fake.view()
    assert set(asked) == set(wanted(fake.run, fake.predictions))
    assert len(set(asked)) == len(wanted(fake.run, fake.predictions)) <= 2 * pictures.SHOWN


def test_few_classes_have_their_matrix() -> None:
    fake = fake_run(per_class=50)
    matrix = fake.view()["confusion"]
    assert matrix["kind"] == "matrix"
    measured = next(rung.score for rung in fake.run.rungs if rung.name == "features")
    assert [[cell["count"] for cell in row["cells"]] for row in matrix["rows"]] == [
        [str(count) for count in row] for row in measured.confusion
    ]
    assert matrix["rows"][0]["cells"][0]["tone"] == "right"


def test_many_classes_have_pairs_and_recalls() -> None:
    parts = fake_run(CALTECH, per_class=4, skills={"features": 0.8}).view()["confusion"]
    assert parts["kind"] == "pairs"
    counts = [int(pair["count"]) for pair in parts["pairs"]]
    assert counts == sorted(counts, reverse=True)
    recalls = [one["x"] for one in parts["recalls"]]
    assert recalls == sorted(recalls)
    assert len(recalls) + len(parts["perfect"]) == 101


def test_a_class_without_pictures_has_no_shares() -> None:
    everyone_a_cat = Predictions(
        ("cat", "dog"), ("a", "b"), np.array([0, 0]), np.array([[0.9, 0.1], [0.4, 0.6]], dtype=np.float32)
    )
    matrix = confusion(score(everyone_a_cat), ("cat", "dog"), noun="picture")
    assert [cell["share"] for cell in matrix["rows"][1]["cells"]] == ["", ""]
    assert [cell["share"] for cell in matrix["rows"][0]["cells"]] == ["50.0 %", "50.0 %"]


def test_the_best_epoch_is_marked_on_each_panel() -> None:
    fake = fake_run()
    history = [Epoch(i, 1.0, 1 / i, 0.5 + i / 20, abs(i - 3) + 0.5, 0.9 - abs(i - 4) / 10) for i in range(1, 7)]
    fake.histories = {"convnet": history}
    accuracy, loss = fake.view()["curves"][0]["panels"]
    assert (accuracy["best"]["epoch"], accuracy["best"]["value"]) == (4, "90.0 %")
    assert (loss["best"]["epoch"], loss["best"]["value"]) == (3, "0.500")
    assert "Validation was best at epoch 4" in accuracy["words"]
    assert fake.view()["curves"][0]["diagnosis"] == "Overfits from epoch 12 on."


def test_one_epoch_is_a_dot() -> None:
    panel = fake_run(epochs=1).view()["curves"][0]["panels"][0]
    assert [stroke["dot"] for stroke in panel["lines"][0]["strokes"]] != [None]
    assert [tick["label"] for tick in panel["x_ticks"]] == ["1"]


def test_curves_break_where_a_loss_is_not_finite() -> None:
    history = fake_history(5)
    history[2] = msgspec.structs.replace(history[2], loss=math.inf, validation_loss=math.nan)
    loss = charts.curves(fake_run().run.rungs[1], history)["panels"][1]
    assert [len(line["strokes"]) for line in loss["lines"]] == [2, 2, 2, 2]
    assert "nan" not in json.dumps(loss["lines"])
    assert "inf" not in json.dumps(loss["lines"])


@pytest.mark.parametrize(
    "values", [[0.5], [0.0, 0.0], [1.0, 1.0], [], [math.nan], [0.011, 0.97], [0.991, 0.994], [3e4, 1]]
)
def test_scales_hold_their_values(values: list[float]) -> None:
    scale = charts.scale(values, floor=0.0)
    assert scale.low < scale.high
    assert len(scale.ticks) >= 2
    for value in filter(math.isfinite, values):
        assert scale.low - 1e-9 <= value <= scale.high + 1e-9


def test_epochs_name_both_ends() -> None:
    for last in (2, 3, 7, 30, 100):
        ticks = charts._epoch_scale(fake_history(last)).ticks
        assert ticks[0] == 1
        assert ticks[-1] == last
        assert len(ticks) <= 8


def test_a_single_class_part_has_no_roc() -> None:
    fake = fake_run()
    bare = msgspec.structs.replace(fake.run.rungs[2].score, roc_auc=None)
    fake.with_run(rungs=(*fake.run.rungs[:2], msgspec.structs.replace(fake.run.rungs[2], score=bare)))
    row = fake.view()["figures"]["rows"][2]
    assert row["cells"][3] == {"figure": "not defined", "interval": ""}


def test_comparisons_say_who_alone_was_right() -> None:
    fake = fake_run(per_class=100)
    verdict = fake.run.rungs[2].verdict
    row = fake.view()["figures"]["comparisons"][1]
    assert (row["rung"], row["against"], row["p"]) == ("features", "convnet", "p < 0.001")
    assert row["only"] == f"{verdict.only_model_right} to {verdict.only_other_right}"
    assert row["difference"].startswith("+")


def test_no_interval_is_no_crash() -> None:
    fake = fake_run()
    lone = Estimate(1.0, None, None, 1, "one picture has no interval")
    bare = msgspec.structs.replace(fake.run.rungs[2].score, accuracy=lone)
    fake.with_run(rungs=(*fake.run.rungs[:2], msgspec.structs.replace(fake.run.rungs[2], score=bare)), test=None)
    assert "No interval: one picture has no interval." in fake.view()["verdict"]["said"]


def test_warnings_come_before_notes_and_long_groups_are_cut() -> None:
    group = tuple(f"{i}.jpg" for i in range(30))
    findings = (Finding("imbalance", "note", "few dogs"), Finding("exact copies", "warning", "copies", (group,) * 30))
    first, second = fake_run().with_run(findings=findings).view()["data"]["findings"]
    assert (first["warning"], second["warning"]) == (True, False)
    assert len(first["groups"]) == 12
    assert first["more"] == "18 more groups in run.json"
    assert len(first["groups"][0]["paths"]) == 8
    assert first["groups"][0]["more"] == "and 22 more"


def test_the_view_is_plain_and_can_be_encoded() -> None:
    view = fake_run(HOSTILE_CLASSES, per_class=3).view()
    assert json.loads(json.dumps(view, allow_nan=False)) == view
    json.dumps(view, ensure_ascii=False).encode("utf-8")


def test_of_uneven_classes_balanced_accuracy_leads_in_words_ladder_and_table() -> None:
    fake = fake_run()
    fake.with_run(data=msgspec.structs.replace(fake.run.data, classes={"cat": 10, "dog": 30}))
    fairer = Estimate(0.6543, 0.6, 0.7, 40, "bootstrap over pictures, 1,000 draws")
    fake.with_run(test=msgspec.structs.replace(fake.run.test, score=_balanced(fake.run.test.score, fairer)))
    fake.with_run(
        rungs=tuple(msgspec.structs.replace(rung, score=_balanced(rung.score, fairer)) for rung in fake.run.rungs)
    )
    text = said(fake)
    assert "The best model, features, recognizes 65.4 % of a class, on average over 2 classes of 40 sealed test" in text
    assert "95 % interval 60.0 to 70.0 (bootstrap over pictures, 1,000 draws, n = 40)." in text
    assert "The classes are uneven, so that balanced accuracy leads: every class counts the same" in text
    ladder = fake.view()["ladder"]
    assert ladder["of"].startswith("balanced accuracy") and {row["figure"] for row in ladder["rows"]} == {"65.4 %"}
    assert {row["balanced_accuracy"] for row in table(fake.run)} == {"65.4 % (60.0 to 70.0, n = 40)"}


def test_of_even_classes_accuracy_leads() -> None:
    fake = fake_run()
    assert fake.view()["ladder"]["of"] == "accuracy"
    assert {row["balanced_accuracy"] for row in table(fake.run)} == {""}


def _balanced(given, estimate: Estimate):
    return msgspec.structs.replace(given, balanced_accuracy=estimate)


def test_pictures_that_findings_name_one_by_one_are_shown() -> None:
    fake = fake_run()
    paths = [picture.path for picture in fake.dataset.pictures]
    odd = Finding("blurred", "note", "14 pictures are blurred", tuple((path,) for path in paths[:14]))
    fake.with_run(findings=(odd,))
    assert set(paths[:12]) <= set(wanted(fake.run, fake.predictions))
    fake.thumbnail = lambda path: b"jpeg" if path == paths[0] else None
    (finding,) = fake.view()["data"]["findings"]
    assert [card["path"] for card in finding["cards"]] == paths[:12]
    assert finding["cards"][0]["uri"].startswith("data:image/jpeg") and finding["cards"][1]["uri"] == ""
    assert finding["cards"][0]["label"] == "cat" and finding["more"] == "2 more groups in run.json"
