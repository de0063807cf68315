"""`starshift.forecast` and its command, on a run whose features are made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frozen_run import frozen_run
from starshift.api.forecast import forecast
from starshift.errors import DataError, RunError, UsageError
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import read_forecasts
from starshift.progress import Silent


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forecasts")


@pytest.fixture
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STARSHIFT_CACHE", str(place / "cache"))
    return place / "cache"


@pytest.fixture
def run(place: Path, cache: Path) -> RunFolder:
    folder = RunFolder(place / "run")
    return folder if folder.is_run else frozen_run(place / "run", cache)


def test_a_forecast_is_kept_shown_and_scored_when_more_comes(run, cache):
    first = forecast(run.path, pictures=300, progress=Silent())
    assert [point.pictures for point in first.asked] == [300] and first.run == "run"
    assert read_forecasts(run) == [first]
    assert "With 2.5 times the training pictures" in (run.path / "forecast.html").read_text()
    assert "With more pictures" in (run.path / "report.html").read_text()
    grown = frozen_run(run.path, cache, pictures=400)
    second = forecast(grown.path, progress=Silent())
    assert [(one.pictures_then, one.pictures) for one in second.outcomes] == [(120, 240)]
    assert read_forecasts(run) == [first, second]
    assert "Foretold on " in (run.path / "forecast.html").read_text()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (dict(pictures=0), r"--pictures is a number of training pictures; 0 came"),
        (dict(target_accuracy=95), r"a share between 0 and 1, such as 0\.95; 95 came\. Did you mean 0\.95\?"),
        (dict(target_accuracy=1.0), r"a share between 0 and 1, such as 0\.95; 1 came"),
        (dict(pictures=100), r"has 1\d\d training pictures already|has 240 training pictures already"),
        (dict(pictures=5000), r"Nothing is foretold beyond 4 times the \d+ training pictures of now"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(run, asked, said):
    with pytest.raises(UsageError, match=said):
        forecast(run.path, **asked, progress=Silent())


def test_all_problems_come_at_once():
    with pytest.raises(UsageError) as raised:
        forecast("nowhere", pictures=-3, target_accuracy=0, progress=Silent())
    assert len(raised.value.problems) == 2


def test_no_run_and_too_few_pictures_are_sentences(place, cache):
    with pytest.raises(RunError, match="is not the folder of a run"):
        forecast(place / "nowhere", progress=Silent())
    small = frozen_run(place / "small", cache, pictures=60)
    with pytest.raises(DataError, match="A forecast needs at least 5 sizes of the training part"):
        forecast(small.path, progress=Silent())
    assert not (small.path / "forecasts.jsonl").exists()


def test_the_command_prints_table_and_sentences_and_imports_no_tensorflow(place, cache):
    folder = frozen_run(place / "command", cache)
    code = (
        "import sys\n"
        "from starshift.cli.main import main\n"
        f"sys.argv = ['starshift', 'forecast', {str(folder.path)!r}, '--target-accuracy', '0.95']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'openvino', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert words.startswith("pictures true accuracy 80 % 95 % measurement (80 %)")
    assert "120 (now)" in words and "240 (twice)" in words
    assert "A true accuracy of 95.0 %" in words
    assert done.stdout.rstrip().endswith("forecast.html")
