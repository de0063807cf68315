"""Files to predict: which are meant, in which order, and how each is read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from starshift.data.inputs import find_inputs
from starshift.errors import UnreadablePicture

JPEG = b"\xff\xd8\xff"
"""What a JPEG begins with; nothing is decoded here."""


@pytest.fixture
def folder(tmp_path) -> Path:
    for path in ("b.jpg", "a/c.jpg", "sorted/cat/b.jpg", "sorted too/d.jpg"):
        file = tmp_path / "f" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG + path.encode())
    return tmp_path / "f"


def names(folder: Path, inputs) -> list[str]:
    return [one.path.removeprefix(f"{folder}/") for one in inputs]


def test_files_folders_and_zips_come_in_the_order_given(folder, tmp_path):
    (folder / "a/notes.txt").write_text("")
    (folder / "a/raw.nef").write_bytes(b"II*\0")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as target:
        target.write(folder / "b.jpg", "in/b.jpg")
    inputs = find_inputs([tmp_path / "z.zip", folder / "a", folder / "a/notes.txt", tmp_path / "missing.jpg"])
    assert names(tmp_path, inputs) == ["z.zip/in/b.jpg", "f/a/c.jpg", "f/a/raw.nef", "f/a/notes.txt", "missing.jpg"]
    assert [one.file for one in inputs] == [
        None,
        *(folder / "a" / name for name in ("c.jpg", "raw.nef", "notes.txt")),
        tmp_path / "missing.jpg",
    ]
    assert inputs[0].load() == (folder / "b.jpg").read_bytes() and inputs[1].load().endswith(b"a/c.jpg")
    for bad, words in ((2, "RAW format is not supported"), (4, "The file is not there.")):
        with pytest.raises(UnreadablePicture, match=words):
            inputs[bad].load()


def test_they_are_a_sequence(folder):
    inputs = find_inputs([folder / "b.jpg", folder, folder / "a"])
    assert len(inputs) == 6 == len(list(inputs))
    assert inputs[-1].path == inputs[5].path == f"{folder}/a/c.jpg"
    assert [one.path for one in inputs[1:6:2]] == [list(inputs)[place].path for place in (1, 3, 5)]
    with pytest.raises(IndexError):
        inputs[6]
    assert len(find_inputs([])) == 0 and list(find_inputs([])) == []


def test_a_folder_inside_is_left_out_where_that_is_asked_for(folder):
    assert names(folder, find_inputs([folder], folder / "sorted")) == ["a/c.jpg", "b.jpg", "sorted too/d.jpg"]
    assert len(find_inputs([folder], folder / "a/../sorted")) == 3
    assert len(find_inputs([folder], folder)) == 4
    assert names(folder, find_inputs([folder / "sorted"], folder / "sorted")) == ["sorted/cat/b.jpg"]
    assert len(find_inputs([folder], folder.parent)) == 4


def test_names_that_no_encoding_can_write_are_shown_and_read(tmp_path):
    try:
        (tmp_path / "caf\udce9.jpg").write_bytes(JPEG)
    except (OSError, UnicodeError):
        pytest.skip("the file system takes UTF-8 alone")
    (one,) = find_inputs([tmp_path])
    assert one.path == f"{tmp_path}/caf\\xe9.jpg" and one.load() == JPEG == one.file.read_bytes()
