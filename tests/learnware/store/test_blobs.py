"""Files in a folder outlast a crash at any moment."""

from __future__ import annotations

import os

import pytest

from starshift.errors import StoreError
from starshift.learnware.store.blobs import FolderBlobs, digest_of


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path)


def test_a_file_lies_under_its_digest(blobs, tmp_path):
    digest = blobs.put(b"something")
    assert digest == digest_of(b"something")
    assert (tmp_path / digest[:2] / digest).read_bytes() == blobs.get(digest) == b"something"
    assert blobs.has(digest) and [one.digest for one in blobs.kept()] == [digest]


def test_file_and_folders_are_flushed_before_put_returns(blobs, tmp_path, monkeypatch):
    flushed = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to see what is flushed")
    monkeypatch.setattr(os, "fsync", noted)
    digest = blobs.put(b"something")
    folder = str(tmp_path / digest[:2])
    assert flushed[0] == str(tmp_path) and flushed[1].startswith(f"{folder}/.partial-") and flushed[2] == folder
    flushed.clear()
    blobs.put(b"something")  # another may have renamed it just now and not have come to flush the folder
    assert flushed == [folder]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_in_the_middle_leaves_no_file(blobs, step, monkeypatch):
    def crash(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (type(blobs.folder), "replace")), crash)
    with pytest.raises(KeyboardInterrupt):
        blobs.put(b"something")
    assert list(blobs.kept()) == [] and not blobs.has(digest_of(b"something"))


def test_drafts_of_a_killed_process_are_swept_once_they_are_old(blobs, tmp_path):
    draft = tmp_path / "ab" / ".partial-17"
    draft.parent.mkdir()
    draft.write_bytes(b"half")
    assert blobs.sweep(600) == 0 and list(blobs.kept()) == []
    os.utime(draft, (0, 0))
    assert blobs.sweep(600) == 1 and not draft.exists()


def test_damage_is_told_from_lack_and_mended(blobs, tmp_path):
    digest = blobs.put(b"something")
    file = tmp_path / digest[:2] / digest
    file.write_bytes(b"somethinG")
    with pytest.raises(StoreError, match="is damaged: its content has another digest"):
        blobs.get(digest)
    blobs.put(b"something")
    assert blobs.get(digest) == b"something"
    blobs.delete(digest)
    with pytest.raises(StoreError, match="is missing"):
        blobs.get(digest)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written: "):
        FolderBlobs(tmp_path / "file").put(b"something")
