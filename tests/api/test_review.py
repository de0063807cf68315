from __future__ import annotations

import re
import shutil

import msgspec
import pytest

import starshift
from report.suspected import data_of, fake_suspects
from starshift.errors import DataError, RunError, UsageError
from starshift.ladder.folder import RunFolder
from starshift.progress import Silent


@pytest.fixture(scope="module")
def plain_run(finished_pictures, tmp_path_factory):
    """A run of the baseline alone, whose labels nobody searched; not to be changed."""
    out = tmp_path_factory.mktemp("review") / "run"
    return starshift.fit(finished_pictures, rungs="baseline", out=out, progress=Silent())


@pytest.fixture
def suspicious(plain_run, tmp_path):
    """A copy of a finished run in which some labels look wrong."""
    shutil.copytree(plain_run.path, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    folder.write_suspects(fake_suspects(folder.read_dataset(), wrong=3, others=2))
    return tmp_path / "run"


def test_the_page_holds_its_pictures_and_says_how_to_go_on(suspicious, finished_pictures):
    page = starshift.review(suspicious)
    assert page == suspicious / "review.html"
    html = page.read_text(encoding="utf-8")
    data = data_of(html)
    assert len(data["suspects"]) == 5 and all(one["picture"] for one in data["suspects"])
    assert [one["looksWrong"] for one in data["suspects"]] == [True, True, True, False, False]
    assert data["place"] == str(suspicious / "labels.overlay.csv")
    assert data["command"].startswith(f"starshift fit {finished_pictures} ")
    assert data["command"].endswith(f" --overlay {suspicious / 'labels.overlay.csv'}")
    assert re.fullmatch(r"[0-9a-f]{16}", data["key"])


def test_decisions_next_to_the_run_are_on_the_page(suspicious):
    one = RunFolder(suspicious).read_suspects().ranked[0]
    (suspicious / "labels.overlay.csv").write_text(
        f"file,digest,decision,label,by,when\n{one.path},{one.digest},relabel,{one.suggested},Ana,\n"
    )
    data = data_of(starshift.review(suspicious).read_text(encoding="utf-8"))
    assert data["decisions"] == [
        {"file": one.path, "digest": one.digest, "decision": "relabel", "label": one.suggested, "by": "Ana", "when": ""}
    ]
    assert len(data["decisionsDigest"]) == 64


def test_damaged_decisions_stop_before_anything_is_written(suspicious):
    (suspicious / "labels.overlay.csv").write_text("file,digest,decision,label\na,b,c,d\n")
    with pytest.raises(DataError, match="is no decision"):
        starshift.review(suspicious)
    assert not (suspicious / "review.html").exists()


def test_fewer_pictures_on_request(suspicious):
    assert len(data_of(starshift.review(suspicious, most=2).read_text(encoding="utf-8"))["suspects"]) == 2
    with pytest.raises(UsageError, match="--most is how many pictures to show, 1 or more; 0 came"):
        starshift.review(suspicious, most=0)


def test_pictures_that_are_gone_are_asked_for(suspicious):
    record = RunFolder(suspicious).read_run()
    gone = msgspec.structs.replace(record, data=msgspec.structs.replace(record.data, source="gone/photos"))
    RunFolder(suspicious).write_run(gone)
    with pytest.raises(
        DataError, match=r"The run's pictures are not at 'gone/photos', seen from here\. Say with --photos"
    ):
        starshift.review(suspicious)


def test_pictures_that_moved_are_found_where_one_says(suspicious, finished_pictures, tmp_path):
    shutil.copytree(finished_pictures, tmp_path / "moved")
    assert starshift.review(suspicious, photos=tmp_path / "moved").is_file()
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError, match=r"None of the 5 pictures to be shown is in '.*empty' any more\. Say with --photos"
    ):
        starshift.review(suspicious, photos=tmp_path / "empty")


def test_a_run_without_suspects_says_why(plain_run):
    with pytest.raises(RunError, match=r"has no suspects\.json\. Labels were not searched for wrong ones: "):
        starshift.review(plain_run.path)
