"""Explanations as a page, and in a line for the terminal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from report.test_overlays import corner, jpeg
from starshift.records import Alike, Explanation
from starshift.report.explain import images, said, view
from starshift.report.render import render

CAT = Explanation(
    "photos/tom.jpg",
    label="cat",
    probability=0.93,
    probabilities={"cat": 0.93, "dog": 0.07},
    explained="cat",
    unit="log-odds",
    occlusion=corner(np.log(20), 32),
    grad_cam=corner(1.0, 32),
    alike=(Alike("train/cat/1.jpg", "cat", 0.8, jpeg(40, 40)),),
    notes=("A note",),
    picture=jpeg(80, 60),
    fit="stretch",
    by="the cosine between features",
)
BROKEN = Explanation("photos/broken.jpg", reason="The file is empty.")


def test_the_page_shows_picture_maps_answer_and_neighbours():
    page = render(view([CAT, BROKEN], "my run"), "explain.html")
    assert "What 1 answer hangs on" in page and "cat, 93.0 %" in page
    assert page.count("<img") == 4 and "The file is empty." in page and "A note." in page
    assert "Strongest at the upper left: hiding it divides the odds of cat by 20." in page
    assert "The answer cat hangs most on what is at the upper left." in page
    assert "The maps are about" not in page
    assert "Occlusion: squares" in page and "Grad-CAM: " in page and "by the cosine between features." in page


def test_the_page_loads_nothing_and_runs_nothing():
    page = render(view([CAT], "my run"), "explain.html")
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page


def test_another_class_than_the_answered_one_is_named():
    page = render(view([replace(CAT, explained="dog", grad_cam=np.zeros((8, 8), np.float32))], "run"), "explain.html")
    assert "The maps are about <bdi>dog</bdi>." in page and "spoke for dog." in page


def test_what_is_not_there_is_not_spoken_of():
    found = view([replace(CAT, grad_cam=None, alike=(), by="")], "run")
    assert not any("Grad-CAM" in one or "Training pictures" in one for one in found["legend"])
    assert [one["title"] for one in found["cards"][0]["pictures"]] == ["The picture", "Occlusion"]


def test_lines_for_the_terminal():
    assert said(BROKEN) == "photos/broken.jpg: The file is empty."
    assert said(CAT) == (
        "photos/tom.jpg: cat, 93.0 %. Strongest at the upper left: hiding it divides the odds of cat by 20."
    )
    number = Explanation("a.jpg", label="31.5", explained="age", occlusion=corner(-4.0))
    assert said(number) == "a.jpg: 31.5. Strongest at the upper left: hiding it raises age by 4.00."
    assert said(Explanation("b.jpg", explained="red")) == "b.jpg: none of the labels."


def test_names_are_escaped():
    hostile = replace(CAT, file='<script>"x".jpg', label="<b>", explained="<b>", probabilities={"<b>": 1.0})
    page = render(view([hostile], "<i>"), "explain.html")
    assert "<script" not in page and "<b><bdi><b>" not in page and "<i>" not in page


def test_every_picture_is_a_jpeg_by_name():
    assert {name: jpeg[:2] for name, jpeg in images(CAT).items()} == dict.fromkeys(
        ("picture", "occlusion", "grad-cam"), b"\xff\xd8"
    )
    assert images(BROKEN) == {}
