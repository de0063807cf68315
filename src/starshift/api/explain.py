"""`starshift.explain`: what an answer hangs on, as maps over the picture, and training pictures that are like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from starshift import catalogue
from starshift.api.predict import answered, open_model
from starshift.compose import occlusion
from starshift.compose.predictor import Predictor
from starshift.data.cache import cache_root
from starshift.data.decode import Frame, decode
from starshift.data.inputs import find_inputs
from starshift.data.sources import open_source
from starshift.data.thumbnails import thumbnail
from starshift.errors import RunError, StarshiftError, UnreadablePicture, UsageError
from starshift.ladder.folder import RunFolder
from starshift.ladder.nearest import Neighbourhood, Read, as_alike, neighbourhood
from starshift.progress import Progress, Silent
from starshift.recipe import near
from starshift.records import Alike, Explanation, RunRecord, files
from starshift.report.explain import images, view
from starshift.report.render import render

MOST = 50
"""Pictures at a time: a minute and a page of some 5 MB with MobileNetV2 on 2 cores."""

SIDE = 400
"""Longest side in pixels of a picture on the page."""

PAGE = "explain.html"


def explain(
    model: str | Path,
    paths: Sequence[str | Path] | str | Path,
    *,
    label: str | None = None,
    grad_cam: bool = True,
    photos: str | Path | None = None,
    build: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> list[Explanation]:
    """Why a model of pictures says what it says: of its leading target.

    model: a run folder, or the model/ folder of one. paths: files, folders (searched through) or zips, of at most MOST
    pictures. label: the class or label that the maps are about; the one that is answered if None.
    grad_cam: whether to make Grad-CAM maps, too, for which TensorFlow is loaded. photos: where the run's pictures lie
    now, if not where they were: training pictures that are like are shown from there. build: as in `predict`.
    Returns one Explanation per file, in the order given; unreadable files among them, with their reason.
    Raises UsageError for models that nothing can be explained of, a label that the model does not know, and too many
    pictures; RunError and DataError as `predict` does.
    """
    return list(_Explaining(model, label, grad_cam, photos, build, progress or Silent()).each(paths))


def write_explanations(
    model: str | Path,
    paths: Sequence[str | Path] | str | Path,
    *,
    out: str | Path | None = None,
    label: str | None = None,
    photos: str | Path | None = None,
    build: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Path, list[Explanation]]:
    """As `explain`, written down: one page that opens offline, explain.html, and every picture on it as a JPEG.

    out: a folder, made where it is not there; explanations/ in the run folder if None. A model folder alone has no such
    place: UsageError. Returns the page's path, and what it says.
    """
    folder = _folder_for(Path(model), out)
    found = explain(model, paths, label=label, photos=photos, build=build, progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(found, start=1):
        for name, jpeg in images(one).items():
            files.write_bytes(jpeg, folder / f"{number:02d}-{_plain(one.file)}-{name}.jpg")
    page = render(view(found, Path(model).resolve().name), PAGE)
    files.write_bytes(page.encode("utf-8", "replace"), folder / PAGE)
    return folder / PAGE, found


def _folder_for(model: Path, out: str | Path | None) -> Path:
    if out is None and not RunFolder(model).is_run and model.exists():
        raise UsageError(f"{model} is a model without its run; say with --out where to write the page.")
    folder = model / "explanations" if out is None else Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder for the page with --out.")
    return folder


def _plain(file: str) -> str:
    return re.sub(r"[^\w.-]", "-", Path(file).stem)[:60]


class _Explaining:
    """One call of `explain` under way."""

    def __init__(
        self,
        model: str | Path,
        label: str | None,
        grad_cam: bool,
        photos: str | Path | None,
        build: Callable[..., Any] | None,
        progress: Progress,
    ) -> None:
        opened = open_model(model, build)
        if not isinstance(opened, Predictor):
            raise UsageError(f"{opened.learnware.name!r} takes texts; what is explained are models of pictures.")
        if unexplained := occlusion.unexplained(opened.learnware):
            raise UsageError(unexplained)
        self.predictor, self.target, self.progress = opened, opened.targets[0], progress
        self.output = self._output(label)
        self.folder, self.photos, self.grad_cam = RunFolder(Path(model)), photos, grad_cam
        self.notes: list[str] = []

    def _output(self, label: str | None) -> int | None:
        """Which output is asked for; None for that which is answered."""
        if label is None:
            return None
        if self.target.is_number:
            raise UsageError(f"{self.target.name!r} is a number and has no classes; leave --class out.")
        if label not in self.target.classes:
            raise UsageError(f"The model knows no class {label!r}.{near(label, self.target.classes)}")
        return self.target.classes.index(label)

    def each(self, paths: Sequence[str | Path] | str | Path) -> Iterator[Explanation]:
        inputs = find_inputs([paths] if isinstance(paths, str | Path) else list(paths))
        if len(inputs) > MOST:
            raise UsageError(
                f"{len(inputs):,} pictures came; at most {MOST} are explained at a time, since each is looked at some "
                "hundred times. Name fewer."
            )
        if not inputs:
            raise UsageError("There is no picture among the files that were named.")
        camera, around = self._camera(), self._around()
        self.progress.start("explaining", len(inputs))
        try:
            for done, one in enumerate(inputs, start=1):
                try:
                    yield self._one(one.path, one.load(), camera, around)
                except UnreadablePicture as error:
                    yield Explanation(one.path, reason=str(error))
                self.progress.update(done, len(inputs))
        finally:
            self.progress.finish()

    def _one(self, file: str, data: bytes, camera: Camera | None, around: Around | None) -> Explanation:
        pixels, facts = decode(data, self.predictor.frame)
        row = self.predictor(pixels[None])[0]
        said = answered(self.target, row)
        output = occlusion.answered(self.target, row) if self.output is None else self.output
        notes = list(self.notes)
        seen = None
        if camera:
            try:
                seen = camera(pixels, output)
            except RunError as error:
                notes += error.problems
        side = min(SIDE, max(facts.width, facts.height))
        square, _ = decode(data, Frame(side))
        return Explanation(
            file,
            label=said.label,
            probability=said.probability,
            probabilities=said.probabilities,
            explained=occlusion.named(self.target, output),
            unit="" if self.target.is_number else "log-odds",
            occlusion=occlusion.occlusion(self.predictor, pixels, output),
            grad_cam=seen,
            alike=around(data) if around else (),
            notes=tuple(notes),
            picture=thumbnail(square, facts.width, facts.height, side=side),
            fit=self.predictor.frame.fit,
            by=around.known.by if around else "",
        )

    def _camera(self) -> Camera | None:
        """What makes Grad-CAM maps; None where none can be made, which is noted."""
        if not self.grad_cam:
            return None
        try:
            return Camera(self.predictor)
        except StarshiftError as error:
            self.notes.append(f"There is no Grad-CAM: {' '.join(error.problems)}")
            return None

    def _around(self) -> Around | None:
        """What finds training pictures; None where there are none, which is noted."""
        if not self.folder.is_run:
            self.notes.append(
                "No training pictures are shown beside it: this is a model without its run, which knows them."
            )
            return None
        record = self.folder.read_run()
        try:
            return Around(self.folder, record, reading(self.photos or record.data.source))
        except StarshiftError as error:
            self.notes.append(f"No training pictures are shown beside it: {' '.join(error.problems)}")
            return None


class Camera:
    """Grad-CAM of one model."""

    def __init__(self, predictor: Predictor) -> None:
        """Raises RunError where the model makes no maps, MissingWeights where a base of it lacks."""
        from starshift.compose.whole import assemble
        from starshift.training.keras_setup import load_keras

        load_keras()  # before anything imports it, or TensorFlow would say good morning
        lead = predictor.parts[0] if predictor.parts else predictor
        learnware = lead.learnware
        if any(catalogue.parse(base.spec)[0].transformer for base in learnware.bases):
            raise RunError("a transformer sees tokens and makes no map of a picture; occlusion explains it.")
        # Of the picture as it is, not of its mirror image as well; a temperature changes nothing but the scale.
        arguments = {name: value for name, value in learnware.arguments.items() if name != "mirrored"}
        learnware = structs.replace(learnware, arguments=arguments, temperature=1.0)
        self.target = learnware.target
        self.network = assemble(learnware, lead.tensors, lead.cache)

    def __call__(self, pixels: np.ndarray, output: int) -> np.ndarray:
        """pixels: uint8 (size, size, 3). Returns float32 (size, size) from 0 to 1. Raises RunError."""
        from starshift.training.explain import grad_cam

        found: np.ndarray = grad_cam(self.network, pixels[None], self.target, output)[0]
        return found


class Around:
    """The training pictures of a run."""

    def __init__(self, folder: RunFolder, record: RunRecord, read: Read) -> None:
        """Raises StarshiftError where they cannot be compared."""
        self.read = read
        self.known: Neighbourhood = neighbourhood(
            folder, record.rungs, record.chosen, folder.read_dataset(), cache_root(), read
        )

    def __call__(self, data: bytes) -> tuple[Alike, ...]:
        """data: of the picture's file."""
        pixels, _ = decode(data, self.known.frame)
        (found,) = self.known.nearest(self.known.bases.run(pixels[None]))
        return as_alike(found, self.read)


def reading(source: str | Path) -> Read:
    """How the pictures of a run are read; each is unreadable where the source is gone."""
    try:
        return open_source(source).read
    except StarshiftError as error:
        gone = " ".join(error.problems)

        def read(path: str) -> bytes:
            raise UnreadablePicture("gone", gone)

        return read
