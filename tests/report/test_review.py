"""The page on which labels are decided: its structure, and, where a browser is at hand, its keys."""

from __future__ import annotations

import base64
import hashlib
import html as entities
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from report.fake_run import HOSTILE_CLASSES, fake_run
from report.suspected import data_of, fake_suspects
from report.test_render import LINKS, Page
from starshift.data.overlay import FILE, read_overlay
from starshift.report.render import render
from starshift.report.review import review, script

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")
JPEG = b"\xff\xd8 nearly a JPEG"


def page_of(classes=("cat", "dog", "horse"), *, wrong: int = 3, decisions=(), digest: str = "", key: str = "k") -> str:
    fake = fake_run(classes, per_class=4)
    suspects = fake_suspects(fake.dataset, wrong=wrong, others=0)
    view = review(
        fake.run,
        fake.dataset,
        suspects.ranked,
        decisions=decisions,
        decisions_digest=digest,
        picture=lambda path: JPEG,
        place=f"runs/photos/{FILE}",
        key=key,
        command=f"starshift fit photos --overlay runs/photos/{FILE}",
    )
    return render(view, "review.html")


# --- what it is made of ---


def test_tags_nest_controls_have_names_and_nothing_comes_from_outside():
    page = Page(page_of())
    ids = page.attributes("id")
    assert len(ids) == len(set(ids)) and set(" ".join(page.attributes("aria-labelledby")).split()) <= set(ids)
    assert {"by", "classes"} <= set(page.attributes("for"))
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        for name in LINKS & set(attrs):
            assert (attrs[name] or "").startswith("data:image/jpeg;base64,")
    (said,) = [attrs for _, attrs in page.tags if attrs.get("id") == "said"]
    assert said["role"] == "status" and said["aria-live"] == "polite"


