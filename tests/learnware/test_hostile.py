"""One examination for every kind of hostile learnware: refused with its reason, nothing written, memory bounded."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from learnware import hostile
from starshift.errors import RunError
from starshift.learnware import archive, declared, package

MOST_MEMORY = 64 * 2**20
"""Bytes at the peak, beyond those of the package itself."""


def listing(*folders: Path) -> set[tuple[str, int]]:
    return {(str(path), path.lstat().st_mtime_ns) for folder in folders for path in folder.rglob("*")}


def refused(read) -> str:
    """The reason, after a look at memory."""
    tracemalloc.start()
    try:
        with pytest.raises(RunError) as caught:
            read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak / 2**20:.0f} MiB"
    assert all(problem.isprintable() for problem in caught.value.problems), "the reason itself must not deceive"
    return str(caught.value)


def test_the_learnware_that_all_others_are_made_of_is_good():
    found = package.load(archive.packed(hostile.good()))
    assert found.specification is not None and found.learnware.builder == "frozen"
    assert package.load(archive.packed(hostile.forged(hostile.good()))).contents.keys() == hostile.good().keys()


@pytest.mark.parametrize("kind", hostile.LOADED)
def test_it_is_refused_with_its_reason(kind, tmp_path, monkeypatch):
    make, said = hostile.LOADED[kind]
    content = make()
    (tmp_path / "a/b/c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b/c")
    file = tmp_path / "a/learnware.tar"
    file.write_bytes(content)
    before = listing(tmp_path)
    assert said in refused(lambda: package.load(content))
    assert said in refused(lambda: package.load(file))
    assert listing(tmp_path) == before and not Path("/tmp/starshift-was-here").exists()


@pytest.mark.parametrize("kind", hostile.VERIFIED)
def test_a_network_is_refused_before_it_is_allocated(kind):
    make, said = hostile.VERIFIED[kind]
    found = package.load(make())
    declared.verify(package.load(archive.packed(hostile.network())).learnware, hostile_tensors())  # Keras is loaded
    assert said in refused(lambda: declared.verify(found.learnware, found.tensors))


def hostile_tensors():
    return package.load(archive.packed(hostile.network())).tensors


@pytest.mark.parametrize("kind", hostile.VERIFIED)
def test_what_was_not_verified_is_not_used_either(kind, tmp_path):
    from starshift.compose.opening import open_model

    make, said = hostile.VERIFIED[kind]
    found = package.load(make())
    model = open_model(found.learnware, found.tensors, tmp_path)
    with pytest.raises(RunError) as caught:
        getattr(model, "network")  # noqa: B009  what it holds is not asked for
    assert said in str(caught.value)
    assert not (tmp_path / "networks").exists()


# --- folders ---


@pytest.fixture
def folder(tmp_path):
    package.unpack(package.load(archive.packed(hostile.good())), tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_is_read(folder):
    (folder / ".DS_Store").write_bytes(b"what file managers leave")
    assert package.load(folder) == package.load(archive.packed(hostile.good()))


def test_a_link_is_not_followed(folder, tmp_path):
    (folder / "README.md").rename(tmp_path / "elsewhere")
    (folder / "README.md").symlink_to(tmp_path / "elsewhere")
    assert "README.md is a symbolic link, which is not followed." in refused(lambda: package.load(folder))


def test_a_link_to_a_device_is_not_read(folder):
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("/dev/zero")
    assert "README.md is a symbolic link" in refused(lambda: package.load(folder))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders of this system")
def test_a_pipe_is_not_waited_for(folder):
    (folder / "README.md").unlink()
    os.mkfifo(folder / "README.md")
    assert "README.md is no regular file." in refused(lambda: package.load(folder))


def test_a_sparse_file_of_a_terabyte_is_not_read_to_its_end(folder):
    with (folder / "README.md").open("wb") as stream:
        stream.truncate(2**40)
    assert "README.md is larger than 262,144 bytes" in refused(lambda: package.load(folder))


def test_another_file_is_refused(folder):
    (folder / "setup.py").write_text("import os")
    assert "'setup.py' does not belong to a learnware" in refused(lambda: package.load(folder))


def test_a_device_in_place_of_a_learnware_is_refused():
    assert "zero is no regular file." in refused(lambda: package.load(Path("/dev/zero")))
