"""RowStore: what goes in comes out, crashes leave nothing torn, damage is reported and done again."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from starshift.data.cache import RowStore, cache_root
from starshift.errors import StarshiftError


def store(root: Path, size: int = 3, **settings: int | str) -> RowStore:
    return RowStore(root, "numbers", {"size": size, **settings}, (size, 2), np.float32)


def row(i: int, size: int = 3) -> np.ndarray:
    return np.full((size, 2), i, np.float32)


def fill(into: RowStore, numbers) -> RowStore:
    with into.writer(len(numbers)) as writer:
        for i in numbers:
            writer.add(f"d{i}", row(i), {"number": i})
    return into


def values(rows) -> list[float]:
    return np.asarray(rows)[:, 0, 0].tolist()


def test_rows_and_facts_come_back_in_any_order_and_from_another_process(tmp_path):
    fill(store(tmp_path), range(10))
    again = store(tmp_path)
    assert len(again) == 10
    assert "d3" in again
    assert again.facts("d3") == {"number": 3}
    assert values(again.rows(["d7", "d2", "d7"])) == [7, 2, 7]
    assert again.missing(["d1", "x", "d2", "y", "x"]) == ["x", "y"]
    with pytest.raises(KeyError):
        again.rows(["x"])


def test_rows_behave_like_an_array(tmp_path):
    rows = fill(store(tmp_path), range(6)).rows([f"d{i}" for i in range(6)])
    assert (len(rows), rows.shape, rows.dtype, rows.ndim, rows.nbytes) == (6, (6, 3, 2), np.float32, 3, 144)
    assert rows[4][0, 0] == 4
    assert rows[-1][0, 0] == 5
    assert rows[[5, 0]][:, 0, 0].tolist() == [5, 0]
    assert rows[1:3][:, 0, 0].tolist() == [1, 2]
    assert rows[np.array([True, False] * 3)][:, 0, 0].tolist() == [0, 2, 4]
    assert rows[[]].shape == (0, 3, 2)
    assert [one[0, 0] for one in rows] == [0, 1, 2, 3, 4, 5]
    assert np.asarray(rows, dtype=np.float64).dtype == np.float64
    with pytest.raises(IndexError):
        rows[6]


def test_neighbours_in_one_shard_are_not_copied(tmp_path):
    held = fill(store(tmp_path), range(6))
    whole = np.asarray(held.rows([f"d{i}" for i in range(1, 5)]))
    assert not whole.flags.writeable
    assert not whole.flags.owndata
    scattered = held.rows(["d4", "d1"])
    assert np.asarray(scattered).flags.writeable
    with pytest.raises(ValueError, match="without a copy"):
        np.array(scattered, copy=False)


def test_rows_of_several_shards(tmp_path):
    held = fill(fill(store(tmp_path), range(4)), range(2, 8))
    assert len(list(held.folder.glob("*.npy"))) == 2
    assert values(held.rows([f"d{i}" for i in (7, 0, 5, 3)])) == [7, 0, 5, 3]
    assert values(held.rows([])) == []


def test_shards_are_plain_npy_files(tmp_path):
    held = fill(store(tmp_path), range(3))
    (shard,) = held.folder.glob("*.npy")
    assert np.load(shard)[:, 0, 0].tolist() == [0, 1, 2]
    assert json.loads((held.folder / "settings.json").read_text())["size"] == 3


def test_settings_shape_and_dtype_tell_stores_apart(tmp_path):
    folders = {
        store(tmp_path).folder,
        store(tmp_path, colour="red").folder,
        store(tmp_path, 4).folder,
        RowStore(tmp_path, "numbers", {"size": 3}, (3, 2), np.uint8).folder,
    }
    assert len(folders) == 4
    assert not tmp_path.joinpath("numbers").exists()  # nothing is written before the first row


def add_and_raise(held: RowStore, trouble: type[BaseException]) -> None:
    with held.writer(100) as writer:
        writer.add("a", row(1))
        raise trouble


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_what_was_added_before_an_interruption_is_kept(tmp_path, trouble):
    held = store(tmp_path)
    with pytest.raises(trouble):
        add_and_raise(held, trouble)
    assert values(store(tmp_path).rows(["a"])) == [1]


def test_two_writers_side_by_side_need_no_lock(tmp_path):
    one, other = store(tmp_path), store(tmp_path)
    with one.writer() as first, other.writer() as second:
        first.add("a", row(1))
        second.add("a", row(1))
        second.add("b", row(2))
    one.refresh()
    assert values(one.rows(["a", "b"])) == [1, 2]


def damage_size(shard: Path) -> None:
    os.truncate(shard, shard.stat().st_size - 1)


def damage_header(shard: Path) -> None:
    shard.write_bytes(b"x" + shard.read_bytes()[1:])


def damage_index(shard: Path) -> None:
    shard.with_suffix(".json").write_text("{")


def damage_by_loss(shard: Path) -> None:
    shard.unlink()


@pytest.mark.parametrize("damage", [damage_size, damage_header, damage_index, damage_by_loss])
def test_a_damaged_shard_is_removed_reported_and_missing(tmp_path, damage):
    held = fill(store(tmp_path), range(3))
    (shard,) = held.folder.glob("*.npy")
    damage(shard)
    again = store(tmp_path)
    assert again.missing(["d0", "d2"]) == ["d0", "d2"]
    assert len(again.damaged) == 1
    assert "computed again" in again.damaged[0]
    assert not shard.exists()
    assert not shard.with_suffix(".json").exists()
    assert values(fill(again, range(3)).rows(["d1"])) == [1]


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path):
    held = fill(store(tmp_path), range(2))
    old, young = held.folder / ".writing-old.npy", held.folder / ".writing-young.npy"
    for left in (old, young, held.folder / "lost.npy"):
        left.write_bytes(b"")
    for left in (old, held.folder / "lost.npy"):
        os.utime(left, (time.time() - 90_000,) * 2)
    fill(held, range(2, 4))
    assert sorted(path.name[:8] for path in held.folder.glob(".writing*")) == [".writing"]
    assert young.exists()
    assert not (held.folder / "lost.npy").exists()


def test_rows_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a row \(2,\)"), store(tmp_path).writer() as writer:
        writer.add("a", np.zeros(2, np.float32))


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    held = store(tmp_path)
    monkeypatch.setattr("starshift.data.cache.shutil.disk_usage", lambda _: type("", (), {"free": 10}))
    with pytest.raises(StarshiftError, match="is on a full disk") as caught, held.writer(5):
        pass
    assert str(held.folder) in str(caught.value)
    assert "STARSHIFT_CACHE" in str(caught.value)


def test_a_disk_that_fills_up_keeps_whole_rows(tmp_path, monkeypatch):
    held = store(tmp_path)
    with pytest.raises(StarshiftError, match="full disk"):
        add_two_and_fill_up(held)
    assert values(store(tmp_path).rows(["a"])) == [1]
    assert store(tmp_path).missing(["b"]) == ["b"]


def add_two_and_fill_up(held: RowStore) -> None:
    with held.writer() as writer:
        writer.add("a", row(1))
        writer._stream = Fills(writer._stream)
        writer.add("b", row(2))


class Fills:
    """A stream whose disk is full after a part of a row."""

    def __init__(self, stream):
        self._stream = stream
        self._full = True

    def write(self, data):
        if self._full:
            self._full = False
            self._stream.write(bytes(data)[:5])
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._stream.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def test_a_cache_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    held = store(tmp_path / "file")
    with pytest.raises(StarshiftError, match="cannot be written"):
        fill(held, range(1))


def test_cache_root(monkeypatch, tmp_path):
    monkeypatch.setenv("STARSHIFT_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("STARSHIFT_CACHE")
    monkeypatch.setattr("starshift.data.cache.sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_root() == Path("/elsewhere/starshift")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == Path.home() / ".cache" / "starshift"
    monkeypatch.setattr("starshift.data.cache.sys.platform", "darwin")
    assert cache_root() == Path.home() / "Library" / "Caches" / "starshift"
