from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from msgspec import structs

import starshift
from starshift.api import export as exporting
from starshift.compose import serving
from starshift.errors import DataError, RunError, UsageError
from starshift.learnware import package
from starshift.records import files
from starshift.records.export import ExportRecord


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of the small finished run, of which the network is the model."""
    path = tmp_path / "run"
    shutil.copytree(finished_run.path, path)
    shutil.rmtree(path / "model")
    shutil.copytree(path / "rungs/convnet/model", path / "model")
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("to", ["keras", "openvino"])
def test_a_folder_answers_alone_and_says_how_it_was_checked(run, to, finished_pictures):
    (made,) = starshift.export(run, to)
    assert made.path == run / "exports" / f"{to}-float32"
    record = files.read(made.path / "export.json", ExportRecord)
    assert record == made.record and record.learnware == package.read(run / "model")[0].id
    assert record.graph.same == record.files.same == 1.0 and record.graph.largest < 1e-4
    assert record.metric == "accuracy" and record.figure.method == "Wilson" and record.figure.n == record.graph.n
    assert record.file_bytes > 10_000 and record.milliseconds > 0
    page = (made.path / "README.md").read_text()
    assert "python predict.py PHOTO" in page and "95 % interval" in page
    photo = next((finished_pictures / "red").iterdir())
    command = [sys.executable, str(made.path / "predict.py"), str(photo)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    (predicted,) = starshift.predict(run, [photo])
    assert said.startswith(f"{photo}: {predicted.label} (")


@pytest.mark.filterwarnings("ignore")
def test_one_that_parts_from_the_original_is_not_written_and_says_where(run, monkeypatch):
    before = exporting._example

    def spoiled(folder):
        module = before(folder)
        run_it = module.run
        module.run = lambda pixels: np.roll(run_it(pixels), 1, axis=1)
        return module

    monkeypatch.setattr(exporting, "_example", spoiled)
    with pytest.raises(RunError) as caught:
        starshift.export(run, "openvino")
    said = str(caught.value)
    assert "OpenVINO in float32 was not written, for it parts from the original: on " in said
    assert "differs from Keras's in float32 by" in said and "0.0001 is allowed" in said
    assert "answers otherwise than `starshift predict`, from the file on, on" in said
    assert list((run / "exports").iterdir()) == []


@pytest.mark.filterwarnings("ignore")
def test_the_model_of_another_rung_than_the_chosen_one_can_be_written(run):
    shutil.rmtree(run / "model")
    (made,) = starshift.export(run, "openvino", rung="convnet")
    assert made.path == run / "exports/convnet/openvino-float32"
    with pytest.raises(UsageError, match=r"finished no rung 'convet'. Did you mean 'convnet'\?"):
        starshift.export(run, "openvino", rung="convet")


def test_what_a_fit_shall_write_in_the_end_is_checked_before_it_begins():
    assert exporting.parse_wishes(["openvino", "keras:float32"]) == [("openvino", "float32"), ("keras", "float32")]
    with pytest.raises(UsageError) as caught:
        exporting.parse_wishes(["onxn:8-bit", "openvino:4-bit"])
    assert len(caught.value.problems) == 2 and "onnx" in caught.value.problems[0]


def test_what_is_not_ours_is_not_written_over(run, tmp_path):
    (tmp_path / "own/keras-float32").mkdir(parents=True)
    with pytest.raises(UsageError, match="is there and is no export of Starshift; name another folder with --out"):
        starshift.export(run, "keras", out=tmp_path / "own")


def test_everything_wrong_with_the_arguments_is_said_at_once(run, tmp_path):
    with pytest.raises(UsageError) as caught:
        starshift.export(run, ["keras", "lite"], precision="8-bit", web=tmp_path)
    assert len(caught.value.problems) == 3
    assert "Did you mean 'litert'?" in caught.value.problems[0]


def test_pictures_that_are_gone_are_asked_for(run, tmp_path):
    record = json.loads((run / "run.json").read_text())
    record["data"]["source"] = str(tmp_path / "gone")
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match="Say with --photos where they lie now"):
        starshift.export(run, "keras")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/readme.txt").write_text("no pictures")
    with pytest.raises(DataError, match=r"None of the .* of the validation part is in .* any more"):
        starshift.export(run, "keras", photos=tmp_path / "other")


def test_a_model_that_is_no_network_is_refused_before_anything_is_made(run):
    learnware, tensors = package.read(run / "rungs/baseline/model")
    shutil.rmtree(run / "model")
    package.write(structs.replace(learnware, files={}), tensors, run / "model")
    with pytest.raises(RunError, match="the baseline, which looks at no picture"):
        starshift.export(run, "keras")
    assert not (run / "exports").exists()


# ----------------------------------------------------------------------------------------------------
# Serving alone: a fresh environment, a browser


@pytest.fixture(scope="module")
def onnx_folder(finished_run, tmp_path_factory):
    for package_needed in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package_needed)
    path = tmp_path_factory.mktemp("onnx") / "run"
    shutil.copytree(finished_run.path, path)
    shutil.rmtree(path / "model")
    shutil.copytree(path / "rungs/convnet/model", path / "model")
    (made,) = starshift.export(path, "onnx")
    return made.path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_example_runs_where_nothing_but_its_runtime_is_installed(onnx_folder, finished_pictures, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "-q", "onnxruntime", "numpy", "pillow"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip("the runtime could not be installed: no network")
    photos = [str(photo) for photo in sorted((finished_pictures / "red").iterdir())[:3]]
    command = [python, onnx_folder / "predict.py", *photos]
    environment = {"PATH": "/usr/bin:/bin"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    expected = starshift.predict(onnx_folder.parents[1], photos)
    assert [line.rpartition(" (")[0] for line in said] == [f"{one.file}: {one.label}" for one in expected]


ASKED = """<script type="module">
try {
  const said = document.getElementById("said");
  for (let i = 0; i < 600 && !said.textContent; i++) await new Promise(r => setTimeout(r, 50));
  const found = [];
  for (const name of NAMES) found.push((await window.answers(await (await fetch(name)).blob()))[0].row);
  await fetch("found", {method: "POST", body: JSON.stringify(found)});
} catch (error) { await fetch("found", {method: "POST", body: JSON.stringify(String(error))}); }
</script>"""


class Listening(http.server.SimpleHTTPRequestHandler):
    """Serves a folder on loopback and keeps what the page posts."""

    found: ClassVar[list] = []
    done = threading.Event()

    def do_POST(self):
        self.found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()
        self.done.set()

    def log_message(self, *_):
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_web_page_answers_as_the_example_does(onnx_folder, finished_pictures, tmp_path):
    chromium, web = shutil.which("chromium"), os.environ.get("STARSHIFT_ONNXRUNTIME_WEB", "")
    if chromium is None or not web:
        pytest.skip("needs chromium, and STARSHIFT_ONNXRUNTIME_WEB: the folder of the npm package onnxruntime-web")
    folder = tmp_path / "page"
    shutil.copytree(onnx_folder, folder)
    serving.copy_web(Path(web), folder)
    photos = sorted(finished_pictures.rglob("*.png"))[::3]
    names = [f"{number}.png" for number in range(len(photos))]
    for photo, name in zip(photos, names, strict=True):
        shutil.copy(photo, folder / name)
    (folder / "asked.html").write_text((folder / "index.html").read_text() + ASKED.replace("NAMES", json.dumps(names)))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Listening, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [chromium, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'browser'}"]
    browser = subprocess.Popen(
        [*command, f"http://127.0.0.1:{server.server_port}/asked.html"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert Listening.done.wait(120), "the page did not answer"
    finally:
        browser.terminate()
        browser.wait()
        server.shutdown()
        server.server_close()
    found = Listening.found[0]
    assert not isinstance(found, str), found
    example = exporting._example(folder)
    expected = [example.run(example.read(photo))[0] for photo in photos]
    np.testing.assert_allclose(found, expected, atol=0.02)
