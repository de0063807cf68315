"""What every benchmark needs: data, clean caches, whole processes with their peak memory, tables."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
RIVALS = Path(__file__).resolve().parent / "rivals"

STARSHIFT = str(Path(sys.executable).with_name("starshift"))
"""The command as it is installed beside this Python."""


@dataclass(frozen=True)
class Options:
    """What every benchmark takes."""

    data: Path  # folder with dogs-vs-cats, caltech-101, …
    weights: Path  # what KERAS_HOME is set to
    repeats: int
    quick: bool  # reduced amounts, to see that a script works; its figures mean nothing
    rivals_python: str  # an interpreter with torch and onnxruntime; "" for none


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--data", type=Path, default=SHARED / "data", help="folder that holds dogs-vs-cats, …")
    made.add_argument("--weights", type=Path, default=SHARED / "weights", help="KERAS_HOME for all contenders")
    made.add_argument("--repeats", type=int, default=3, help="of each contender; medians are shown")
    made.add_argument("--quick", action="store_true", help="reduced amounts: only shows that the scripts work")
    made.add_argument(
        "--rivals-python",
        default=os.environ.get("STARSHIFT_RIVALS", ""),
        help="a Python with keras, torch, onnxruntime and tf2onnx, for the rivals that need them ($STARSHIFT_RIVALS)",
    )
    return made


def options(given: argparse.Namespace) -> Options:
    """Checked options. What is missing is said, and the process ends with exit code 2."""
    for folder, what in ((given.data, "--data"), (given.weights / "models", "--weights")):
        if not folder.is_dir():
            stop(f"{folder} is not there. Name the folder with {what}; see shared/data/README.md.")
    if given.repeats < 1:
        stop(f"--repeats must be 1 or more; {given.repeats} came.")
    return Options(given.data.resolve(), given.weights.resolve(), given.repeats, given.quick, given.rivals_python)


def stop(sentence: str) -> None:
    """Say what is missing and end with exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def dataset(options: Options, name: str) -> Path:
    """The folder of a data set; ends with exit code 2 where it is not."""
    folder = options.data / name
    if not folder.is_dir():
        stop(f"{folder} is not there; this benchmark measures on it.")
    return folder


def main(measure: Callable[[Options], str], description: str | None) -> None:
    """Run one benchmark alone: `python -m benchmarks.NAME`."""
    measure(options(parser(description).parse_args()))


# ---- clean surroundings ---------------------------------------------------------------------------


@contextmanager
def workplace(options: Options) -> Iterator[Path]:
    """A temporary folder with an empty cache; KERAS_HOME and STARSHIFT_CACHE point to what is given and to it."""
    chosen = {"KERAS_HOME": str(options.weights), "STARSHIFT_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory(prefix="starshift-benchmark-") as name:
        before = dict(os.environ)
        os.environ.update(chosen, STARSHIFT_CACHE=f"{name}/cache", STARSHIFT_WEIGHTS=f"{name}/no-weights")
        try:
            yield Path(name)
        finally:
            os.environ.clear()
            os.environ.update(before)


# ---- whole processes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """A process that ended well."""

    seconds: float
    peak_mib: float  # largest resident memory of the process or of any that it waited for
    output: str  # what it printed on standard output
    cpu_seconds: float = 0  # on all cores together

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object in the last line printed."""
        found: dict[str, Any] = json.loads(self.output.splitlines()[-1])
        return found


def run(*command: str | Path, cache: Path | None = None) -> Ran:
    """Run a command to its end; its own words are shown only if it fails."""
    environment = os.environ | ({"STARSHIFT_CACHE": str(cache)} if cache else {})
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        child = subprocess.Popen([str(part) for part in command], stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            print(output.read()[-2000:], errors.read()[-4000:], sep="\n", file=sys.stderr)
            raise SystemExit(f"exit code {child.returncode}: {' '.join(map(str, command))}")
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return Ran(seconds, usage.ru_maxrss / unit, output.read(), usage.ru_utime + usage.ru_stime)


def rival(script: str, *arguments: str | Path, python: str = sys.executable) -> Ran:
    """Run a script of benchmarks/rivals; it prints one JSON object in its last line."""
    return run(python, RIVALS / script, *arguments)


def has(python: str, *modules: str) -> bool:
    """Whether that interpreter has these modules."""
    if not python:
        return False
    code = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {list(modules)!r})))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def rungs(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of the rungs in a run folder, by name."""
    record = json.loads((folder / "run.json").read_text())
    return {rung["name"]: rung for rung in record["rungs"]}


# ---- repeats and tables ---------------------------------------------------------------------------


def alternate(contenders: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Each contender in turn, so that a machine that slows down slows all of them; what each returns, by name."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats):
        for name, contender in contenders.items():
            found[name].append(contender())
            print(f"  {turn + 1}/{repeats} {name}: {found[name][-1]:.4g}", file=sys.stderr, flush=True)
    return found


def frozen_features(pictures: Any, base: str, cache: Path) -> np.ndarray:
    """Of all pictures of data.read.Pictures at 224 px, as the product computes them: float32 (N, features)."""
    from starshift.compose.frozen import FrozenBases
    from starshift.data.decode import Frame
    from starshift.inference.network import best_precision

    bases = FrozenBases.find([base], Frame(224), best_precision(), cache)
    return bases.stored(pictures.dataset.digests, lambda: pictures.pixels(Frame(224)))


def timed(action: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def middle(values: Sequence[float], digits: int = 2) -> str:
    """The median, and how far the repeats lay apart: `8.31 (8.20 to 8.44)`."""
    text = f"{median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *notes: str) -> str:
    """A Markdown table with notes below it; also printed."""
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    text = "\n".join(lines) + "".join(f"\n\n{note}" for note in notes if note)
    print(text, flush=True)
    return text
