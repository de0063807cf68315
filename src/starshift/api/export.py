"""`starshift.export`: a model as a folder that serves without Starshift, kept if it answers as the original does."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import secrets
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from msgspec import structs

from starshift import catalogue, seeds
from starshift.api.environment import environment
from starshift.api.review import source_of
from starshift.compose import serving
from starshift.compose.predictor import Predictor
from starshift.compose.whole import assemble, refuse_others
from starshift.data.cache import cache_root
from starshift.data.decode import Frame, decode
from starshift.data.sources import Source
from starshift.errors import DataError, RunError, UnreadablePicture, UsageError
from starshift.evaluation import protocol
from starshift.evaluation.agreement import agreement
from starshift.ladder.folder import RunFolder, folder_name
from starshift.learnware import package
from starshift.progress import Progress, Silent
from starshift.recipe import near
from starshift.records import Dataset, Estimate, Learnware, answers_for, files
from starshift.records.export import EXPORT_SCHEMA, Agreement, ExportFormat, ExportPrecision, ExportRecord
from starshift.report.words import counted
from starshift.training.keras_setup import load_keras, quiet

CHECKED = 400
"""Pictures of the validation part that an export is held against the original on; all where there are fewer."""

CALIBRATED = 200
"""Training pictures by which 8 bits are laid out: ranges of activations hardly change beyond a hundred."""

RECORD = "export.json"
"""By which a folder is known as an export."""


@dataclass(frozen=True)
class Tolerance:
    """How far an export may be from the original before it is not written."""

    largest: float  # difference of a probability on the same pixels; of a number, in standard deviations
    same: float  # share of the pictures with the same answer on the same pixels
    same_from_file: float  # the same from file to label, with `starshift predict`
    lost: float = math.inf  # of the leading figure: points of a share; of an error 5 times as much, as a part of it


TOLERANCES: dict[str, Tolerance] = {
    # The same arithmetic in another order: 24 bits lose about one in a thousand of a percent on the way through 50
    # layers; what is beyond is another network.
    "float32": Tolerance(1e-4, 1.0, 0.995),
    # Weights rounded to 11 bits: 0.03 was measured on one MobileNetV2 (400 pictures); what is above is room, not proof.
    "float16": Tolerance(0.05, 0.99, 0.985),
    # Single answers move by up to 0.7 in 8 bits (ONNX, MobileNetV2), so that probabilities bound nothing; answers and
    # accuracy must hold.
    "8-bit": Tolerance(1.0, 0.95, 0.95, lost=0.01),
}


@dataclass(frozen=True)
class Export:
    """One exported model: its folder and what its export.json says."""

    path: Path
    record: ExportRecord


def export(
    run: str | Path,
    to: str | Sequence[str],
    *,
    precision: str | Sequence[str] = "float32",
    rung: str | None = None,
    out: str | Path | None = None,
    photos: str | Path | None = None,
    web: str | Path | None = None,
    progress: Progress | None = None,
) -> list[Export]:
    """Write a run's model in one or several formats, each as a folder that serves without Starshift.

    to: "keras", "onnx", "openvino", "litert". precision: "float32", "float16", "8-bit"; each format is written in each.
    rung: whose model; that of the chosen one if None. out: the folder in which a folder FORMAT-PRECISION is made for
    each; RUN/exports if None, and RUN/exports/RUNG of a rung that is named. photos: where the run's
    pictures lie now, if not where they were. web: the folder of the npm package onnxruntime-web, whose files the web
    page of an ONNX export needs; they are copied beside it.

    Each is loaded in its own runtime and held against the Keras model in float32 and against `predict` on up to
    CHECKED pictures of the validation part. Raises RunError, after the others were written, for those that differ
    beyond TOLERANCES, of which nothing is left; for a model that cannot be put together; UsageError with everything
    that is wrong with the arguments; DataError where the pictures are gone; MissingExtra.
    """
    progress = progress or Silent()
    formats = [to] if isinstance(to, str) else list(dict.fromkeys(to))
    precisions = [precision] if isinstance(precision, str) else list(dict.fromkeys(precision))
    if wrong := [*serving.problems(formats, precisions), *serving.web_problems(formats, web)]:
        raise UsageError(wrong)
    asked = [(cast(ExportFormat, format), cast(ExportPrecision, wanted)) for format in formats for wanted in precisions]
    for one in asked:
        serving.require(*one)
    original = _Original(RunFolder(Path(run)), photos, progress, rung)
    if "keras" in formats and (hub := [base.name for base in original.learnware.bases if _is_of_hub(base.spec)]):
        raise UsageError(f"A .keras file of {', '.join(hub)} could be opened with KerasHub alone; take another format.")
    usual = original.folder.path / "exports" / (folder_name(rung) if rung else "")
    places = {one: Path(out or usual) / "-".join(one) for one in asked}
    if strangers := [place for place in places.values() if place.exists() and not (place / RECORD).is_file()]:
        raise UsageError(
            [f"{place} is there and is no export of Starshift; name another folder with --out." for place in strangers]
        )
    written: list[Export] = []
    parted: list[str] = []
    for one, place in places.items():
        progress.say(f"Writing {serving.FORMATS[one[0]].title} in {one[1]} …")
        try:
            written.append(Export(place, _written(original, *one, place, web)))
        except RunError as error:
            parted += error.problems
    if parted:
        raise RunError(parted)
    return written


def parse_wishes(texts: Sequence[str]) -> list[tuple[str, str]]:
    """ "litert:8-bit" → ("litert", "8-bit"); "onnx" is onnx:float32. Raises UsageError with all that cannot be written,
    MissingExtra for a package that lacks, so that nothing long begins before.
    """
    wishes = [(format, precision or "float32") for format, _, precision in (text.partition(":") for text in texts)]
    if wrong := [problem for format, precision in wishes for problem in serving.problems([format], [precision])]:
        raise UsageError(list(dict.fromkeys(wrong)))
    for format, precision in wishes:
        serving.require(cast(ExportFormat, format), cast(ExportPrecision, precision))
    return wishes


def _is_of_hub(spec: str) -> bool:
    return catalogue.parse(spec)[0].transformer is not None


def _written(
    original: _Original, format: ExportFormat, precision: ExportPrecision, place: Path, web: str | Path | None
) -> ExportRecord:
    """One folder, whole or not at all. Raises RunError, saying where it parts from the original."""
    network = original.network  # before Keras is imported otherwise, which would not be quiet
    from starshift.compose import export as conversion

    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{files.TEMPORARY}{secrets.token_hex(4)}-{place.name}")
    draft.mkdir()
    try:
        calibration = original.training if precision == "8-bit" else original.pixels[:0]
        conversion.write(network, format, precision, calibration, draft / serving.FORMATS[format].file)
        size = sum(file.stat().st_size for file in draft.iterdir())
        for name, content in serving.beside(original.learnware, format).items():
            (draft / name).write_text(content, encoding="utf-8")
        record = _checked(original, format, precision, draft, size)
        if faults := _faults(record, original):
            what = f"{serving.FORMATS[format].title} in {precision}"
            raise RunError(f"{what} was not written, for it parts from the original: {'; '.join(faults)}.")
        files.write(record, draft / RECORD)
        (draft / "README.md").write_text(serving.readme(original.learnware, record), encoding="utf-8")
        if web is not None and format == "onnx":
            serving.copy_web(Path(web), draft)
        if place.exists():
            shutil.rmtree(place)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return record


# ----------------------------------------------------------------------------------------------------
# The original


class _Original:
    """A run's model, the pictures that it is checked on, and what it says of them. Raises RunError and DataError."""

    def __init__(
        self, folder: RunFolder, photos: str | Path | None, progress: Progress, rung: str | None = None
    ) -> None:
        self.folder, self.progress = folder, progress
        run = folder.read_run()
        finished = [one.name for one in run.rungs if one.status == "finished"]
        if rung is not None and rung not in finished:
            raise UsageError(f"The run has finished no rung {rung!r}.{near(rung, finished)}")
        self.learnware, self.tensors = folder.read_model(rung) if rung else package.read(folder.path / "model")
        refuse_others(self.learnware)
        self.source: Source = source_of(photos, run)
        self.dataset: Dataset = folder.read_dataset()
        self.paths, self.bytes = self._some("validation", CHECKED)
        self.frame = Frame(self.learnware.picture.size, cast(Any, self.learnware.picture.fit))

    def _some(self, part: str, most: int) -> tuple[list[str], list[bytes]]:
        """Files of pictures of a part, drawn evenly, which are still those of the run."""
        entries = [one for one in self.folder.read_splits().examples if one.part == part]
        drawn = np.random.default_rng(seeds.child(0, "export", part)).permutation(len(entries))
        found: dict[str, bytes] = {}
        for place in drawn:
            if len(found) == most:
                break
            try:
                data = self.source.read(entries[place].path)
            except UnreadablePicture:
                continue
            if hashlib.sha256(data).hexdigest() == entries[place].digest:
                found[entries[place].path] = data
        if not found:
            raise DataError(
                f"None of the {counted(len(entries), 'picture')} of the {part} part is in {self.source.name!r} any "
                "more, and an export is held against the original on them. Say with --photos where they lie now."
            )
        return sorted(found), [found[path] for path in sorted(found)]

    @cached_property
    def pixels(self) -> np.ndarray:
        """uint8 (N, size, size, 3)."""
        return np.stack([decode(data, self.frame)[0] for data in self.bytes])

    @cached_property
    def training(self) -> np.ndarray:
        """Some of the training part: uint8 (N, size, size, 3)."""
        return np.stack([decode(data, self.frame)[0] for data in self._some("train", CALIBRATED)[1]])

    @cached_property
    def network(self) -> Any:
        """The Keras model in float32."""
        if load_keras().backend.backend() != "tensorflow":
            raise UsageError("Models are converted by TensorFlow: set KERAS_BACKEND=tensorflow for this command.")
        return assemble(self.learnware, self.tensors, cache_root())

    @cached_property
    def by_keras(self) -> list[np.ndarray]:
        """What that says of the pictures, target by target."""
        found = self.network.predict(self.pixels, batch_size=8, verbose=0)
        return found if isinstance(found, list) else [found]

    @cached_property
    def by_predict(self) -> list[np.ndarray]:
        """What `starshift predict` says in float32."""
        exact = structs.replace(self.learnware, precision="f32")
        return Predictor(exact, self.tensors, cache_root()).all(self.pixels)

    @cached_property
    def by_predict_here(self) -> list[np.ndarray] | None:
        """What it says as it is, where that is not float32."""
        if self.learnware.precision == "f32":
            return None
        return Predictor(self.learnware, self.tensors, cache_root()).all(self.pixels)

    def leading(self, outputs: list[np.ndarray]) -> Any:
        """The figure of the leading target; see records.score.Leading."""
        target = self.learnware.target
        truth = {example.path: example.label for example in self.dataset.examples}
        labels = target.encode([truth[path] for path in self.paths])
        said = answers_for(target, self.paths, labels, outputs[0])
        return protocol.score(said, seed=0, noun="picture").leading


