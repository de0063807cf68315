"""A folder that serves a model without Starshift: which formats there are, and what lies beside the model's file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from starshift.errors import MissingExtra
from starshift.recipe import near
from starshift.records import Learnware, Target
from starshift.records.export import ExportFormat, ExportPrecision, ExportRecord


@dataclass(frozen=True)
class Format:
    """What a model can be written as."""

    title: str
    file: str  # its name in the folder
    makes: tuple[str, ...]  # packages that write it and are not among what Starshift always needs
    quantizes: tuple[str, ...]  # further ones for 8 bits
    serves: str  # the package that runs it
    imported: str  # line of predict.py
    opened: str  # lines of predict.py, which define `run`
    only: str = ""  # why it has float32 alone; "" where it has all


FORMATS: dict[str, Format] = {
    "keras": Format(
        title="Keras",
        file="model.keras",
        makes=(),
        quantizes=(),
        serves="keras tensorflow",
        imported="import keras",
        opened='''
MODEL = keras.models.load_model(HERE / "model.keras", compile=False, safe_mode=True)


def run(pixels):
    """uint8 (N, size, size, 3) → float32 (N, columns)."""
    return MODEL.predict_on_batch(pixels)
''',
        only="a .keras file keeps float32 weights, and Keras quantizes no convolutions",
    ),
    "onnx": Format(
        title="ONNX",
        file="model.onnx",
        makes=("onnx", "onnxruntime", "tf2onnx"),
        quantizes=(),
        serves="onnxruntime",
        imported="import onnxruntime",
        opened='''
SESSION = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])


def run(pixels):
    """uint8 (N, size, size, 3) → float32 (N, columns)."""
    return SESSION.run(None, {"pixels": pixels})[0]
''',
    ),
    "openvino": Format(
        title="OpenVINO",
        file="model.xml",
        makes=(),
        quantizes=("nncf",),
        serves="openvino",
        imported="import openvino",
        opened='''
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}  # leave it out to let the CPU take bfloat16 where it has that
NETWORK = openvino.Core().compile_model(HERE / "model.xml", "CPU", EXACT)


def run(pixels):
    """uint8 (N, size, size, 3) → float32 (N, columns)."""
    return NETWORK(pixels)[0]
''',
    ),
    "litert": Format(
        title="LiteRT",
        file="model.tflite",
        makes=("ai_edge_litert",),
        quantizes=(),
        serves="ai-edge-litert",
        imported="from ai_edge_litert.interpreter import Interpreter",
        opened='''
INTERPRETER = Interpreter(str(HERE / "model.tflite"))
INTERPRETER.allocate_tensors()


def run(pixels):
    """uint8 (1, size, size, 3) → float32 (1, columns)."""
    INTERPRETER.set_tensor(INTERPRETER.get_input_details()[0]["index"], pixels)
    INTERPRETER.invoke()
    return INTERPRETER.get_tensor(INTERPRETER.get_output_details()[0]["index"])
''',
    ),
}


def problems(formats: Sequence[str], precisions: Sequence[str]) -> list[str]:
    """What of a wish cannot be fulfilled, as sentences."""
    found = []
    for format in formats:
        if format not in FORMATS:
            found.append(f"Format {format!r} is not known.{near(format, list(FORMATS))}")
    known = get_args(ExportPrecision)
    for precision in precisions:
        if precision not in known:
            found.append(f"Precision {precision!r} is not known.{near(precision, known)}")
        for format in formats:
            made = FORMATS.get(format)
            if made and made.only and precision in known[1:]:
                others = ", ".join(name for name, one in FORMATS.items() if not one.only)
                found.append(f"{made.title} has no {precision}: {made.only}. Formats that have it: {others}.")
    return found


def require(format: ExportFormat, precision: ExportPrecision) -> None:
    """Raise MissingExtra, with the install line, where what makes or runs a format is not installed."""
    made = FORMATS[format]
    needed = made.makes + (made.quantizes if precision == "8-bit" else ())
    if lacking := [name for name in needed if find_spec(name) is None]:
        raise MissingExtra(
            f"{made.title} in {precision} needs {', '.join(lacking).replace('_', '-')}, which is not installed: "
            "pip install 'starshift[export]'"
        )


# ----------------------------------------------------------------------------------------------------
# What lies beside the model's file


def labels(learnware: Learnware) -> str:
    """labels.json: how pictures are decoded, and which columns of the output are whose."""
    targets = [
        {
            "name": target.name,
            "kind": target.kind,
            "labels": list(target.classes),
            "columns": columns(target),
        }
        for target in learnware.targets
    ]
    made: dict[str, Any] = {"size": learnware.picture.size, "fit": learnware.picture.fit, "targets": targets}
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def columns(target: Target) -> int:
    """How many of the output's columns are a target's: a probability of each class or label, or a number."""
    return len(target.classes) or 1


def beside(learnware: Learnware, format: ExportFormat) -> dict[str, str]:
    """What lies beside the model's file, by name, but for what is known once it was checked."""
    found = {"labels.json": labels(learnware), "predict.py": example(format)}
    return found | ({"index.html": _PAGE} if format == "onnx" else {})


