"""The table of a reproduction in words and as a page."""

from __future__ import annotations

import msgspec
import pytest

from report.fake_run import fake_run, wilson
from report.test_render import Page
from starshift.ladder.reproduce import CLAIMS, GOALS
from starshift.records import REPRODUCTION_SCHEMA, ReproducedRung, Reproduction, SeedResult
from starshift.report.render import render
from starshift.report.reproduction import markdown, notes, rows, view


def result(seed, right, *, log_loss=0.5, seconds=300.0, test=None):
    return SeedResult(seed, f"seed-{seed}", 0.99, wilson(right, 1000), log_loss, test and wilson(test, 1000), seconds)


def row(name, *results, skipped=""):
    return ReproducedRung(name, CLAIMS[name], GOALS[name], results, skipped)


@pytest.fixture(scope="module")
def table() -> Reproduction:
    return Reproduction(
        schema=REPRODUCTION_SCHEMA,
        experiment="dogs-vs-cats",
        command="starshift reproduce dogs-vs-cats --data all --seeds 3 --out runs/reproduce-dogs-vs-cats",
        data="all",
        parts={"train": 2000, "validation": 1000, "test": 1000},
        bases=("MobileNetV2",),
        seeds=(0, 1, 2),
        rungs=(
            row("convnet", result(0, 730), result(1, 750), result(2, 740)),
            row("regularized", result(0, 840, seconds=24 * 60.0)),
            row("modern"),
            row("features", result(0, 991, log_loss=0.031, seconds=12.0)),
            row("features-augmented", result(0, 992, log_loss=0.028, seconds=31.0)),
            row("fine-tuned", result(0, 993, log_loss=0.02, test=991), result(1, 990, log_loss=0.03)),
        ),
        environment=fake_run().run.environment,
        notes=("the base is another",),
    )


def test_a_row_has_the_seeds_figures_beside_mean_and_spread(table):
    convnet = rows(table)[0]
    assert convnet.theirs == ("99.0 %", "72.4 %", "–", "4.0")
    assert convnet.ours == ("99.0 %", "74.0 % (73.0 to 75.0, 3 seeds)", "–", "5.0")
    assert convnet.goal == "≥ 73.0 %: reached"


def test_the_seeds_figures_are_those_that_they_print(table):
    theirs = {row.rung: row.theirs for row in rows(table)}
    assert theirs["regularized"] == ("84.9 %", "84.4 %", "–", "37")
    assert theirs["features-augmented"] == ("98.9 %", "95.1 %", "–", "–")
    assert theirs["fine-tuned"] == ("99.95 %", "97.5 %", "96.8 %", "53")


def test_every_part_of_a_goal_is_judged(table):
    goals = {row.rung: row.goal for row in rows(table)}
    assert goals["regularized"] == "≥ 85.0 %: missed; ≤ 22 min: missed"
    assert goals["features-augmented"] == "log loss 0.028 below 0.031 of features: reached; ≤ 1 min: reached"
    assert goals["modern"] == "≥ 91.0 %; ≤ 20 min"
    assert goals["features"] == "–"


def test_a_test_figure_is_of_the_seeds_that_chose_the_rung(table):
    assert rows(table)[-1].ours[2] == "99.1 % (1 seed)"


def test_what_is_not_done_yet_is_not_a_figure(table):
    assert rows(table)[2].ours == ("not yet",) * 4
    skipped = msgspec.structs.replace(table, rungs=(row("fine-tuned", skipped="MobileNetV2 needs its weights"),))
    assert rows(skipped)[0].ours == ("skipped",) * 4
    assert notes(skipped)[-1] == "Fine-tuned was skipped: MobileNetV2 needs its weights."


def test_markdown_is_a_table_and_its_notes(table):
    page = markdown(table)
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 6 and {line.count("|") for line in lines} == {11}
    assert "- The base is another." in page and page.rstrip().endswith(f"    {table.command}")


def test_the_page_is_whole_and_shows_every_seed(table):
    html = render(view(table), "reproduction.html")
    page = Page(html)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids)) and set(" ".join(page.attributes("aria-labelledby")).split()) <= set(ids)
    assert html.count('<circle class="dot" cx="') >= 8
    assert 'href="seed-2/report.html"' in html and "script" not in {tag for tag, _ in page.tags}
    assert "74.0 % (73.0 to 75.0, 3 seeds)" in page.text


def test_a_table_survives_json(table):
    assert msgspec.json.decode(msgspec.json.encode(table), type=Reproduction) == table
