"""The command as a process: exit codes, what goes to which stream, and how it looks."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from discs import COLOURS, draw_set
from report.fake_kinds import TARGETS, fake_kind
from report.fake_run import fake_run
from starshift.cli.tables import final_figures, table
from starshift.evaluation.estimates import NO_SPREAD
from starshift.records import NOUNS, Estimate
from starshift.report import figures


def starshift(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "starshift", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


def test_help_names_every_command():
    done = starshift("--help")
    assert done.returncode == 0
    for command in ("fit", "check", "predict", "report", "demo"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "nowhere"], "nowhere"),
        (["check", "nowhere"], "nowhere"),
        (["fit", ".", "--rungs", "feature"], "Rung 'feature' is not known. Did you mean 'features'?"),
        (["fit", ".", "--size", "3", "--budget", "soon"], "--budget is a duration"),
        (["predict", "nowhere", "x.jpg"], "nowhere holds no model"),
        (["report", "nowhere"], "nowhere is not the folder of a run"),
        (["fit", ".", "--sise", "3"], "No such option"),
        (["fitt", "."], "No such command"),
        (["fit"], "Missing argument"),
        (["predict", "x", "y", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_what_the_user_can_mend_is_a_sentence_and_2(arguments, said, tmp_path):
    done = starshift(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_all_problems_stand_on_lines_of_their_own(tmp_path):
    done = starshift("fit", ".", "--size", "3", "--budget", "soon", "--seed", "-1", cwd=tmp_path)
    assert len(done.stderr.splitlines()) == 3


def test_a_bug_keeps_its_traceback(finished_run):
    code = (
        "import sys, starshift.api.run as run\n"
        "def broken(self): raise ZeroDivisionError('a bug')\n"
        "run.Run.render = broken\n"
        "from starshift.cli.main import main\n"
        f"sys.argv = ['starshift', 'report', {str(finished_run.path)!r}]\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ZeroDivisionError: a bug" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_says_that_the_same_command_continues(tmp_path):
    draw_set(tmp_path / "photos")
    command = [sys.executable, "-m", "starshift", "fit", "photos", "--rungs", "convnet:epochs=1000", "--budget", "9h"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    until = time.monotonic() + 60
    history = tmp_path / "runs/photos/rungs/convnet+epochs=1000/history.jsonl"
    while time.monotonic() < until and not history.is_file() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Stopped. What was finished is kept; the same command continues." in said
    assert "Traceback" not in said
    again = starshift("fit", "photos", "--rungs", "baseline", cwd=tmp_path)
    assert again.returncode == 0 and "baseline is finished already; kept." in again.stderr


def test_fit_ends_with_the_table_and_the_reports_path(tmp_path):
    draw_set(tmp_path / "photos")
    done = starshift("fit", "photos", "--rungs", "baseline,features", "--out", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "rung"
    assert lines[1].startswith("baseline ")
    assert "Skipped: MobileNetV2 needs its weights" in " ".join(done.stdout.split())
    assert lines[-1] == "Report: here/report.html"
    assert "36 pictures of 3 classes" in done.stderr
    assert json.loads((tmp_path / "here/run.json").read_text())["command"] == (
        "starshift fit photos --rungs features --out here"
    )


def test_check_says_what_is_there_file_by_file(tiny_pictures):
    shutil.copy(tiny_pictures / "red/red-00.png", tiny_pictures / "sky/same.png")
    (tiny_pictures / "sky/empty.jpg").write_bytes(b"")
    done = starshift("check", tiny_pictures)
    assert done.returncode == 0
    assert done.stdout.startswith("37 pictures of 3 classes (green 12, red 12, sky 13), by class folders;")
    assert "set aside: sky/empty.jpg: " in done.stdout
    assert "warning: 1 picture stands in more than one class" in done.stdout
    assert "  red/red-00.png = sky/same.png" in done.stdout


def test_check_says_when_nothing_was_found(tmp_path):
    """Discs of one colour, dealt into two classes that nothing tells apart."""
    discs = draw_set(tmp_path / "drawn", per_class=24, classes=("red",)) / "red"
    for number, file in enumerate(sorted(discs.iterdir())):
        folder = tmp_path / "photos" / "ab"[number // 2 % 2]
        folder.mkdir(parents=True, exist_ok=True)
        file.rename(folder / file.name)
    assert "Nothing was found that could mislead." in starshift("check", tmp_path / "photos").stdout


def test_predict_prints_csv_with_a_column_per_class(finished_run, finished_pictures, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"")
    photos = finished_pictures / "red", tmp_path / "bad.jpg"
    file = tmp_path / "submission.csv"
    options = "--format", "csv", "--all-classes", "--probabilities", file, "--classes", "sky"
    done = starshift("predict", finished_run.path, *photos, *options)
    assert done.returncode == 0
    submission = file.read_text().splitlines()
    assert submission[0] == "id,sky" and submission[1].startswith("red-00,0.") and submission[-1] == "bad,"
    rows = list(csv.DictReader(StringIO(done.stdout)))
    assert list(rows[0]) == ["file", "label", "probability", *COLOURS, "reason"]
    assert len(rows) == 13 and rows[-1]["reason"] and not rows[0]["reason"]
    assert done.stderr.endswith("1 of the files could not be read; their lines say why.\n")


def test_predict_prints_json_and_a_table(finished_run, finished_pictures):
    picture = finished_pictures / "red/red-00.png"
    (one,) = json.loads(starshift("predict", finished_run.path, picture, "--format", "json").stdout)
    assert set(one) == {"file", "label", "probability"}
    assert starshift("predict", finished_run.path, picture).stdout.rstrip().endswith(str(picture))


def test_predict_sorts_and_says_what_it_did(finished_run, finished_pictures, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"")
    photos = finished_pictures / "red", tmp_path / "bad.jpg"
    options = "--sort-into", tmp_path / "out", "--format", "jsonl", "--top", "2"
    done = starshift("predict", finished_run.path, *photos, *options)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 13 and all(len(row["top"]) == 2 for row in rows[:-1]) and rows[-1]["reason"]
    assert len([one for one in (tmp_path / "out").rglob("*") if one.is_file()]) == 12
    first, second = done.stderr.splitlines()
    assert first.startswith(f"Sorted into {tmp_path}/out: ") and first.endswith(" (copies).")
    assert second == "1 of the files could not be read; their lines say why. They stay where they are."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--threshold", "0.8"], "--threshold is in percent; 0.8 came. Write 80."),
        (["--sure", "0.95"], "--sure is in percent; 0.95 came. Write 95."),
        (["--sure", "95", "--threshold", "80"], "take one of them"),
        (["--top", "4"], "--top is a number from 1 to 3"),
        (["--link"], "name the folder with --sort-into"),
        (["--classes", "red"], "--classes names the columns of the file that --probabilities writes"),
    ],
)
def test_predict_refuses_what_does_not_go_together(finished_run, finished_pictures, options, said):
    done = starshift("predict", finished_run.path, finished_pictures, "--format", "csv", *options)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_predict_soon_and_leaves_whole_files(finished_run, finished_pictures, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for file in (finished_pictures / "red").iterdir():
        for number in range(400):
            os.link(file, many / f"{number}-{file.name}")
    command = [sys.executable, "-m", "starshift", "predict", finished_run.path, many, "--format", "csv"]
    process = subprocess.Popen(
        [*command, "--sort-into", tmp_path / "out", "--probabilities", tmp_path / "table.csv"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and not (tmp_path / "out").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130, said
    assert said == "Stopped. What was finished is kept; the same command continues.\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["many", "out"]
    contents = {file.read_bytes() for file in (finished_pictures / "red").iterdir()}
    assert all(file.read_bytes() in contents for file in (tmp_path / "out").rglob("*") if file.is_file())


def test_explain_says_what_each_answer_hangs_on_and_where_the_page_is(finished_run, finished_pictures, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"")
    picture, out = finished_pictures / "red/red-00.png", tmp_path / "why"
    done = starshift("explain", finished_run.path, picture, tmp_path / "bad.jpg", "--class", "red", "--out", out)
    assert done.returncode == 0 and done.stderr == ""
    first, second, note, page = done.stdout.splitlines()
    assert first.startswith(f"{picture}: ") and " the odds of red by " in first
    assert second.startswith(f"{tmp_path / 'bad.jpg'}: ")
    assert note.startswith("No training pictures are shown beside it: a network from scratch has no features")
    assert page == f"Page: {out / 'explain.html'}" and (out / "explain.html").is_file()


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_goes_away_is_no_error(finished_run, finished_pictures):
    command = f"{sys.executable} -m starshift predict {finished_run.path} {finished_pictures} --format csv | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stdout == "file,label,probability,reason\n"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_report_renders_again(finished_run):
    done = starshift("report", finished_run.path)
    assert done.stdout == f"Report: {finished_run.path}/report.html\n"


@pytest.mark.slow
def test_export_prints_a_table_with_what_it_rests_on_and_where_it_lies(finished_run, tmp_path):
    done = starshift("export", finished_run.path, "--to", "openvino", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "openvino" in done.stdout and "largest" in done.stdout
    assert "of the validation part. Largest difference of a probability" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1] == str(tmp_path / "openvino-float32")
    assert "Writing OpenVINO in float32" in done.stderr


def row(rung: str = "convnet", verdict: str = "a gain", **cells: str) -> dict[str, str]:
    """A line of the table of rungs."""
    figures = {"accuracy": "85 %", "balanced_accuracy": "", "metric": "accuracy", "log_loss": "0.5", "seconds": "5 s"}
    return {"rung": rung, **figures, **cells, "verdict": verdict}


def test_a_verdict_stands_below_its_rung_within_the_width():
    lines = table([row(verdict="word " * 40)], 60).splitlines()
    assert lines[0].split() == ["rung", "accuracy", "(95", "%", "interval)", "log", "loss", "time"]
    assert len(lines) > 4 and all(len(line) < 60 for line in lines[2:])
    assert all(line.startswith(" " * len("convnet  ")) for line in lines[2:])


def test_balanced_accuracy_takes_the_place_of_accuracy_where_it_leads():
    lines = table([row(accuracy="95 %", balanced_accuracy="61 %")], 80).splitlines()
    assert "balanced accuracy (95 % interval)" in lines[0] and "61 %" in lines[1] and "95 %" not in lines[1]


def test_a_long_name_has_a_line_of_its_own():
    long = "modern:epochs=6:augment=randaugment:patience=3"
    figures = {"accuracy": "100.0 % (67.6 to 100.0, n = 8)", "log_loss": "0.065", "seconds": "45 s"}
    lines = table([row(name, **figures) for name in ("convnet", long)], 80).splitlines()
    assert all(len(line) < 80 for line in lines)
    assert lines[3] == long and lines[4] == lines[1].replace("convnet", "       ")


def without_interval(score):
    """The same score, where all bootstrap draws gave one value."""
    return msgspec.structs.replace(
        score,
        **{
            name: Estimate(one.value, None, None, 1000, NO_SPREAD)
            for name, one in msgspec.structs.asdict(score).items()
            if isinstance(one, Estimate)
        },
    )


def test_of_uneven_classes_the_figures_of_the_test_part_have_their_names():
    run = fake_run().run
    assert final_figures(run)[0].isdigit()  # accuracy, as in the table above
    uneven = msgspec.structs.replace(run, data=msgspec.structs.replace(run.data, classes={"cat": 10, "dog": 30}))
    balanced, plain = final_figures(uneven).split("; ")
    assert balanced.startswith("balanced accuracy ") and plain == f"accuracy {final_figures(run)}"


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("family", NOUNS)
@pytest.mark.parametrize("kind", [*TARGETS, "uneven classes"])
def test_a_figure_without_an_interval_leaves_the_table_whole_and_says_why_below(kind, family, width):
    run = fake_kind(kind.removeprefix("uneven "), family).run
    rungs = tuple(msgspec.structs.replace(one, score=without_interval(one.score), seconds=754.0) for one in run.rungs)
    uneven = {"classes": {"cheap": 10, "dear": 90}} if kind.startswith("uneven") else {}
    run = msgspec.structs.replace(run, rungs=rungs, data=msgspec.structs.replace(run.data, **uneven))
    text = table(figures.table(run), width)
    assert all(len(line) < width for line in text.splitlines()), text
    assert "(no interval, n = 1,000)" in " ".join(text.split())
    assert " ".join(text.split()).count("No interval: all bootstrap draws give this value.") == 2
    if width == 80:
        first, second = text.splitlines()[:2]
        assert first.split()[0] == "rung" and second.split()[0] == "baseline"
        assert first.index("time") == second.index("12 min 34 s")


def test_where_only_the_figures_have_room_names_and_the_header_of_names_stand_above():
    lines = table([row(accuracy="99.95 % (99.91 to 99.98, n = 1,000)")], 56).splitlines()
    assert lines == [
        "rung",
        "  accuracy (95 % interval)             log loss  time",
        "convnet",
        "  99.95 % (99.91 to 99.98, n = 1,000)  0.5       5 s",
        "  a gain",
    ]
