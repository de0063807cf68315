"""From a run folder with recipes to sheets of augmented pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from report.fake_run import fake_run
from starshift.api.render import write_report
from starshift.api.sheets import ROWS, make_sheets, policies
from starshift.augmentation import POLICIES, Augmentation
from starshift.data.decode import Frame
from starshift.data.read import Pictures, read
from starshift.ladder.folder import RunFolder
from starshift.recipe import Recipe, Stage
from starshift.records import Split


def recipe(policy: Augmentation, size: int = 40) -> Recipe:
    return Recipe(builder="convnet", size=size, stages=(Stage(augmentation=policy),))


@pytest.fixture
def pictures(tiny_pictures: Path, tmp_path: Path) -> Pictures:
    return read(tiny_pictures, frame=Frame(64), cache=tmp_path / "cache")


@pytest.fixture
def folder(pictures: Pictures, tmp_path: Path) -> RunFolder:
    """Three finished rungs: `baseline` without policy, two that saw the same, one of them by name."""
    made, count = RunFolder(tmp_path / "run"), len(pictures.dataset.pictures)
    made.create()
    made.write_dataset(pictures.dataset, Split(tuple(range(0, count, 2)), tuple(range(1, count, 2)), (), "by hand"))
    fake = fake_run(
        pictures.dataset.classes, skills={"baseline": 0, "convnet": 0.7, "features": 0.9}, test=False, epochs=0
    )
    made.write_run(fake.run)
    for name, policy in (("baseline", "none"), ("convnet", "seeds"), ("features", "seeds")):
        made.clear_rung(name)
        made.write_recipe(name, recipe(POLICIES[policy]))
    return made


def sheets(folder: RunFolder, pictures: Pictures | None) -> list:
    return make_sheets(folder, folder.read_run(), folder.read_dataset(), pictures)


def test_rungs_that_saw_the_same_share_a_sheet(folder, pictures):
    (sheet,) = sheets(folder, pictures)
    assert (sheet.policy, sheet.size, sheet.rungs) == (POLICIES["seeds"], 40, ("convnet", "features"))
    assert len(sheet.rows) == len(sheet.labels) == ROWS and all(len(row) == 6 for row in sheet.rows)
    assert set(sheet.labels) == set(pictures.dataset.classes)
    assert all(Image.open(BytesIO(picture)).size == (40, 40) for row in sheet.rows for picture in row)


def test_sheets_are_kept_and_shown_without_the_pictures(folder, pictures):
    made = sheets(folder, pictures)
    assert sheets(folder, None) == made == sheets(folder, pictures)


def test_a_sheet_that_lost_a_row_is_made_again(folder, pictures):
    made = sheets(folder, pictures)
    (kept,) = (folder.path / "augmented").iterdir()
    (folder.path / "augmented/.DS_Store").write_text("a stranger")
    (kept / "notes-1.jpg").write_text("another")
    for file in kept.glob("2-*.jpg"):
        file.unlink()
    assert sheets(folder, None) == []
    assert sheets(folder, pictures) == made


def test_a_sheet_that_nothing_saw_any_more_is_dropped(folder, pictures):
    sheets(folder, pictures)
    for name in ("convnet", "features"):
        folder.write_recipe(name, recipe(POLICIES["digits"]))
    (sheet,) = sheets(folder, pictures)
    assert sheet.policy == POLICIES["digits"]
    assert len(list((folder.path / "augmented").iterdir())) == 1


def test_rungs_without_a_recipe_or_unfinished_have_none(folder, pictures):
    (folder.path / "rungs/convnet/recipe.json").unlink()
    run = folder.read_run()
    (_, _, last) = run.rungs
    folder.write_run(
        msgspec.structs.replace(run, rungs=(*run.rungs[:2], msgspec.structs.replace(last, status="skipped")))
    )
    assert sheets(folder, pictures) == []


def test_a_recipe_names_policies_in_its_stages_and_for_its_views():
    seeds, crops = POLICIES["seeds"], POLICIES["crops"]
    stages = (Stage(augmentation=seeds), Stage(), Stage(augmentation=seeds))
    assert policies(Recipe(builder="convnet", size=40, stages=stages)) == [seeds]
    assert policies(Recipe(builder="frozen", size=224, arguments={"augmentation": "crops", "views": 4})) == [crops]
    assert policies(Recipe(builder="frozen", size=224, arguments={"augmentation": "none"})) == []
    assert policies(Recipe(builder="majority", size=8)) == []


def test_the_report_shows_them(folder, pictures):
    html = write_report(folder, pictures, {}).read_text(encoding="utf-8")
    assert "What the network sees" in html and "Turned by up to 40°" in html
    assert "What the network sees" in write_report(folder, None, {}).read_text(encoding="utf-8")