def test_only_the_pages_own_script_may_run():
    html = page_of(HOSTILE_CLASSES, wrong=10)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2 and scripts[1] == script()
    digest = base64.b64encode(hashlib.sha256(scripts[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert "alert(1)</script>" not in html and "<img src=http" not in html


def test_the_data_has_names_as_they_are_and_as_they_can_be_shown():
    data = data_of(page_of(HOSTILE_CLASSES, wrong=10))
    names = {one["name"]: one["shown"] for one in data["classes"]}
    assert set(names) == set(HOSTILE_CLASSES)
    assert names["line\nbreak\tand tab"] == r"line\nbreak\tand tab"
    first = data["suspects"][0]
    assert first["picture"].startswith("data:image/jpeg;base64,") and first["looksWrong"]
    assert first["given"] != first["likely"][0]["label"] and first["likely"][0]["probability"] == "97.0 %"
    assert data["place"] == f"runs/photos/{FILE}"


def test_the_script_reaches_for_nothing_outside():
    for word in ("http", "fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML", "document.write"):
        assert word not in script(), word


# --- what it does ---

HARNESS = """
<script>
const blobs = [];
URL.createObjectURL = (blob) => { blobs.push(blob); return "data:,"; };
const press = (key, target = document) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const text = (id) => document.getElementById(id).textContent;
const saved = async () => { press("s"); await null; return blobs.length ? await blobs.at(-1).text() : ""; };
const again = () => new Promise((done) => {  // the page as it is after a reload: its script once more on a fresh body
  document.body.innerHTML = fresh;
  const script = document.createElement("script");
  script.textContent = source;
  document.body.append(script);
  done();
});
(async () => {
  const found = await (async () => { %s })().catch((error) => ({ error: String(error) }));
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(found);
  document.body.append(result);
})();
</script>
"""


def run(html: str, steps: str, folder: Path) -> dict:
    """Open the page, do `steps` (JavaScript that returns something), and give back what they returned."""
    html = re.sub(r"<meta http-equiv[^>]*>", "", html)  # so that the test's own script may run beside the page's
    source = f"<script>const source = {json.dumps(script()).replace('</', '<' + chr(92) + '/')};</script>"
    fresh = "<script>const fresh = document.body.innerHTML;</script>"
    last = html.rindex("<script>")
    html = html[:last] + source + fresh + html[last:].replace("</body>", HARNESS % steps + "</body>")
    (folder / "page.html").write_text(html, encoding="utf-8", errors="replace")
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
        (folder / "page.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    result = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert result, done.stderr[-2000:]
    return json.loads(entities.unescape(result[1]))


@browser
@pytest.mark.slow
def test_keys_decide_move_undo_and_save_what_the_reader_reads(tmp_path):
    found = run(
        page_of(),
        """
        const nothing = (press("s"), text("said"));
        press("k"); const kept = text("said");
        press("1"); press("d"); const all = text("said"); const counts = text("counts");
        press("u"); const undone = text("said"); const left = text("counts");
        press("ArrowLeft"); const moved = text("said");
        press("ArrowRight"); press("2");
        return { nothing, kept, all, counts, undone, left, moved, csv: await saved(), told: text("said"),
                 pressed: document.getElementById("keep").getAttribute("aria-pressed") };
        """,
        tmp_path,
    )
    assert "error" not in found, found
    assert found["nothing"] == "Nothing is decided yet, so there is nothing to save."
    assert found["kept"] == "validation/cat/cat.0.jpg: the label is right."
    assert found["all"] == "validation/cat/cat.2.jpg: left out. All are decided; press s to save."
    assert found["counts"] == "3 of 3 decided: 1 relabelled, 1 left out, 1 right as they are"
    assert found["undone"] == "validation/cat/cat.2.jpg: not yet again."
    assert found["left"] == "2 of 3 decided: 1 relabelled, 0 left out, 1 right as they are"
    assert found["moved"] == "2 of 3: labelled cat, is dog."
    assert found["told"].startswith("Saved 3 decisions as labels.overlay.csv")
    (tmp_path / FILE).write_text(found["csv"], encoding="utf-8", newline="")
    overlay = read_overlay(tmp_path / FILE, ("cat", "dog", "horse"))
    assert [(one.file[-5:], one.decision, one.label) for one in overlay.decisions.values()] == [
        ("0.jpg", "keep", ""), ("1.jpg", "relabel", "dog"), ("2.jpg", "relabel", "horse"),
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one.when) for one in overlay.decisions.values())


@browser
@pytest.mark.slow
def test_the_class_list_has_the_suggestion_chosen_and_enter_gives_it(tmp_path):
    found = run(
        page_of(HOSTILE_CLASSES, wrong=2),
        """
        document.getElementById("by").value = "Ana, \\"the judge\\"";
        press("r");
        const list = document.getElementById("classes");
        const opened = document.getElementById("chooser").open;
        const focused = document.activeElement === list;
        const chosen = list.selectedOptions[0].textContent;
        press("k"); const ignored = text("said");
        const closed = new Promise((done) => document.getElementById("chooser").addEventListener("close", done));
        press("Enter", list);
        await closed;
        return { opened, focused, chosen, ignored, count: list.length, said: text("said"), csv: await saved() };
        """,
        tmp_path,
    )
    assert "error" not in found, found
    classes = sorted(HOSTILE_CLASSES)
    assert found["opened"] and found["focused"] and found["ignored"] == ""
    assert found["count"] == len(classes) - 1
    (tmp_path / FILE).write_text(found["csv"], encoding="utf-8", newline="")
    readable = [name.encode("utf-8", "replace").decode() for name in classes]
    (one,) = read_overlay(tmp_path / FILE, readable).decisions.values()
    assert one.decision == "relabel" and one.label == readable[1] and one.by == 'Ana, "the judge"'


@browser
@pytest.mark.slow
def test_decisions_survive_a_reload_and_those_of_a_file_are_loaded(tmp_path):
    second = fake_run(("cat", "dog", "horse"), per_class=4).dataset.pictures[1]
    lines = [
        {"file": file, "digest": digest, "decision": "drop", "label": "", "by": "Ana", "when": ""}
        for file, digest in ((second.path, second.digest), ("elsewhere.jpg", "f" * 64))
    ]
    found = run(
        page_of(decisions=lines, digest="abc"),
        """
        const first = text("counts");
        press("k");
        await again();
        const reloaded = text("counts");
        localStorage.setItem("starshift review k", localStorage.getItem("starshift review k").replace("abc", "old"));
        await again();
        return { first, reloaded, changed: text("counts"), csv: await saved() };
        """,
        tmp_path,
    )
    assert "error" not in found, found
    assert found["first"] == "1 of 3 decided: 0 relabelled, 1 left out, 0 right as they are; 1 more from before"
    assert found["reloaded"] == "2 of 3 decided: 0 relabelled, 1 left out, 1 right as they are; 1 more from before"
    assert found["changed"] == found["reloaded"]
    assert found["csv"].count("\n") == 4 and found["csv"].count(",drop,,Ana,\n") == 2
