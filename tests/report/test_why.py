"""Beside a mistake in the report: its map, and the training pictures that it is most like."""

from __future__ import annotations

import re

from msgspec.structs import replace

from report.fake_run import HOSTILE_CLASSES, fake_run
from report.test_overlays import jpeg
from starshift.records import WHY_SCHEMA, Alike, Reason, Why
from starshift.report.render import render
from starshift.report.view import mistakes, view


def shown(fake, **changes) -> dict:
    paths = mistakes(fake.run, fake.predictions)
    cells = ((2.0, 0.0), (0.0, -1.0))
    near = (Alike("train/a.jpg", fake.dataset.classes[0], 0.912, jpeg(60, 40)), Alike("train/b.jpg", "dog", -0.1))
    why = Why(
        WHY_SCHEMA, "key", fake.run.chosen, "stretch", "log-odds", "the cosine between features", (), 1.5,
        tuple(Reason(path, "ab", fake.dataset.classes[0], cells, near) for path in paths),
    )  # fmt: skip
    return view(
        fake.run,
        fake.dataset,
        histories=fake.histories,
        answers=fake.predictions,
        test=fake.test,
        thumbnail=lambda path: jpeg(80, 60),
        why=replace(why, **changes),
    )


def test_mistakes_have_a_map_and_neighbours_and_the_page_says_what_they_are():
    found = shown(fake_run(per_class=200))
    card = found["galleries"][0]["cards"][0]["why"]
    assert card["map"]["words"] == "Strongest at the upper left: hiding it divides the odds of cat by 7.4."
    assert card["map"]["uri"].startswith("data:image/jpeg;base64,")
    assert [(one["label"], one["likeness"]) for one in card["alike"]] == [("cat", "0.91"), ("dog", "−0.10")]
    assert found["galleries"][1]["cards"][0]["why"] is None
    page = render(found)
    assert "orange parts spoke for the answer, blue ones against it." in page
    assert "the training pictures that it is most like, with their labels, by the cosine between features." in page
    assert "Most like, in training:" in page and "labelled cat" in page and "not here" in page


def test_reasons_of_another_rung_are_not_shown():
    found = shown(fake_run(per_class=200), rung="convnet")
    assert found["why"] == [] and all(card["why"] is None for card in found["galleries"][0]["cards"])
    assert 'class="gallery explained"' not in render(found)


def test_what_lacks_is_said_and_nothing_else_is():
    fake = fake_run(per_class=200)
    found = shown(fake, by="", lacks=("No training pictures are shown beside them: none",), reasons=())
    assert found["why"] == ["No training pictures are shown beside them: none."]


def test_without_reasons_the_page_is_as_before():
    page = render(fake_run(per_class=200).view())
    assert "Most like, in training" not in page and "spoke for the answer" not in page


def test_hostile_names_are_escaped():
    page = render(shown(fake_run(HOSTILE_CLASSES, per_class=50)))
    assert "<script" not in page.lower() and not re.search(r'<img src="?http', page)


def test_the_worst_mistakes_are_those_of_the_chosen_rung_and_none_of_a_baseline():
    fake = fake_run(per_class=200)
    paths = mistakes(fake.run, fake.predictions)
    wrong = {
        path
        for path, right in zip(fake.predictions["features"].paths, fake.predictions["features"].right, strict=True)
        if not right
    }
    assert 0 < len(paths) <= 12 and set(paths) <= wrong
    assert mistakes(replace(fake.run, chosen="baseline"), fake.predictions) == []
