"""The page: one file, offline, well-formed, deaf to what names try to say."""

from __future__ import annotations

import itertools
import re
import time
from html.parser import HTMLParser

import pytest

from report.fake_costs import costly_run
from report.fake_run import CALTECH, HOSTILE_CLASSES, Fake, fake_run, skipped
from starshift.report.render import render

VOID = {"meta", "img", "br", "hr", "input", "link"}
LINKS = {"src", "href", "srcset", "action", "poster", "data", "xlink:href", "background", "formaction"}
SECTIONS = ["ladder", "curves", "confusion", "mistakes", "doubts", "data", "figures", "repeat", "meaning"]


class Page(HTMLParser):
    """Tags, links, ids and text of a page; fails on the first tag that is closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute is given twice: {tag} {attrs}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        last = self.open.pop() if self.open else ""
        assert last == tag, f"</{tag}> closes nothing, line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.text += data
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings.append((int(self.open[-1][1]), data))

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


def _baseline_only() -> Fake:
    fake = fake_run(skills={"baseline": 0.0})
    return fake.with_run(rungs=(*fake.run.rungs, skipped("convnet"), skipped()))


def _bare() -> Fake:
    fake = fake_run(skills={}, epochs=0).with_run(rungs=(skipped(),), findings=(), notes=())
    return fake


CASES = {
    "two classes": lambda: fake_run(per_class=60),
    "no test": lambda: fake_run(test=False),
    "ten classes": lambda: fake_run([str(i) for i in range(10)], per_class=6),
    "101 classes": lambda: fake_run(CALTECH, per_class=4, skills={"baseline": 0, "convnet": 0.4, "features": 0.9}),
    "one epoch": lambda: fake_run(epochs=1),
    "no mistakes": lambda: fake_run(skills={"features": 1.1}),
    "only the baseline": _baseline_only,
    "nothing": _bare,
    "costs": costly_run,
    "hostile": lambda: fake_run(HOSTILE_CLASSES, per_class=4).with_run(name="<b>run</b>\u202e\udcff"),
}


@pytest.fixture(params=CASES, scope="module")
def html(request: pytest.FixtureRequest) -> str:
    fake: Fake = CASES[request.param]()
    fake.thumbnail = lambda path: b"\xff\xd8 not quite a JPEG" if len(path) % 2 else None
    return render(fake.view())


def test_tags_nest_and_ids_are_unique(html: str) -> None:
    page = Page(html)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    named = " ".join(page.attributes("aria-labelledby")).split()
    assert set(named) <= set(ids)


def test_nothing_comes_from_outside(html: str) -> None:
    page = Page(html)
    for tag, attrs in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        assert not [name for name in attrs if name.startswith("on")], attrs
        for name in LINKS & set(attrs):
            value = attrs[name] or ""
            assert value.startswith(("data:image/jpeg;base64,", "#")), value
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style
    assert "default-src 'none'" in html


def test_links_within_the_page_arrive(html: str) -> None:
    page = Page(html)
    assert {href[1:] for href in page.attributes("href")} <= set(page.attributes("id"))


def test_it_can_be_written_as_utf8(html: str) -> None:
    html.encode("utf-8")


def test_headings_step_down_one_at_a_time(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_drawings_have_numbers_titles_and_roles(html: str) -> None:
    page = Page(html)
    for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "points", "width"):
        for value in page.attributes(name):
            assert re.fullmatch(r"[-\d., %]+", value), (name, value)
    pictured = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    assert all("aria-labelledby" in attrs for attrs in pictured)
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")


def test_no_value_slips_through_unworded(html: str) -> None:
    text = Page(html).text
    for leak in ("None", "nan", "Estimate(", "Undefined", "True", "False"):
        assert leak not in text.replace("euphonium", ""), leak


def test_every_section_in_its_order() -> None:
    page = Page(render(fake_run().view()))
    assert [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs] == SECTIONS
    assert ("html", {"lang": "en"}) in page.tags
    for said in ("cat.77.jpg", "the file ends after", "exact copies", "starshift fit photos", "keras 3.15.1"):
        assert said.lower() in page.text.lower(), said


def test_sections_without_content_are_left_out() -> None:
    page = Page(render(_bare().view()))
    ids = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
    assert ids == ["ladder", "data", "figures", "repeat", "meaning"]
    assert "skipped" in page.text


def test_hostile_names_are_text() -> None:
    html = render(CASES["hostile"]().view())
    assert "<script" not in html
    assert "<b>run</b>" not in html
    assert "<img src=http" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert r"caf\xe9" in html
    assert r"line\nbreak\tand tab" in html
    assert "\u202e" not in html


def test_a_thousand_predictions_render_quickly() -> None:
    fake = fake_run(per_class=500)
    render(fake.view())  # templates are compiled once

    def took():
        began = time.process_time()  # not the clock's: other processes share this machine
        render(fake.view())
        return time.process_time() - began

    assert any(took() < 0.2 for _ in range(3))
