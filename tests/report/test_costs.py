"""What the report says of what models cost, and of what students kept."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from report.fake_costs import COSTS, costly_run, distilled
from report.fake_run import fake_run, wilson
from starshift.records import CostRecord, Estimate, Verdict
from starshift.report.costs import costs, kept, large
from starshift.report.figures import table


def student(**changes):
    return replace(costly_run().run.rungs[3], **changes)


def test_a_student_is_told_beside_its_teacher_in_one_sentence():
    assert kept(student()) == (
        "distilled keeps 98.1 of 98.9 %, a loss of 0.8 points (95 % interval 0.1 to 1.5), agrees with its teacher on "
        "98.6 % (97.7 to 99.2, n = 1,000), with 1/8.2 of its multiply-adds and 1/9.0 of its bytes."
    )
    assert kept(student()) in table(costly_run().run)[3]["verdict"]


def test_noise_is_called_so_and_a_larger_student_is_not_said_to_save_anything():
    difference = Estimate(0.002, -0.004, 0.008, 1000, "Tango, paired")
    verdict = Verdict("distilled", "its teacher", "undecided", "model", difference, 5, 3, 0.7, "no difference")
    found = distilled(verdict=verdict, cost=CostRecord(100_000, 20_000_000, 400_000, 1.0))
    said = kept(student(distilled=found))
    assert "+0.2 points, which may be noise (95 % interval −0.4 to +0.8)" in said
    assert said.endswith("with 2.07 times its multiply-adds and 6.89 times its bytes.")


def test_without_costs_and_where_balanced_accuracy_leads_less_is_said():
    assert kept(student(cost=None)).endswith("on 98.6 % (97.7 to 99.2, n = 1,000).")
    balanced = kept(student(), balanced=True)
    assert "of 98.5 % balanced accuracy, agrees" in balanced
    assert kept(student(distilled=None)) == ""


def test_the_table_goes_from_the_cheapest_to_the_dearest():
    rows = costs(costly_run().run)["rows"]
    assert [row["name"] for row in rows] == ["distilled", "convnet", "teacher of distilled", "features", "ensemble"]
    assert [row["role"] for row in rows] == ["", "", "teacher", "", "chosen"]
    assert rows[3]["notes"] == "best single model" and rows[4]["notes"] == "best, 2 members"
    assert rows[2]["notes"] == "3 models, MobileNetV2, frozen; MobileNet, frozen"
    cells = [rows[0][name] for name in ("figure", "parameters", "multiply_adds", "size", "milliseconds")]
    assert cells == ["98.1 %", "688,579", "41.4 million", "2.8 MB", "1.05 ms"]


def test_the_chart_has_better_models_higher_and_cheaper_ones_further_left():
    chart = costs(costly_run().run)["chart"]
    dots = chart["dots"]
    assert [dot["x"] for dot in dots] == sorted(dot["x"] for dot in dots)
    assert dots[0]["y"] < dots[1]["y"]  # 98.1 % stands above 72 %
    assert all(dot["high"] <= dot["y"] <= dot["low"] for dot in dots)
    assert chart["lines"] == [{"x1": dots[2]["x"], "y1": dots[2]["y"], "x2": dots[0]["x"], "y2": dots[0]["y"]}]
    ticks = [tick["y"] for tick in chart["y_ticks"]]
    assert ticks[0] == 0 and ticks[-1] == 100 and chart["y_ticks"][-1]["label"] == "50 %"
    assert "distilled: 98.1 % (97.1 to 98.8, n = 1,000), 41.4 million multiply-adds" in chart["says"]


def test_dots_that_lie_on_each_other_have_one_label():
    run = costly_run().run
    rungs = [replace(rung, cost=COSTS["features"]) if rung.name == "ensemble" else rung for rung in run.rungs]
    same = replace(rungs[2].score, accuracy=wilson(990, 1000))
    labels = costs(replace(run, rungs=(*rungs[:2], replace(rungs[2], score=same), *rungs[3:])))["chart"]["labels"]
    assert [label["text"] for label in labels] == ["1", "2", "3", "4, 5"]


@pytest.mark.parametrize("right", [0, 1000])
def test_models_that_are_never_or_always_right_can_be_drawn(right):
    run = costly_run().run
    rungs = [
        replace(rung, score=replace(rung.score, accuracy=wilson(right, 1000)), distilled=None) if rung.cost else rung
        for rung in run.rungs
    ]
    dots = costs(replace(run, rungs=tuple(rungs)))["chart"]["dots"]
    assert {dot["y"] for dot in dots} <= {0.0, 100.0}


def test_one_model_alone_is_not_drawn_and_older_runs_have_no_section():
    run = fake_run().run
    assert costs(run) is None
    alone = replace(run, rungs=(*run.rungs[:2], replace(run.rungs[2], cost=COSTS["features"])))
    assert costs(alone)["chart"] is None and len(costs(alone)["rows"]) == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [(1281, "1,281"), (999_400, "999,400"), (999_600, "999,600"), (2_206_816, "2.21 million"),
     (3_100_000_000, "3.10 billion")],
)  # fmt: skip
def test_large_numbers_in_words(number, words):
    assert large(number) == words
