"""Files into class folders: whole, under names of their own, never over another."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.api import sort
from starshift.api.sort import LONGEST, UNSURE, Sorter, folder_names, safe
from starshift.data.inputs import find_inputs
from starshift.errors import RunError, UsageError
from starshift.records import Target


def model(*classes: str, kind: str = "multi-class") -> SimpleNamespace:
    return SimpleNamespace(name="a model", target=Target("class", kind, classes))


def put(sorter: Sorter, paths, label: str = "cat") -> Sorter:
    for one in find_inputs(paths, sorter.folder):
        sorter.put(one, label)
    return sorter


def below(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.fixture
def photos(tmp_path) -> Path:
    for path, content in {"a/x.jpg": b"first", "b/x.jpg": b"second", "c/x.jpg": b"first", "c/y.jpg": b"third"}.items():
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / path).write_bytes(content)
    return tmp_path / "photos"


def test_a_taken_name_gets_a_number_and_the_same_content_is_left_alone(photos, tmp_path):
    sorter = put(Sorter(tmp_path / "out", model("cat", "dog")), [photos])
    assert below(tmp_path / "out") == {"cat/x.jpg": b"first", "cat/x (2).jpg": b"second", "cat/y.jpg": b"third"}
    assert sorter.sentence == f"Sorted into {tmp_path}/out: cat 4 (copies; 1 was there already)."


def test_the_same_again_changes_nothing_and_a_strangers_file_stays(photos, tmp_path):
    (tmp_path / "out/cat").mkdir(parents=True)
    (tmp_path / "out/cat/x.jpg").write_bytes(b"a stranger's")
    put(Sorter(tmp_path / "out", model("cat", "dog")), [photos])
    first = below(tmp_path / "out")
    assert first["cat/x.jpg"] == b"a stranger's" and len(first) == 4
    again = put(Sorter(tmp_path / "out", model("cat", "dog")), [photos])
    assert below(tmp_path / "out") == first
    assert again.sentence.endswith(": cat 4 (copies; 4 were there already).")


def test_without_a_class_it_lies_in_a_folder_of_its_own(photos, tmp_path):
    sorter = put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"], "")
    put(sorter, [photos / "b"], "dog")
    assert list(below(tmp_path / "out")) == [f"{UNSURE}/x.jpg", "dog/x.jpg"]
    assert sorter.sentence == f"Sorted into {tmp_path}/out: _unsure 1 and dog 1 (copies)."


def test_copies_keep_their_times(photos, tmp_path):
    os.utime(photos / "a/x.jpg", (1_000_000_000, 1_000_000_000))
    put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"])
    assert (tmp_path / "out/cat/x.jpg").stat().st_mtime == 1_000_000_000


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_links_are_absolute_and_zips_are_unpacked(photos, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as packed:
        packed.writestr("in/x.jpg", b"packed")
        packed.writestr("in/a?b.jpg", b"odd")
    monkeypatch.chdir(tmp_path)
    for there in (0, 6):
        sorter = put(Sorter(Path("out"), model("cat", "dog"), link=True), ["photos", "some.zip"])
        assert f"links; {there} were" in sorter.sentence or not there
    assert os.readlink("out/cat/x.jpg") == f"{photos}/a/x.jpg"
    assert os.readlink("out/cat/x (2).jpg") == f"{photos}/b/x.jpg"
    found = below(tmp_path / "out")
    assert found["cat/x (3).jpg"] == b"packed" and not (tmp_path / "out/cat/x (3).jpg").is_symlink()
    assert found["cat/a_b.jpg"] == b"odd" and len(found) == 5


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_that_leads_nowhere_keeps_its_name(photos, tmp_path):
    (tmp_path / "out/cat").mkdir(parents=True)
    (tmp_path / "out/cat/x.jpg").symlink_to(tmp_path / "gone")
    put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"])
    assert os.readlink(tmp_path / "out/cat/x.jpg") == str(tmp_path / "gone")
    assert (tmp_path / "out/cat/x (2).jpg").read_bytes() == b"first"


def test_a_stop_while_copying_leaves_no_half_file(photos, tmp_path, monkeypatch):
    def stopped(source, draft):
        draft.write_bytes(b"fir")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", stopped)
    with pytest.raises(KeyboardInterrupt):
        put(Sorter(tmp_path / "out", model("cat", "dog")), [photos])
    assert below(tmp_path / "out") == {}


def test_without_hard_links_a_file_that_came_meanwhile_is_not_overwritten(photos, tmp_path, monkeypatch):
    def none(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"])
    assert below(tmp_path / "out") == {"cat/x.jpg": b"first"}
    draft = tmp_path / "draft"
    draft.write_bytes(b"late")
    assert not sort._renamed(draft, tmp_path / "out/cat/x.jpg")
    assert below(tmp_path / "out") == {"cat/x.jpg": b"first"}


def test_what_vanished_is_counted_and_stops_nothing(photos, tmp_path):
    (one,) = find_inputs([photos / "a"])
    (photos / "a/x.jpg").unlink()
    sorter = Sorter(tmp_path / "out", model("cat", "dog"))
    sorter.put(one, "cat")
    assert sorter.sentence.endswith(": nothing (copies; 1 could not be read any more).")


def test_what_cannot_be_written_is_a_sentence(photos, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    said = rf"^{photos}/a/x.jpg cannot be put into '{tmp_path}/out/cat': No space left on device.$"
    with pytest.raises(RunError, match=said):
        put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"])
    (tmp_path / "out/dog").write_bytes(b"a file of that name")
    with pytest.raises(RunError, match="File exists"):
        put(Sorter(tmp_path / "out", model("cat", "dog")), [photos / "a"], "dog")


def test_what_cannot_be_sorted_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="file' is a file; --sort-into names a folder"):
        Sorter(tmp_path / "file", model("cat", "dog"))
    for kind in ("multi-label", "regression", "string"):
        with pytest.raises(
            UsageError, match="--sort-into is for models that tell one class of several; 'a model' does"
        ):
            Sorter(tmp_path / "out", model("a", "b", kind=kind))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("cat", "cat"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        (".hidden", "_.hidden"),
        ("dots. .", "dots"),
        ("", "_"),
        ("NUL", "_NUL"),
        ("com1.x", "_com1.x"),
        ("line\nbreak", "line_break"),
        ("猫", "猫"),
    ],
)
def test_names_that_file_systems_dislike_are_made_safe(name, plain):
    assert safe(name) == plain


def test_names_that_are_alike_are_kept_apart():
    names = folder_names(["Cat", "cat", "a/b", "a_b", "café", "cafe\u0301", UNSURE])
    assert list(names.values()) == ["Cat", "cat (2)", "a_b", "a_b (2)", "café", "cafe\u0301 (2)", f"{UNSURE} (2)"]


@given(st.lists(st.text(max_size=200), unique=True, max_size=6))
def test_every_class_has_a_folder_of_its_own_directly_below(tmp_path_factory, classes):
    names = folder_names(classes)
    place = tmp_path_factory.mktemp("names")
    for name in names.values():
        (place / name).mkdir()
        assert len(name.encode()) <= LONGEST + 8 and Path(name).name == name and not name.startswith(".")
    assert len({name.casefold() for name in (*names.values(), UNSURE)}) == len(classes) + 1
