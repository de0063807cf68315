from __future__ import annotations

import msgspec

from report.fake_run import HOSTILE_CLASSES, fake_run
from report.suspected import fake_suspects
from report.test_render import Page
from starshift.findings import labels
from starshift.records import OverlayRecord
from starshift.report.render import render
from starshift.report.suspects import SHOWN, shown
from starshift.report.view import view, wanted

OVERLAY = OverlayRecord("l.csv", "ab", 2, 1, 4, "l.csv: 2 pictures relabelled", effect_sentence="no difference told")


def page_of(fake, suspects, thumbnail=lambda path: b"\xff\xd8 nearly a JPEG") -> str:
    return render(
        view(
            fake.run,
            fake.dataset,
            histories=fake.histories,
            answers=fake.predictions,
            test=fake.test,
            thumbnail=thumbnail,
            suspects=suspects,
        )
    )


def with_finding(fake, suspects):
    finding = labels.finding(suspects, "runs/photos")
    return fake.with_run(findings=(*fake.run.findings, finding))


def test_labels_that_look_wrong_stand_with_both_labels_most_suspicious_first():
    fake = fake_run()
    suspects = fake_suspects(fake.dataset)
    html = page_of(with_finding(fake, suspects), suspects)
    page = Page(html)
    start = html.index('<section id="labels"')
    section = html[start : html.index("</section>", start)]
    assert "Labels to look at" in section and "3 labels look wrong" in section
    assert "starshift review runs/photos" in section
    files = [attrs["alt"] for tag, attrs in page.tags if tag == "img" and "looks like" in (attrs.get("alt") or "")]
    assert len(files) == 3 and files[0].endswith(": labelled cat, looks like dog with 97.0 %")
    assert "Judged by a linear head on 1,280 features of MobileNetV2." in section


def test_their_thumbnails_are_asked_for():
    fake = fake_run()
    suspects = fake_suspects(fake.dataset)
    assert {one.path for one in shown(suspects)} <= set(wanted(fake.run, fake.predictions, suspects))


def test_many_are_counted():
    fake = fake_run(per_class=40)
    suspects = fake_suspects(fake.dataset, wrong=SHOWN + 6)
    html = page_of(fake, suspects, thumbnail=lambda path: None)
    assert len(shown(suspects)) == SHOWN and "And 6 more." in html


def test_what_an_overlay_did_is_told_though_nothing_is_suspected():
    fake = fake_run().with_run(overlay=OVERLAY)
    html = page_of(fake, None)
    assert "L.csv: 2 pictures relabelled." in html and "No difference told." in html
    assert 'class="gallery"' in html


def test_without_suspects_and_overlay_there_is_no_section():
    fake = fake_run()
    none = fake_suspects(fake.dataset, wrong=0)
    assert 'id="labels"' not in page_of(fake, None) and 'id="labels"' not in page_of(fake, none)


def test_hostile_names_are_text_here_too():
    fake = fake_run(HOSTILE_CLASSES, per_class=4)
    html = page_of(fake, fake_suspects(fake.dataset, wrong=12))
    Page(html)
    assert "<script" not in html and "<img src=http" not in html


def test_the_record_is_written_and_read_strictly():
    suspects = fake_suspects(fake_run().dataset)
    assert msgspec.json.decode(msgspec.json.encode(suspects), type=type(suspects)) == suspects
