"""`fit` from end to end, on pictures made in a moment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import starshift
from discs import COLOURS, draw, draw_set
from starshift.api.run import Run
from starshift.cli.tables import show_run
from starshift.errors import DataError, LeakError, RunError, UsageError
from starshift.ladder import fit as family
from starshift.progress import Silent


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.tasks: list[str] = []
        self.finished = True

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def start(self, task: str, total: int) -> None:
        self.tasks.append(task)
        self.finished = False

    def finish(self) -> None:
        self.finished = True

    @property
    def text(self) -> str:
        return "\n".join(self.sentences)


def fit(source: Path, out: Path, *, rungs="baseline", progress=None, **options) -> Run:
    return starshift.fit(source, out=out, rungs=rungs, progress=progress or Silent(), **options)


@pytest.fixture
def climbed(monkeypatch) -> list[str]:
    """The builders of the rungs that are really fitted, in their order."""
    done: list[str] = []
    original = family.fit

    def counted(recipe, materials, **callbacks):
        done.append(recipe.builder)
        return original(recipe, materials, **callbacks)

    monkeypatch.setattr(family, "fit", counted)
    return done


@pytest.fixture
def run_of_its_own(finished_run, finished_pictures, tmp_path) -> tuple[Path, Path]:
    """Pictures and their finished run, copied, so that a test may change both."""
    pictures, run = tmp_path / "tiny", tmp_path / "run"
    shutil.copytree(finished_pictures, pictures)
    shutil.copytree(finished_run.path, run)
    return pictures, run


def given_parts(folder: Path, *parts: str, per_class: int = 6) -> Path:
    for number, part in enumerate(parts):
        for name in ("green", "red"):
            (folder / part / name).mkdir(parents=True)
            for i in range(per_class):
                draw(COLOURS[name], 100 * number + i).save(folder / part / name / f"{i}.png")
    return folder


def rungs_of(run: Run) -> dict[str, str]:
    return {rung.name: rung.status for rung in run.record.rungs}


# --- the whole job ---


def test_a_finished_run_holds_all_that_was_promised(finished_run):
    names = {str(file.relative_to(finished_run.path)) for file in finished_run.path.rglob("*") if file.is_file()}
    assert names >= {
        "run.json", "dataset.json", "splits.json", "report.html", "test.csv",
        "model/learnware.json", "model/model.safetensors", "model/README.md",
        "rungs/baseline/validation.csv", "rungs/convnet/history.jsonl", "rungs/convnet/validation.csv",
    }  # fmt: skip
    assert not [name for name in names if Path(name).name.startswith(".")]


def test_a_network_learns_the_tiny_pictures_and_says_so(finished_run):
    record = finished_run.record
    assert rungs_of(finished_run) == {"baseline": "finished", "convnet": "finished"}
    assert record.chosen == "convnet" and record.finished
    baseline, convnet = record.rungs
    assert convnet.score.accuracy.value > baseline.score.accuracy.value
    assert baseline.verdict is None and convnet.verdict.against == "baseline"
    assert convnet.verdict.about == "model"
    assert convnet.details["pictures"] == "28×28 pixels"
    assert convnet.predicted_seconds > 0 and convnet.seconds > 0
    assert record.split == "stratified 6:2:2, seed 0"
    assert record.environment.versions["keras"]


def test_the_test_part_is_opened_for_the_chosen_rung_and_written_down(finished_run):
    test = finished_run.record.test
    assert test.rung == "convnet" and test.opened and test.score.accuracy.n == finished_run.record.data.parts["test"]


def test_splits_json_lists_every_picture_with_its_digest(finished_run, finished_pictures):
    split = json.loads((finished_run.path / "splits.json").read_text())
    paths = {str(file.relative_to(finished_pictures)) for file in finished_pictures.rglob("*.*")}
    assert {one["path"] for one in split["examples"]} == paths
    assert {one["part"] for one in split["examples"]} == {"train", "validation", "test"}
    assert all(len(one["digest"]) == 64 for one in split["examples"])


def test_python_users_get_table_report_and_predictions(finished_run, finished_pictures):
    assert [row["rung"] for row in finished_run.table] == ["baseline", "convnet"]
    assert finished_run.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    (one,) = finished_run.predict(finished_pictures / "red" / "red-00.png")
    assert one.label in COLOURS
    assert repr(finished_run) == f"Run({str(finished_run.path)!r})"


def test_what_was_understood_and_planned_is_said_aloud(tiny_pictures, tmp_path):
    heard = Heard()
    fit(tiny_pictures, tmp_path / "run", progress=heard)
    assert heard.sentences[0].startswith("36 pictures of 3 classes (green 12, red 12, sky 12), by class folders;")
    assert heard.sentences[-1].startswith("Predicted: baseline ") and heard.sentences[-1].endswith("; budget 5 min.")
    assert "reading" in heard.tasks and heard.finished


# --- again ---


def test_a_second_call_skips_what_is_finished(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    before, heard = Run(out).record, Heard()
    run = fit(pictures, out, rungs="convnet", progress=heard)
    assert climbed == []
    assert "baseline is finished already; kept." in heard.text and "convnet is finished already; kept." in heard.text
    assert [rung.score for rung in run.record.rungs] == [rung.score for rung in before.rungs]
    assert run.record.test == before.test
    assert "Predicted" not in heard.text


def test_asking_for_fewer_rungs_keeps_the_others(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    run = fit(pictures, out, rungs="baseline")
    assert climbed == [] and rungs_of(run) == {"baseline": "finished", "convnet": "finished"}


def test_another_size_redoes_the_networks_and_nothing_else(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    run = fit(pictures, out, rungs="convnet", size=20)
    assert climbed == ["convnet-28px"]
    assert run.record.rungs[1].details["pictures"] == "20×20 pixels"


def test_another_seed_redoes_everything(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    run = fit(pictures, out, seed=1)
    assert climbed == ["majority"]
    assert run.record.split == "stratified 6:2:2, seed 1"
    assert rungs_of(run) == {"baseline": "finished"}  # convnet belongs to another task and was not asked for


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_other_pictures_redo_everything(run_of_its_own, climbed, change):
    pictures, out = run_of_its_own
    file = pictures / "red" / ("red-00.png" if change != "added" else "new.png")
    file.unlink() if change == "removed" else draw(COLOURS["red"], 999).save(file)
    run = fit(pictures, out)
    assert climbed == ["majority"]
    assert sum(run.record.data.classes.values()) == {"changed": 36, "added": 37, "removed": 35}[change]


def test_pictures_under_new_names_are_the_same_pictures(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    for file in (pictures / "red").iterdir():
        file.rename(file.with_name(file.name.replace("red", "rot")))
    run = fit(pictures, out)
    assert climbed == [] and rungs_of(run) == {"baseline": "finished", "convnet": "finished"}
    for name in ("rungs/baseline/validation.csv", "rungs/convnet/validation.csv", "test.csv"):
        paths = [line.partition(",")[0] for line in (out / name).read_text().splitlines()[1:]]
        assert all((pictures / path).is_file() for path in paths)
    run.render()


def test_a_rung_that_failed_to_leave_its_files_is_done_again(run_of_its_own, climbed):
    pictures, out = run_of_its_own
    (out / "rungs/baseline/validation.csv").unlink()
    fit(pictures, out, rungs="convnet")
    assert climbed == ["majority"]


def test_the_report_can_be_rendered_although_the_pictures_are_gone(run_of_its_own):
    pictures, out = run_of_its_own
    shutil.rmtree(pictures)
    (out / "report.html").unlink()
    assert "convnet" in Run(out).report.read_text(encoding="utf-8")


# --- the sealed test part ---


def test_a_baseline_opens_no_test_part(tiny_pictures, tmp_path):
    run = fit(tiny_pictures, tmp_path / "run")
    assert run.record.chosen == "baseline" and run.record.test is None
    assert not (tmp_path / "run/test.csv").exists()


def test_the_test_part_is_not_opened_again_when_another_rung_becomes_the_best(run_of_its_own, monkeypatch):
    pictures, out = run_of_its_own
    first = Run(out).record
    assert first.test.rung == "convnet"
    monkeypatch.setattr("starshift.ladder.climb._on_validation", lambda record: record.name == "baseline")
    monkeypatch.setattr("starshift.api.fit.open_test", None)
    second = fit(pictures, out).record
    assert second.chosen == "baseline" and second.test == first.test
    (note,) = second.notes
    assert note == (
        f"The test part was opened on {first.test.opened} for 'convnet' and is not opened again for 'baseline', "
        "which is now the best on the validation part (--open-test-again does)."
    )


def test_a_second_opening_takes_a_flag_and_is_counted_aloud(run_of_its_own, monkeypatch, capsys):
    pictures, out = run_of_its_own
    first, other = Run(out).record.test, "convnet:epochs=1"
    monkeypatch.setattr("starshift.ladder.climb._on_validation", lambda record: record.name == other)
    run = fit(pictures, out, rungs=f"convnet,{other}", open_test_again=True)
    assert [opening.rung for opening in run.record.openings] == ["convnet", other]
    assert run.record.test_uses == 2 and run.record.test != first
    assert "Test data was used 2 times" in run.report.read_text(encoding="utf-8")
    show_run(run)
    assert f"Test data, used 2 times, the last time for {other}" in capsys.readouterr().out
    again = fit(pictures, out, rungs=f"convnet,{other}", open_test_again=True)
    assert len(again.record.openings) == 2  # the same model is not tested twice


def test_what_was_said_of_another_test_part_is_forgotten(run_of_its_own):
    pictures, out = run_of_its_own
    run = fit(pictures, out, seed=1)  # another split, and only the baseline to score on it
    assert run.record.test is None and not (out / "test.csv").exists()


def test_changing_the_seed_and_back_does_not_break_the_seal(run_of_its_own, monkeypatch):
    pictures, out = run_of_its_own
    first = Run(out).record.test
    fit(pictures, out, seed=1)
    assert Run(out).record.openings == (first,)
    monkeypatch.setattr("starshift.api.fit.open_test", None)
    again = fit(pictures, out, rungs="convnet").record
    assert again.test == first and again.openings == (first,)


def test_a_set_without_a_test_part_says_so(tmp_path):
    source = given_parts(tmp_path / "parts", "train", "val")
    run = fit(source, tmp_path / "run")
    assert run.record.test is None and not (tmp_path / "run/test.csv").exists()
    assert "no sealed test part: the validation pictures also choose the model" in run.record.split
    assert run.record.data.parts["test"] == 0


def test_given_parts_are_kept(tmp_path):
    source = given_parts(tmp_path / "parts", "training_set", "valid", "test")
    heard = Heard()
    run = fit(source, tmp_path / "run", progress=heard)
    assert run.record.data.parts == {"train": 12, "validation": 12, "test": 12}
    assert run.record.split == "as the folders give it (train, validation, test)"
    assert "training_set" in heard.text and "valid" in heard.text


# --- what stops a run, in words ---


def test_all_problems_of_the_options_come_together(tiny_pictures, tmp_path):
    with pytest.raises(UsageError) as caught:
        fit(tiny_pictures, tmp_path / "run", rungs="feature", size=3, budget="soon", seed=-3, base="mobile")
    assert len(caught.value.problems) == 5
    assert not (tmp_path / "run").exists()


def test_a_source_that_is_not_there_leaves_no_folder(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        fit(tmp_path / "nowhere", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_leaks_between_given_parts_stop_with_the_pairs(tmp_path):
    source = given_parts(tmp_path / "parts", "train", "test")
    shutil.copy(source / "train/red/0.png", source / "test/red/copy.png")
    heard = Heard()
    with pytest.raises(LeakError) as caught:
        fit(source, tmp_path / "run", progress=heard)
    assert caught.value.problems[0].startswith("1 picture stands in more than one of the given parts")
    assert "--allow-leaks" in caught.value.problems[0]
    assert set(caught.value.problems[1].split(" = ")) == {"train/red/0.png", "test/red/copy.png"}
    assert heard.finished


def test_allowed_leaks_go_on_and_are_said(tmp_path):
    source = given_parts(tmp_path / "parts", "train", "test")
    shutil.copy(source / "train/red/0.png", source / "test/red/copy.png")
    run = fit(source, tmp_path / "run", allow_leaks=True)
    assert run.record.notes == ("Given parts share exact copies; --allow-leaks went on. The figures flatter.",)
    assert "leak" in {finding.kind for finding in run.record.findings}
    assert "more than one of the given parts" in run.report.read_text(encoding="utf-8")


def test_another_source_of_the_same_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw_set(tmp_path / "one/tiny")
    draw_set(tmp_path / "two/tiny", per_class=6)
    first = starshift.fit("one/tiny", rungs="baseline", progress=Silent())
    assert first.path == Path("runs/tiny")
    with pytest.raises(RunError, match=r"runs/tiny holds a run on .*one/tiny; name another folder") as caught:
        starshift.fit("two/tiny", rungs="baseline", progress=Silent())
    assert "--out runs/tiny" in str(caught.value)


def test_a_run_among_the_pictures_is_refused_before_it_becomes_a_class(tiny_pictures, monkeypatch):
    monkeypatch.chdir(tiny_pictures)
    with pytest.raises(RunError, match="would lie among the pictures") as caught:
        starshift.fit(".", rungs="baseline", progress=Silent())
    assert f"--out {tiny_pictures.parent}/runs/tiny" in str(caught.value)
    assert sorted(file.name for file in tiny_pictures.iterdir()) == sorted(COLOURS)


def test_a_folder_that_holds_something_else_is_left_alone(tiny_pictures, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.doc").write_text("")
    with pytest.raises(RunError, match="holds no run of Starshift; nothing was written"):
        fit(tiny_pictures, tmp_path / "thesis")


def test_a_damaged_run_json_is_a_sentence(run_of_its_own):
    pictures, out = run_of_its_own
    content = (out / "run.json").read_text()
    (out / "run.json").write_text(content[: len(content) // 2])
    for call in (lambda: fit(pictures, out), lambda: Run(out)):
        with pytest.raises(RunError, match=r"run.json is not a RunRecord that this version of Starshift can read"):
            call()


# --- what is skipped aloud ---


def test_a_rung_that_does_not_fit_the_budget_is_skipped_and_not_shortened(tiny_pictures, tmp_path, climbed):
    heard = Heard()
    run = fit(tiny_pictures, tmp_path / "run", rungs="convnet", budget="0.5s", progress=heard)
    convnet = run.record.rungs[1]
    assert climbed == ["majority"]  # always, however small the budget
    assert convnet.status == "skipped" and convnet.score is None and convnet.predicted_seconds > 0.5
    assert convnet.reason.startswith("it would take about ") and "are left of the budget" in convnet.reason
    assert "Give it more with --budget." in convnet.reason
    assert f"convnet skipped: {convnet.reason}" in heard.sentences
    assert run.table[1]["verdict"].startswith("Skipped: it would take about")
    assert not (tmp_path / "run/rungs/convnet").exists()


def test_features_without_weights_are_skipped_and_name_file_size_and_place(tiny_pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("STARSHIFT_WEIGHTS", str(tmp_path / "place"))
    run = fit(tiny_pictures, tmp_path / "run", rungs="features")
    features = run.record.rungs[1]
    assert (features.name, features.status) == ("features", "skipped")
    assert "put mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5 (about 10 MB" in features.reason
    assert str(tmp_path / "place") in features.reason


# --- stopped in the middle ---


class Stopping(Silent):
    """Ctrl-C at the n-th step of a task."""

    def __init__(self, task: str, step: int) -> None:
        self.task, self.step, self.now = task, step, ""

    def start(self, task: str, total: int) -> None:
        self.now = task

    def update(self, done: int, total: int) -> None:
        if self.now.startswith(self.task) and done >= self.step:
            raise KeyboardInterrupt


def test_a_stop_in_the_middle_of_a_rung_leaves_a_folder_that_goes_on(tiny_pictures, tmp_path, climbed):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_pictures, out, rungs="convnet", progress=Stopping("training", 30))
    stopped = Run(out)
    assert rungs_of(stopped) == {"baseline": "finished"} and stopped.record.finished == ""
    assert "under way or was stopped" in stopped.report.read_text(encoding="utf-8")
    run = fit(tiny_pictures, out, rungs="convnet")
    assert climbed == ["majority", "convnet-28px", "convnet-28px"]
    assert rungs_of(run) == {"baseline": "finished", "convnet": "finished"}
    assert len((out / "rungs/convnet/history.jsonl").read_text().splitlines()) == 30


def test_a_stop_while_reading_leaves_nothing(tiny_pictures, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_pictures, tmp_path / "run", progress=Stopping("reading", 1))
    assert not (tmp_path / "run").exists()


def test_a_stop_after_pictures_changed_leaves_the_old_run_readable(run_of_its_own, monkeypatch):
    pictures, out = run_of_its_own
    for file in list((pictures / "red").iterdir())[:6]:
        file.unlink()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("starshift.api.fit.plan", stop)
    with pytest.raises(KeyboardInterrupt):
        fit(pictures, out)
    Run(out).render()


def test_a_stop_in_a_rung_that_is_redone_keeps_those_that_come_after_it(run_of_its_own, monkeypatch, climbed):
    pictures, out = run_of_its_own
    (out / "rungs/baseline/validation.csv").unlink()

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(family, "fit", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(pictures, out, rungs="convnet")
    assert rungs_of(Run(out)) == {"convnet": "finished"}
    fit(pictures, out, rungs="convnet")
    assert climbed == ["majority"]
