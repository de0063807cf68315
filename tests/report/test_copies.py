"""Near copies in the report: pairs side by side, and figures without what was seen in training."""

from __future__ import annotations

import msgspec

from report.fake_run import Fake, fake_run
from starshift.records import Estimate, Finding
from starshift.report.copies import MOST_PAIRS
from starshift.report.figures import table
from starshift.report.render import render
from starshift.report.view import wanted

CLEAN = Estimate(0.9, 0.85, 0.94, 30, "Wilson")


def with_pairs(count: int = 3) -> Fake:
    """A run with so many pairs of near copies."""
    fake = fake_run()
    paths = [picture.path for picture in fake.dataset.pictures]
    groups = tuple((paths[2 * i], paths[2 * i + 1]) for i in range(count))
    finding = Finding("near copies across parts", "warning", "Pairs of pictures.", groups)
    return fake.with_run(findings=(finding,))


def with_clean() -> Fake:
    """A run whose chosen rung has an accuracy without copies, on validation and on the test part."""
    fake = fake_run()
    rungs = [msgspec.structs.replace(rung, without_copies=CLEAN) for rung in fake.run.rungs]
    return fake.with_run(rungs=tuple(rungs), test=msgspec.structs.replace(fake.run.test, without_copies=CLEAN))


def test_pairs_are_shown_side_by_side_with_their_classes() -> None:
    fake = with_pairs()
    fake.thumbnail = lambda path: b"jpeg"
    pairs = fake.view()["data"]["findings"][0]["pairs"]
    assert [len(pair) for pair in pairs] == [2, 2, 2]
    first = fake.dataset.pictures[0]
    assert (pairs[0][0]["path"], pairs[0][0]["label"]) == (first.path, first.label)
    assert pairs[0][0]["uri"].startswith("data:image/jpeg;base64,")
    page = render(fake.view())
    assert page.count('<ul class="pairs">') == 1


def test_a_handful_is_shown_and_their_thumbnails_are_asked_for() -> None:
    fake = with_pairs(MOST_PAIRS + 2)
    assert len(fake.view()["data"]["findings"][0]["pairs"]) == MOST_PAIRS
    shown = {path for group in fake.run.findings[0].groups[:MOST_PAIRS] for path in group}
    assert shown <= set(wanted(fake.run, fake.predictions))


def test_without_thumbnails_the_places_stay_empty() -> None:
    assert "no thumbnail" in render(with_pairs(1).view())


def test_other_findings_show_no_pairs() -> None:
    fake = with_pairs()
    fake.with_run(findings=(msgspec.structs.replace(fake.run.findings[0], kind="exact copies"),))
    assert fake.view()["data"]["findings"][0]["pairs"] == []


def test_figures_without_copies_are_among_the_cautions() -> None:
    fake = with_clean()
    cautions = fake.view()["verdict"]["cautions"]
    n = fake.run.test.score.accuracy.n
    said = f"Without the {n - 30} test pictures of which a copy is in training: 90.0 % (85.0 to 94.0, n = 30)."
    assert said in cautions
    assert any(one.startswith(f"Without the {n - 30} validation pictures") for one in cautions)


def test_the_table_of_rungs_gives_them_too() -> None:
    rows = table(with_clean().run)
    assert all("of which a copy is in training: 90.0 %" in row["verdict"] for row in rows)
    assert not any("copy" in row["verdict"] for row in table(fake_run().run))
