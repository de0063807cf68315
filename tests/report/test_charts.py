"""Curves as they are and smoothed."""

from __future__ import annotations

import math

import msgspec
import pytest

from report.fake_run import fake_history, fake_run
from starshift.report import charts
from starshift.report.render import render


def smooth_curve(points, factor=0.8):
    """The seeds' own function (003, 2.1)."""
    smoothed_points = []
    for point in points:
        if smoothed_points:
            previous = smoothed_points[-1]
            smoothed_points.append(previous * factor + point * (1 - factor))
        else:
            smoothed_points.append(point)
    return smoothed_points


def test_smoothing_is_the_seeds():
    losses = [epoch.validation_loss for epoch in fake_history(30)]
    assert charts.smoothed(losses) == pytest.approx(smooth_curve(losses))


def test_what_is_not_finite_is_passed_over():
    line = charts.smoothed([math.nan, 1.0, math.inf, 2.0])
    assert math.isnan(line[0]) and line[1] == 1.0 and line[2] == math.inf and line[3] == pytest.approx(1.2)


def test_each_panel_has_both_lines_twice():
    fake = fake_run()
    panel = charts.curves(fake.run.rungs[1], fake.histories["convnet"])["panels"][0]
    assert [(line["look"], line["kind"]) for line in panel["lines"]] == [
        ("raw", "training"),
        ("raw", "validation"),
        ("smooth", "training"),
        ("smooth", "validation"),
    ]
    assert panel["lines"][1]["strokes"] != panel["lines"][3]["strokes"]


def test_the_switch_works_without_scripts():
    page = render(fake_run().view())
    assert '<input type="checkbox" id="smooth" class="switch" checked>' in page
    assert '<label for="smooth">Smoothed (exponentially, factor' in page
    assert "#smooth:not(:checked) ~ .curves .smooth { display: none; }" in page


def test_what_else_was_measured_stands_in_the_caption_with_its_last_figure():
    rung, history = fake_run().run.rungs[1], fake_history(3)
    assert charts.curves(rung, history)["epochs"] == "3 epochs"
    history[-1] = msgspec.structs.replace(history[-1], metrics={"auc": 0.98, "top-5": 1.0})
    assert charts.curves(rung, history)["epochs"] == "3 epochs; validation auc 0.980 and top-5 1.000 after the last"
