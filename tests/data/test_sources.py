"""Folders and zips: links end, names are printable, and a zip that could do harm is not read."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from starshift.data import sources
from starshift.data.sources import open_source, printable, some
from starshift.errors import DataError, UnreadablePicture

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root


def zipped(file: Path, *entries: str | zipfile.ZipInfo, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in entries:
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_source(path)
    return str(caught.value)


def test_listing_is_sorted_with_forward_slashes(tmp_path):
    listing = open_source(touch(tmp_path, "b/2", "b/1", "a/c/3", "0")).listing
    assert listing.files == ["0", "a/c/3", "b/1", "b/2"]
    assert listing.folders == ["a", "a/c", "b"]


@posix
def test_linked_folders_are_read_once_under_their_own_name(tmp_path):
    inside, outside = touch(tmp_path / "in", "z/1"), touch(tmp_path / "out", "2")
    (inside / "a").symlink_to(inside / "z")
    (inside / "far").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    source = open_source(inside)
    assert source.listing.files == ["far/2", "z/1"]
    assert source.listing.skipped == {"links to folders that are read anyway": 2}
    assert source.read("far/2") == b"2"


@posix
def test_what_cannot_be_listed_is_set_aside(tmp_path, monkeypatch):
    touch(tmp_path, "open/1", "shut/2")
    true_scandir = os.scandir

    def guarded(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return true_scandir(path)

    monkeypatch.setattr(sources.os, "scandir", guarded)
    (lost,) = open_source(tmp_path).listing.set_aside
    assert (lost.path, lost.kind) == ("shut", "unreadable folder")
    assert lost.reason == "The folder cannot be listed: Permission denied."


def test_names_that_print_alike_stay_apart(tmp_path):
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9"))).write_text("bytes")
    except OSError:
        pytest.skip("this file system takes nothing but UTF-8")
    (tmp_path / "\\xe9").write_text("letters")
    source = open_source(tmp_path)
    assert sorted(source.listing.files) == ["\\xe9", "\\xe9~"]
    assert {source.read(name) for name in source.listing.files} == {b"bytes", b"letters"}
    assert printable("caf\udce9") == "caf\\xe9"


def test_files_over_the_limit_and_lost_files(tmp_path):
    source = open_source(touch(tmp_path, "12345"))
    with pytest.raises(UnreadablePicture, match="larger than 0 MiB"):
        source.read("12345", limit=4)
    (tmp_path / "12345").unlink()
    with pytest.raises(UnreadablePicture, match="not there"):
        source.read("12345")


def test_zips_are_read_in_place(tmp_path):
    source = open_source(zipped(tmp_path / "a.zip", "cat/1.jpg", "dog/", "cat/deep/2.jpg"))
    assert source.listing.files == ["cat/1.jpg", "cat/deep/2.jpg"]
    assert source.listing.folders == ["cat", "cat/deep", "dog"]
    assert (source.read("cat/1.jpg"), source.head("cat/1.jpg", 1)) == (b"x", b"x")


def test_utf8_names_of_packers_that_do_not_say_so(tmp_path):
    file = zipped(tmp_path / "a.zip", "XXXX.jpg")
    file.write_bytes(file.read_bytes().replace(b"XXXX", "éé".encode()))
    assert open_source(file).listing.files == ["éé.jpg"]


def link_entry() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", "C:/x", "..\\up"])
def test_entries_that_leave_the_folder(tmp_path, name):
    said = refusal(zipped(tmp_path / "a.zip", name, "fine"))
    assert "1 of its entries leave its folder" in said
    assert name in said
    assert "Pack the zip again" in said


def test_all_objections_at_once(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = zipped(tmp_path / "a.zip", "../up", link_entry(), "twice", "twice")
    said = refusal(file)
    assert "leave its folder" in said
    assert "are links" in said
    assert "another entry has too" in said


def test_encrypted_entries(tmp_path):
    file = zipped(tmp_path / "a.zip", "secret")
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(data)
    assert "are encrypted" in refusal(file)


def test_entries_that_explode(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "RATIO_MATTERS_BYTES", 2**20)
    assert "would explode when unpacked" in refusal(zipped(tmp_path / "a.zip", "0", content=bytes(2**21)))
    monkeypatch.setattr(sources, "MAX_TOTAL_BYTES", 10)
    assert "unpacks to" in refusal(zipped(tmp_path / "b.zip", "0", content=bytes(11)))
    monkeypatch.setattr(sources, "MAX_ENTRIES", 1)
    assert "holds 2 entries; at most 1" in refusal(zipped(tmp_path / "c.zip", "0", "1"))


def test_an_entry_is_never_unpacked_beyond_the_limit(tmp_path):
    source = open_source(zipped(tmp_path / "a.zip", "big", content=bytes(1000)))
    with pytest.raises(UnreadablePicture, match="larger than"):
        source.read("big", limit=999)


def test_a_damaged_entry_is_one_unreadable_file(tmp_path):
    file = zipped(tmp_path / "a.zip", "bad", content=os.urandom(200))
    data = bytearray(file.read_bytes())
    data[60] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(UnreadablePicture, match="cannot be unpacked"):
        open_source(file).read("bad")


def test_what_is_no_source(tmp_path):
    touch(tmp_path, "a.zip", "a.tar.gz", "a.jpg")
    assert "no complete zip" in refusal(tmp_path / "a.zip")
    assert "unpack it" in refusal(tmp_path / "a.tar.gz")
    assert "a single file" in refusal(tmp_path / "a.jpg")


def test_lists_in_sentences():
    assert [some(range(n)) for n in (0, 1, 2, 3)] == ["", "0", "0 and 1", "0, 1 and 2"]
    assert some(range(1, 34)) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 23 more"