# ----------------------------------------------------------------------------------------------------
# Held against it


def _checked(
    original: _Original, format: ExportFormat, precision: ExportPrecision, folder: Path, size: int
) -> ExportRecord:
    """Run a folder's own example on the pictures, from pixels and from files."""
    example, targets, paths = _example(folder), original.learnware.targets, original.paths
    pixels = original.pixels
    example.run(pixels[:1])  # what a runtime does once
    rows, seconds = [], []
    original.progress.start("checking", len(pixels))
    for number in range(len(pixels)):
        started = time.perf_counter()
        rows.append(np.array(example.run(pixels[number : number + 1])[0]))
        seconds.append(time.perf_counter() - started)
        original.progress.update(number + 1, len(pixels))
    original.progress.finish()
    from_files = []
    for number, data in enumerate(original.bytes):
        seen = example.read(BytesIO(data))
        same = np.array_equal(seen[0], pixels[number])
        from_files.append(rows[number] if same else np.array(example.run(seen)[0]))
    on_pixels, on_files = _by_target(original.learnware, rows), _by_target(original.learnware, from_files)
    leading = original.leading(on_files)
    here = original.by_predict_here
    made = serving.FORMATS[format]
    runtime = made.serves.split()[0]
    return ExportRecord(
        schema=EXPORT_SCHEMA,
        format=format,
        precision=precision,
        model=original.learnware.name,
        learnware=original.learnware.id,
        made_by=f"starshift {version('starshift')}",
        runtime=f"{runtime} {version(runtime)}",
        file_bytes=size,
        graph=agreement(targets, paths, on_pixels, original.by_keras),
        files=agreement(targets, paths, on_files, original.by_predict),
        here=None if here is None else agreement(targets, paths, on_files, here),
        metric=leading.metric,
        figure=cast(Estimate, leading.estimate),
        original=original.leading(original.by_keras).estimate.value,
        milliseconds=statistics.median(seconds) * 1000,
        machine=environment().processor,
    )


