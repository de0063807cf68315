from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import RunError
from starshift.learnware import archive

FILES = st.dictionaries(st.sampled_from(sorted(archive.LARGEST)), st.binary(max_size=2000))


@given(FILES)
def test_files_come_back_and_the_same_files_are_the_same_bytes(contents):
    tar = archive.packed(contents)
    assert archive.read(tar) == contents
    assert archive.packed(dict(reversed(contents.items()))) == tar


@given(FILES)
def test_others_read_it_and_nothing_of_the_maker_is_in_it(contents):
    with tarfile.open(fileobj=io.BytesIO(archive.packed(contents))) as read:
        for info in read:
            assert read.extractfile(info).read() == contents[info.name]
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, 0, "", "", 0o644)


def test_a_tar_of_another_program_is_read():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as made:
        info = tarfile.TarInfo("README.md")
        info.size, info.mtime, info.uname, info.mode = 3, 1_700_000_000, "me", 0o600
        made.addfile(info, io.BytesIO(b"abc"))
    assert archive.read(stream.getvalue()) == {"README.md": b"abc"}


@settings(max_examples=300)
@given(FILES, st.data())
def test_a_damaged_tar_has_known_names_only_or_is_refused(contents, data):
    tar = bytearray(archive.packed(contents))
    for _ in range(data.draw(st.integers(1, 5))):
        tar[data.draw(st.integers(0, len(tar) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = archive.read(bytes(tar))
    except RunError:
        return
    assert found.keys() <= archive.LARGEST.keys()


def test_a_folder_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(type(tmp_path), "rename", _fails)
    with pytest.raises(RunError, match=r"model cannot be written: No space left on device\."):
        archive.unpacked({"README.md": b"abc"}, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def _fails(*_):
    raise OSError(28, "No space left on device")
