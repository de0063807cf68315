"""`starshift.predict`: labels for new pictures, in constant memory and without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from starshift.compose.predictor import Predictor
from starshift.data.cache import cache_root
from starshift.data.decode import Frame, decode
from starshift.data.read import find_inputs
from starshift.errors import RunError, UnreadablePicture
from starshift.execution import map_ordered
from starshift.learnware import package
from starshift.progress import Progress, Silent

CHUNK = 256
"""Pictures in memory at once."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file. A file that cannot be read has a reason and nothing else."""

    file: str
    label: str = ""
    probability: float | None = None
    probabilities: dict[str, float] | None = None  # of every class
    reason: str = ""  # why the file was not read; "" where it was


def predict(
    model: str | Path,
    paths: Sequence[str | Path] | str | Path,
    *,
    build: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Labels and probabilities for pictures.

    model: a run folder, or the model/ folder of one. paths: files, folders (searched through) or zips.
    build: your own function that the model's network was built by, for a model of such a one that was never converted
        on this machine.
    Returns one Prediction per file, in the order given; unreadable files among them, with their reason.
    Raises RunError where the model cannot be used, DataError where a path does not exist.
    """
    return list(predict_each(open_model(model, build), paths, progress=progress))


def open_model(model: str | Path, build: Callable[..., Any] | None = None) -> Predictor:
    """The model of a run folder or model folder, ready to answer. Raises RunError where it cannot be used."""
    return Predictor(*package.read(model_folder(Path(model))), cache_root(), build)


def predict_each(
    predictor: Predictor, paths: Sequence[str | Path] | str | Path, *, progress: Progress | None = None
) -> Iterator[Prediction]:
    """As `predict`, one by one while the work goes on; memory does not grow with the number of files."""
    progress = progress or Silent()
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    inputs = find_inputs(given)
    progress.start("predicting", len(inputs))
    try:
        for start in range(0, len(inputs), CHUNK):
            yield from _predict_chunk(predictor, inputs[start : start + CHUNK])
            progress.update(min(start + CHUNK, len(inputs)), len(inputs))
    finally:
        progress.finish()


def model_folder(path: Path) -> Path:
    """The model that a path means: a model folder itself, or the chosen one of a run folder."""
    for folder in (path, path / "model"):
        if (folder / "learnware.json").is_file():
            return folder
    raise RunError(
        f"{path} holds no model: neither learnware.json nor model/learnware.json is there. "
        "Name a run that `starshift fit` finished, such as runs/NAME."
    )


Loader = Callable[[], bytes]


def _predict_chunk(predictor: Predictor, inputs: Sequence[tuple[str, Loader]]) -> Iterator[Prediction]:
    decoded = list(map_ordered(lambda one: _decode(one[1], predictor.frame), inputs))
    readable = [pixels for pixels in decoded if not isinstance(pixels, str)]
    rows = iter(predictor(np.stack(readable)) if readable else ())
    for (file, _), pixels in zip(inputs, decoded, strict=True):
        yield Prediction(file, reason=pixels) if isinstance(pixels, str) else _prediction(file, predictor, next(rows))


def _decode(load: Loader, frame: Frame) -> np.ndarray | str:
    """Pixels, or the reason why there are none."""
    try:
        return decode(load(), frame)[0]
    except UnreadablePicture as error:
        return str(error)


def _prediction(file: str, predictor: Predictor, row: np.ndarray) -> Prediction:
    classes = predictor.learnware.classes
    best = int(row.argmax())
    values = {name: float(value) for name, value in zip(classes, row, strict=True)}
    return Prediction(file, classes[best], float(row[best]), values)
