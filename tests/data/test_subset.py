"""A seeded subset of a flat folder, as links."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.data.subset import draw, flat_folder, link
from starshift.errors import DataError

COUNTS = {"train": 20, "validation": 10, "test": 10}


def kaggle(folder: Path, per_class: int = 30) -> Path:
    """Kaggle's names; nothing but names is looked at."""
    folder.mkdir(parents=True)
    for label in ("cat", "dog"):
        for number in range(per_class):
            (folder / f"{label}.{number}.jpg").write_bytes(b"")
    return folder


@pytest.mark.parametrize("inside", [".", "train"])
def test_a_flat_folder_is_known_by_its_names_also_inside_train(tmp_path, inside):
    kaggle(tmp_path / "data" / inside)
    (tmp_path / "data" / "sampleSubmission.csv").write_text("id,label")
    folder, by_class = flat_folder(tmp_path / "data")
    assert folder == tmp_path / "data" / inside
    assert {label: len(files) for label, files in by_class.items()} == {"cat": 30, "dog": 30}


def test_class_folders_are_not_flat(tmp_path):
    for part in ("train", "validation"):
        kaggle(tmp_path / "sets" / part / "cats", per_class=2)
    assert flat_folder(tmp_path / "sets") is None


def test_the_draw_is_balanced_disjoint_and_its_own_at_every_seed(tmp_path):
    folder, by_class = flat_folder(kaggle(tmp_path / "flat"))
    drawn = draw(folder, by_class, COUNTS, seed=0)
    assert len(set(drawn.values())) == len(drawn) == 40
    for part, count in COUNTS.items():
        for label in ("cat", "dog"):
            assert sum(place.startswith(f"{part}/{label}/{label}.") for place in drawn) == count // 2
    assert drawn == draw(folder, by_class, COUNTS, seed=0) != draw(folder, by_class, COUNTS, seed=1)


def test_the_seeds_subset_of_25_000():
    by_class = {label: [f"{label}.{n}.jpg" for n in range(12_500)] for label in ("cat", "dog")}
    drawn = draw(Path("all"), by_class, {"train": 2000, "validation": 1000, "test": 1000}, seed=0)
    assert len(set(drawn.values())) == 4000


@given(st.integers(0, 40), st.integers(0, 40))
def test_it_takes_enough_of_each_class(cats, dogs):
    by_class = {"cat": [f"cat.{n}.jpg" for n in range(cats)], "dog": [f"dog.{n}.jpg" for n in range(dogs)]}
    if min(cats, dogs) >= 20:
        assert len(draw(Path("all"), by_class, COUNTS, seed=0)) == 40
    else:
        with pytest.raises(DataError, match=r"takes 20 of each class \(20 for train, 10 for validation, 10 for test\)"):
            draw(Path("all"), by_class, COUNTS, seed=0)


def test_links_lead_to_the_pictures_and_stay(tmp_path):
    folder, by_class = flat_folder(kaggle(tmp_path / "flat"))
    drawn = draw(folder, by_class, COUNTS, seed=0)
    out = link(drawn, tmp_path / "out" / "pictures")
    made = list(out.rglob("*.jpg"))
    assert len(made) == 40 and all(file.is_symlink() and file.resolve().parent == folder.resolve() for file in made)
    made[0].unlink()
    assert link(drawn, out) == out and made[0].is_symlink()


def test_another_selection_is_not_mixed_with_it(tmp_path):
    folder, by_class = flat_folder(kaggle(tmp_path / "flat"))
    link(draw(folder, by_class, COUNTS, seed=0), tmp_path / "out")
    with pytest.raises(DataError, match=r"out holds other files \(.*name another folder with --out"):
        link(draw(folder, by_class, COUNTS, seed=1), tmp_path / "out")


def test_where_links_cannot_be_made_it_says_so(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder, by_class = flat_folder(kaggle(tmp_path / "flat"))
    with pytest.raises(DataError, match=r"No link to a picture can be made in .*\(Operation not permitted\)"):
        link(draw(folder, by_class, COUNTS, seed=0), tmp_path / "out")


def test_counts_that_classes_cannot_share_are_refused():
    by_class = {name: [f"{name}.{n}.jpg" for n in range(40)] for name in ("cat", "dog", "fox")}
    with pytest.raises(DataError, match=r"pictures of 3 classes \(cat, dog and fox\), among which 20 for train cannot"):
        draw(Path("all"), by_class, COUNTS, seed=0)


def test_pictures_that_were_moved_are_linked_anew(tmp_path):
    out = tmp_path / "out"
    link(draw(*flat_folder(kaggle(tmp_path / "flat")), COUNTS, seed=0), out)
    (tmp_path / "flat").rename(tmp_path / "moved")
    link(draw(*flat_folder(tmp_path / "moved"), COUNTS, seed=0), out)
    assert all(file.resolve().parent == tmp_path / "moved" for file in out.rglob("*.jpg"))


def test_a_file_in_place_of_a_link_is_left_alone(tmp_path):
    drawn = draw(*flat_folder(kaggle(tmp_path / "flat")), COUNTS, seed=0)
    place = link(drawn, tmp_path / "out") / next(iter(drawn))
    place.unlink()
    place.write_bytes(b"my own copy")
    link(drawn, tmp_path / "out")
    assert place.read_bytes() == b"my own copy" and not place.is_symlink()