def _example(folder: Path) -> Any:
    """The folder's own predict.py, as a module: what is shipped is what is checked."""
    made = importlib.util.spec_from_file_location(f"exported_{secrets.token_hex(4)}", folder / "predict.py")
    assert made is not None and made.loader is not None
    module = importlib.util.module_from_spec(made)
    with quiet():  # runtimes say what they found
        made.loader.exec_module(module)
    return module


def _by_target(learnware: Learnware, rows: list[np.ndarray]) -> list[np.ndarray]:
    """Rows of all columns as records.answers_for takes them: see compose.serving.columns."""
    table = np.stack(rows)
    ends = np.cumsum([serving.columns(target) for target in learnware.targets])
    each = np.split(table, ends[:-1], axis=1)
    return [one[:, 0] if target.is_number else one for target, one in zip(learnware.targets, each, strict=True)]


def _faults(record: ExportRecord, original: _Original) -> list[str]:
    """Where an export parts from the original, as clauses."""
    may, graph, found = TOLERANCES[record.precision], record.graph, []
    if not graph.largest <= may.largest:
        found.append(
            f"on {graph.path} its answer for {graph.about!r} differs from Keras's in float32 by {graph.largest:.2g}, "
            f"and {may.largest:g} is allowed"
        )
    if graph.same < may.same:
        found.append(_other_answers(graph, "Keras in float32", may.same))
    if record.files.same < may.same_from_file:
        found.append(_other_answers(record.files, "`starshift predict`, from the file on,", may.same_from_file))
    leading = original.leading(original.by_keras)
    lost = (record.original - record.figure.value) * (1 if leading.higher_is_better else -1)
    # One picture is no point lost of a few.
    allowed = max(may.lost, 1.5 / record.graph.n) if leading.is_share else 5 * may.lost * record.original
    if lost > allowed:
        found.append(f"its {record.metric} is {record.figure.value:.4g}, the original's {record.original:.4g}")
    return found


def _other_answers(apart: Agreement, whose: str, allowed: float) -> str:
    return (
        f"it answers otherwise than {whose} on {1 - apart.same:.1%} of {counted(apart.n, 'picture')}, and "
        f"{1 - allowed:.1%} is allowed ({', '.join(apart.differing)})"
    )