def readme(learnware: Learnware, record: ExportRecord) -> str:
    """README.md: what it is, how to use it, and what was measured."""
    made = FORMATS[record.format]
    graph, figure = record.graph, record.figure
    interval = (
        "" if figure.low is None or figure.high is None else f" (95 % interval {figure.low:.4g} to {figure.high:.4g})"
    )
    lines = [
        f"# {record.model}: {made.title}, {record.precision}",
        "",
        f"`{made.file}` takes uint8 RGB pictures, (N, {learnware.picture.size}, {learnware.picture.size}, 3), gives",
        "float32 (N, columns): the columns of each target of `labels.json`, one behind the other, probabilities of its",
        "labels or its number. Scaling is inside. `predict.py` brings a file to that size as in training.",
        "",
        f"    pip install {made.serves} numpy pillow",
        "    python predict.py PHOTO ...",
        "",
    ]
    if record.format == "onnx":
        lines += [
            f"In a browser: put {' and '.join(WEB_FILES)} of the npm package",
            "onnxruntime-web (its folder dist/) beside index.html, where they are not yet, and serve the folder:",
            "",
            "    python -m http.server --bind 127.0.0.1",
            "",
        ]
    lines += [
        f"Checked on {graph.n} pictures of the validation part with {record.runtime}:",
        "",
        f"- against Keras in float32 on the same pixels: largest difference {graph.largest:.2g}, "
        f"{graph.same:.2%} the same answer",
        f"- from file to label against `starshift predict` in float32: {record.files.same:.2%} the same answer",
        f"- {record.metric} {figure.value:.4g}{interval}, of the original {record.original:.4g}",
        f"- {record.file_bytes:,} bytes; {record.milliseconds:.1f} ms a picture, one at a time, on {record.machine}",
        "",
        f"Of the learnware {record.learnware}, by {record.made_by}.",
        "",
    ]
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------------------
# In a browser

WEB_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""Of the npm package onnxruntime-web, in its folder dist: what the page loads, 14 MB."""


def web_problems(formats: Sequence[str], web: str | Path | None) -> list[str]:
    """What is wrong with the folder that the page's runtime is to be copied from."""
    if web is None:
        return []
    if "onnx" not in formats:
        return ["--web is for the web page of an ONNX export; give --to onnx too, or leave it out."]
    lacking = [name for name in WEB_FILES if not (_dist(Path(web)) / name).is_file()]
    return (
        [f"{web} lacks {', '.join(lacking)}. Name the folder of the npm package: npm pack onnxruntime-web unpacks it."]
        if lacking
        else []
    )


def copy_web(web: Path, folder: Path) -> None:
    """Put what the page loads beside it."""
    for name in WEB_FILES:
        shutil.copyfile(_dist(web) / name, folder / name)


def _dist(web: Path) -> Path:
    return web / "dist" if (web / "dist").is_dir() else web


def example(format: ExportFormat) -> str:
    """predict.py: labels for pictures with the format's runtime, NumPy and Pillow alone."""
    made = FORMATS[format]
    return _EXAMPLE.replace("SERVES", made.serves).replace("IMPORTED", made.imported).replace("OPENED", made.opened)


