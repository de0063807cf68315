from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from starshift.augmentation import POLICIES
from starshift.errors import RunError
from starshift.ladder.folder import LONGEST_NAME, RunFolder, folder_name
from starshift.learnware import package
from starshift.recipe import Recipe, Stage
from starshift.records import Dataset, Epoch, Picture, Predictions, Split, Target


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("")
    with pytest.raises(RunError, match="is not empty and holds no run of Starshift; nothing was written") as caught:
        RunFolder(tmp_path).refuse_strangers()
    assert "--out" in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="is a file; name a folder for the run with --out"):
        RunFolder(tmp_path / "run").refuse_strangers()


def test_a_folder_without_run_json_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"is not the folder of a run: it has no run.json") as caught:
        RunFolder(tmp_path).read_run()
    assert "such as runs/NAME" in str(caught.value)


def test_a_run_of_another_form_is_refused_with_both_numbers(finished_run, tmp_path):
    record = json.loads((finished_run.path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(record | {"schema": 7}))
    with pytest.raises(RunError, match="has form 7; this version reads 2"):
        RunFolder(tmp_path).read_run()


def test_the_data_set_and_its_split_are_written_file_by_file(tmp_path):
    folder = RunFolder(tmp_path)
    pictures = tuple(Picture(f"a/{i}", "a", "", str(i) * 64, 4, 3, "PNG", "RGB", 9) for i in range(3))
    dataset = Dataset("x", "class folders", (Target.of_classes(("a", "b")),), pictures)
    folder.write_dataset(dataset, Split((0,), (2,), (1,), "by hand"))
    assert folder.read_dataset() == dataset
    split = json.loads((tmp_path / "splits.json").read_text())
    assert split["how"] == "by hand"
    assert [(one["path"], one["part"]) for one in split["examples"]] == [
        ("a/0", "train"), ("a/1", "test"), ("a/2", "validation"),
    ]  # fmt: skip
    assert split["examples"][1]["digest"] == "1" * 64


def test_a_history_grows_line_by_line_and_is_forgotten_with_its_rung(tmp_path):
    folder = RunFolder(tmp_path)
    epochs = [Epoch(number, 0.1, 1.0, 0.5, 1.0, 0.5) for number in (1, 2)]
    folder.clear_rung("convnet")
    for epoch in epochs:
        folder.append_epoch("convnet", epoch)
    assert folder.read_history("convnet") == epochs
    folder.clear_rung("convnet")
    assert folder.read_history("convnet") == []


def test_a_rung_is_there_once_its_predictions_and_its_model_are(tmp_path):
    folder = RunFolder(tmp_path)
    folder.clear_rung("baseline")
    assert not folder.has_rung("baseline")
    predictions = Predictions(("a", "b"), ("1",), np.array([0]), np.array([[1, 0]], np.float32))
    folder.write_answers("baseline", predictions)
    assert not folder.has_rung("baseline")
    (tmp_path / "rungs/baseline/model").mkdir()
    (tmp_path / "rungs/baseline/model/learnware.json").write_text("{}")
    assert folder.has_rung("baseline")


def test_publishing_replaces_the_model_and_adds_what_the_test_said(finished_run, tmp_path):
    shutil.copytree(finished_run.path, tmp_path / "run")
    folder, test = RunFolder(tmp_path / "run"), finished_run.record.test
    (tmp_path / "run/model/leftover").write_text("")
    folder.publish("baseline", test)
    learnware, _ = package.read(tmp_path / "run/model")
    assert learnware.builder == "majority" and [one.part for one in learnware.evaluations] == ["validation"]
    assert not (tmp_path / "run/model/leftover").exists() and not (tmp_path / "run/.model").exists()
    folder.publish("convnet", test)
    learnware, _ = package.read(tmp_path / "run/model")
    assert [(one.part, one.sealed) for one in learnware.evaluations] == [("validation", False), ("test", True)]
    assert learnware.evaluations[1].score == test.score


def test_a_test_part_that_was_never_opened_has_no_predictions(tmp_path):
    assert RunFolder(tmp_path).read_test(Target.of_classes(("a", "b"))) is None


def test_a_recipe_is_kept_whole(tmp_path):
    folder = RunFolder(tmp_path)
    folder.clear_rung("convnet")
    assert folder.read_recipe("convnet") is None
    stages = (Stage(epochs=3, augmentation=POLICIES["seeds"]), Stage(learning_rate=1e-5))
    recipe = Recipe(builder="convnet", size=150, arguments={"dense": 64}, stages=stages)
    folder.write_recipe("convnet", recipe)
    assert folder.read_recipe("convnet") == recipe


def test_every_rung_that_was_climbed_left_its_recipe(finished_run):
    folder = RunFolder(finished_run.path)
    for rung in finished_run.record.rungs:
        assert folder.read_recipe(rung.name) is not None, rung.name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not a Recipe that this version of Starshift can read"),
        ('{"builder": "convnett", "size": 8}', "Builder 'convnett' is not known"),
        ('{"builder": "majority", "size": 8, "stages": [{"augmentation": {"zoom": 7}}]}', "zoom must be a number"),
    ],
)
def test_a_recipe_that_is_not_known_is_refused_with_its_file(tmp_path, content, said):
    folder = RunFolder(tmp_path)
    folder.clear_rung("convnet")
    (tmp_path / "rungs/convnet/recipe.json").write_text(content)
    with pytest.raises(RunError, match=r"recipe\.json") as caught:
        folder.read_recipe("convnet")
    assert said in str(caught.value)


def test_sheets_are_kept_by_key_and_swept(tmp_path):
    folder = RunFolder(tmp_path)
    rows = [[b"%d %d" % (row, column) for column in range(12)] for row in range(11)]
    for key in ("one", "two"):
        folder.write_sheet(key, rows)
    assert folder.read_sheet("one") == rows and folder.read_sheet("three") == []
    folder.sweep_sheets({"two"})
    assert folder.read_sheet("one") == [] and folder.read_sheet("two") == rows


def test_a_variants_folder_is_one_that_every_file_system_takes(tmp_path):
    assert folder_name("features-augmented") == "features-augmented"
    assert folder_name("modern:sizes=64/96:l2=1e-3") == "modern+sizes=64-96+l2=1e-3"
    long, longer = "convnet:" + "l2=1:" * 40, "convnet:" + "l2=1:" * 41
    assert len(folder_name(long)) == LONGEST_NAME + 9 and folder_name(long) != folder_name(longer)
    folder = RunFolder(tmp_path)
    folder.clear_rung("modern:sizes=64/96")
    assert [one.name for one in (tmp_path / "rungs").iterdir()] == ["modern+sizes=64-96"]


def test_a_folder_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(RunError, match=r"notes\.txt is a file; name a folder for the run with --out"):
        RunFolder(tmp_path / "notes.txt" / "run").refuse_strangers()
