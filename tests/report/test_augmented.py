"""The sheets of augmented pictures in the report."""

from __future__ import annotations

from report.fake_run import HOSTILE_CLASSES, fake_run
from report.test_render import SECTIONS, Page
from starshift.augmentation import POLICIES, Augmentation
from starshift.report.augmented import Sheet, augmented
from starshift.report.render import render
from starshift.report.view import view


def sheet(policy: Augmentation, size: int = 150, labels: tuple[str, ...] = ("cats", "dogs")) -> Sheet:
    rows = [[b"\xff\xd8%d%d" % (row, column) for column in range(6)] for row in range(len(labels))]
    return Sheet(policy, size, ("regularized", "modern"), labels, rows)


def page(*sheets: Sheet) -> str:
    fake = fake_run()
    said = view(
        fake.run,
        fake.dataset,
        histories=fake.histories,
        answers=fake.predictions,
        test=fake.test,
        thumbnail=fake.thumbnail,
        sheets=sheets,
    )
    return render(said)


def test_a_policy_is_shown_with_its_amounts_in_words():
    (said,) = augmented([sheet(POLICIES["seeds"])])
    assert said["title"] == "seeds"
    assert said["rungs"] == "regularized and modern" and said["size"] == "150 px"
    assert said["amounts"].startswith("Turned by up to 40°, shifted by up to 20 % of the side, sheared by up to 0.2°")
    assert [row["label"] for row in said["rows"]] == ["cats", "dogs"]
    assert all(uri.startswith("data:image/jpeg;base64,") for row in said["rows"] for uri in row["uris"])


def test_small_pictures_are_enlarged_without_smoothing():
    assert [augmented([sheet(POLICIES["digits"], size)])[0]["small"] for size in (28, 150)] == [True, False]


def test_the_section_stands_between_the_pictures_and_the_data():
    shown = Page(page(sheet(POLICIES["seeds"]), sheet(POLICIES["strong"], 96)))
    ids = [attrs["id"] for tag, attrs in shown.tags if tag == "section" and "id" in attrs]
    assert ids == [*SECTIONS[:5], "augmented", *SECTIONS[5:]]
    alternatives = [attrs["alt"] for tag, attrs in shown.tags if tag == "img" and attrs["alt"]]
    assert alternatives[:2] == ["cats, as it is", "cats, changed, draw 1"] and len(alternatives) >= 24
    assert "blended with another picture, and the labels with it (mixup 0.2)" in shown.text


def test_without_sheets_there_is_no_section():
    assert 'id="augmented"' not in page()


def test_hostile_class_names_are_text():
    html = page(sheet(POLICIES["seeds"], labels=HOSTILE_CLASSES))
    assert "<script" not in html and "<img src=http" not in html and "&lt;script&gt;alert(1)" in html
    html.encode("utf-8")
    Page(html)