_EXAMPLE = '''"""Label pictures: python predict.py PHOTO ...   It needs: pip install SERVES numpy pillow"""

import json
import sys
from pathlib import Path

IMPORTED
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
MADE = json.loads((HERE / "labels.json").read_text("utf-8"))
SIZE = (MADE["size"], MADE["size"])
OPENED

def read(file):
    """A picture as the model was trained on them: uint8 (1, size, size, 3), RGB, upright, on white."""
    picture = opened = Image.open(file)
    picture.draft("", SIZE)  # a large JPEG is decoded at 1/2, 1/4 or 1/8 of its size
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray(((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8))
    grey = picture.mode in ("1", "L")
    plain = picture.convert("RGBA" if picture.has_transparency_data else "L" if grey else "RGB")
    (width, height), side = plain.size, min(plain.size)
    middle = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    box = middle if MADE["fit"] == "crop" else None
    small = plain.resize(SIZE, Image.Resampling.BILINEAR, box, reducing_gap=3.0)
    white = Image.new("RGB", SIZE, "white")
    white.paste(small, mask=small if small.mode == "RGBA" else None)
    white.info.update(opened.info)  # how it must be turned
    return np.asarray(ImageOps.exif_transpose(white))[None]


if __name__ == "__main__":
    for file in sys.argv[1:]:
        row = run(read(file))[0]
        for target in MADE["targets"]:
            said, row = row[: target["columns"]], row[target["columns"] :]
            if not target["labels"]:
                print(f"{file}: {target['name']} {said[0]:.6g}")
            elif target["kind"] == "multi-label":
                print(f"{file}:", ", ".join(label for label, p in zip(target["labels"], said) if p > 0.5) or "none")
            else:
                print(f"{file}: {target['labels'][said.argmax()]} ({said.max():.1%})")
'''

_PAGE = r"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Label a picture</title>
<style>body { font: 1.1rem system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }</style>
<h1>Label a picture</h1>
<input type="file" accept="image/*" id="file" aria-label="Picture">
<pre id="said" role="status"></pre>
<script type="module">
const said = document.getElementById("said");
let ort, made, session;

export async function read(blob) {  // bilinear, averaging while it scales down, on white: as predict.py has it
  const picture = await createImageBitmap(blob, {imageOrientation: "from-image"});
  const {width, height} = picture, size = made.size, canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; context.fillRect(0, 0, width, height); context.drawImage(picture, 0, 0);
  const side = Math.min(width, height), crop = made.fit === "crop";
  let from = {data: context.getImageData(0, 0, width, height).data, width, height, channels: 4};
  from = across(from, size, crop ? (width - side) / 2 : 0, crop ? side : width);
  return across(from, size, crop ? (height - side) / 2 : 0, crop ? side : height).data;
}
function across(from, size, start, length) {  // shrinks the width, and turns rows to columns
  const {data, width, height, channels} = from, to = new Uint8Array(size * height * 3), scale = length / size;
  const reach = Math.max(scale, 1);
  for (let x = 0; x < size; x++) {
    const middle = start + (x + 0.5) * scale;
    const first = Math.max(0, Math.round(middle - reach)), last = Math.min(width, Math.round(middle + reach));
    const weights = []; let sum = 0;
    for (let i = first; i < last; i++) sum += weights[i - first] = Math.max(0, 1 - Math.abs(i + 0.5 - middle) / reach);
    for (let y = 0; y < height; y++) for (let c = 0; c < 3; c++) {
      let value = 0;
      for (let i = first; i < last; i++) value += weights[i - first] * data[(y * width + i) * channels + c];
      to[(x * height + y) * 3 + c] = Math.round(value / sum);
    }
  }
  return {data: to, width: height, height: size, channels: 3};
}
export async function answers(blob) {
  const pixels = new ort.Tensor("uint8", await read(blob), [1, made.size, made.size, 3]);
  const row = Array.from((await session.run({pixels})).answers.data);
  return made.targets.map(target => ({target, row: row.splice(0, target.columns)}));
}
function told({target: {name, kind, labels}, row}) {
  if (!labels.length) return `${name}: ${row[0].toPrecision(6)}`;
  const ranked = labels.map((label, i) => [label, row[i]]).sort((a, b) => b[1] - a[1]).slice(0, 5);
  return ranked.map(([label, p]) => `${label}: ${(100 * p).toFixed(1)} %`).join("\n");
}
try {
  ort = await import("./ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1;
  made = await (await fetch("labels.json")).json();
  session = await ort.InferenceSession.create("model.onnx", {executionProviders: ["wasm"]});
  said.textContent = "Choose a picture; it stays on this computer.";
} catch (error) {
  said.textContent = `${error}\nServe this folder (python -m http.server --bind 127.0.0.1), with ` +
    "ort.wasm.bundle.min.mjs and ort-wasm-simd-threaded.wasm of the npm package onnxruntime-web beside this page.";
}
document.getElementById("file").onchange = async event => {
  try { said.textContent = (await answers(event.target.files[0])).map(told).join("\n"); }
  catch (error) { said.textContent = `This picture cannot be read: ${error}`; }
};
window.answers = answers;
</script>
"""
