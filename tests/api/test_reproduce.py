"""`starshift.reproduce` from end to end, on few pictures made in a moment."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import starshift
from api.test_fit import Heard
from discs import COLOURS, draw
from starshift.api import reproduce as module
from starshift.cli.main import app
from starshift.errors import DataError, RunError, UsageError
from starshift.ladder import fit as family
from starshift.ladder.rungs import RUNGS
from starshift.progress import Silent


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Kaggle's flat folder in small: 16 pictures per class, in train/."""
    folder = tmp_path_factory.mktemp("kaggle")
    (folder / "train").mkdir()
    for label, colour in (("cat", COLOURS["green"]), ("dog", COLOURS["red"])):
        for number in range(16):
            draw(colour, number + 100 * (label == "dog")).save(folder / "train" / f"{label}.{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def small_subset():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SUBSET", {"train": 16, "validation": 8, "test": 8})
        yield


@pytest.fixture(scope="module")
def done(flat, small_subset, tmp_path_factory):
    heard, out = Heard(), tmp_path_factory.mktemp("out") / "rep"
    table = starshift.reproduce(data=flat, rungs="convnet", seeds=2, out=out, progress=heard)
    return table, out, heard


def test_each_seed_is_a_run_and_the_table_holds_them_all(done):
    table, out, _ = done
    row = table.rungs[0]
    assert [(one.seed, one.run) for one in row.results] == [(0, "seed-0"), (1, "seed-1")]
    for one in row.results:
        record = starshift.Run(out / one.run).record
        assert record.seed == one.seed
        convnet = next(rung for rung in record.rungs if rung.name == "convnet")
        assert one.validation == convnet.score.accuracy and one.log_loss == convnet.score.log_loss.value
        assert one.test == (record.test.score.accuracy if record.test else None)
    assert table.parts == {"train": 16, "validation": 8, "test": 8}
    assert json.loads((out / "table.json").read_text())["experiment"] == "dogs-vs-cats"
    assert (out / "table.md").read_text().count("`convnet`") == 1
    assert "seed-1/report.html" in (out / "reproduction.html").read_text()


def test_training_accuracy_is_that_of_the_last_epoch(done):
    table, out, _ = done
    last = (out / "seed-0/rungs/convnet/history.jsonl").read_text().splitlines()[-1]
    assert table.rungs[0].results[0].training == json.loads(last)["accuracy"]


def test_the_plan_comes_first_and_the_subset_is_said(done):
    said = done[2].text
    assert "32 pictures in one folder: the subset of train (16), validation (8), test (8) is drawn with seed 0" in said
    assert said.index("Seed 1: to come: ") < said.index("Predicted in all: ") < said.index("Seed 0 of 0 to 1: ")


def test_the_same_command_continues(done, flat, monkeypatch):
    table, out, _ = done
    monkeypatch.setattr(family, "fit", None)  # nothing is left to be fitted
    heard = Heard()
    again = starshift.reproduce(data=flat, rungs="convnet", seeds=2, out=out, progress=heard)
    assert again.rungs == table.rungs
    assert "Seed 1: finished: baseline and convnet." in heard.text


def test_rungs_without_weights_are_rows_that_say_so(flat, small_subset, tmp_path):
    table = starshift.reproduce(data=flat, rungs="features", seeds=1, out=tmp_path / "rep", progress=Silent())
    assert table.rungs[0].results == () and "MobileNetV2 needs its weights" in table.rungs[0].skipped
    assert table.bases == ()


@pytest.mark.slow
def test_vgg16_with_random_weights_in_a_file(flat, small_subset, tmp_path):
    """What a user with VGG16's file gets, but for what it says: features at 224 px, and a note on the base."""
    import keras

    from models.test_pretrained import write_like_keras
    from starshift import catalogue
    from starshift.models import pretrained

    file = tmp_path / "vgg16.weights.h5"
    write_like_keras(pretrained.build(catalogue.base("vgg16"), None, size=32), file)
    keras.backend.clear_session()
    table = starshift.reproduce(
        data=flat, base=f"VGG16@{file}", rungs="features", seeds=1, out=tmp_path / "rep", progress=Silent()
    )
    assert table.bases == ("VGG16",)
    assert 0.4 <= table.rungs[0].results[0].training <= 1.0
    assert table.notes[0].startswith("Pretrained base: VGG16 with other weights than the published ones")


def test_notes_on_the_base():
    assert module._notes((), None) == ()
    assert module._notes(("VGG16",), "vgg16")[0].startswith("Pretrained base: VGG16, as the seeds have it")
    said = module._notes(("MobileNet", "MobileNetV2"), None)[0]
    assert said.startswith("Pretrained base: MobileNet and MobileNetV2, which is not the seeds' VGG16")


def test_all_problems_at_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        starshift.reproduce("dogs-vs-cat", data=tmp_path, seeds=0, rungs="convent", base="vgg17")
    assert list(caught.value.problems) == [
        "Experiment 'dogs-vs-cat' is not known. Did you mean 'dogs-vs-cats'?",
        "--seeds is how many root seeds to go through, 1 to 20; 0 came.",
        "Rung 'convent' is not known. Did you mean 'convnet'?",
        "There is no base 'vgg17'. Did you mean 'vgg19'?",
    ]


def test_a_folder_that_is_not_there_and_one_that_is_not_ours(flat, small_subset, tmp_path):
    with pytest.raises(DataError, match=r"There is no folder 'nowhere'\. Give the folder with the pictures by --data"):
        starshift.reproduce(data="nowhere", rungs="convnet", out=tmp_path / "rep", progress=Silent())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match=r"mine holds something else \(thesis.txt\)"):
        starshift.reproduce(data=flat, rungs="convnet", out=tmp_path / "mine", progress=Silent())


def test_the_command(done, flat):
    result = CliRunner().invoke(
        app,
        ["reproduce", "dogs-vs-cats", "--data", str(flat), "--rungs", "convnet", "--seeds", "2", "--out", str(done[1])],
    )
    assert result.exit_code == 0, result.output
    assert "convnet  seeds  99.0 %    72.4 %" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("reproduction.html")


def test_the_seeds_ladder_is_the_default():
    missing = [name for name in module.CLAIMS if name not in RUNGS]
    if missing:
        pytest.skip(f"not in the ladder yet: {missing}")
    assert module._check("dogs-vs-cats", None, 3, ()) == list(module.CLAIMS)


def test_a_file_is_no_folder_for_it(flat, tmp_path):
    (tmp_path / "table.md").write_text("")
    with pytest.raises(RunError, match=r"table\.md is a file; name a folder with --out"):
        starshift.reproduce(data=flat, rungs="convnet", out=tmp_path / "table.md", progress=Silent())


def test_the_baseline_alone_is_not_taken_for_all(flat, tmp_path):
    with pytest.raises(UsageError, match="The baseline is no rung of the seeds; give some of convnet, regularized"):
        starshift.reproduce(data=flat, rungs="baseline", out=tmp_path / "rep", progress=Silent())
