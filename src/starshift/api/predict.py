"""`starshift.predict`: labels for new pictures, in constant memory and without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from starshift.compose.predictor import Predictor
from starshift.compose.texts import TextModel
from starshift.data.cache import cache_root
from starshift.data.decode import Frame, decode
from starshift.data.read import find_inputs
from starshift.data.texts import decoded, text_files
from starshift.errors import RunError, UnreadablePicture, UsageError
from starshift.evaluation.conformal import LEVELS
from starshift.execution import map_ordered
from starshift.learnware import package
from starshift.progress import Progress, Silent
from starshift.records import InputContract, Learnware, Target, TextContract
from starshift.records.target import join_labels

CHUNK = 256
"""Pictures in memory at once."""


@dataclass(frozen=True)
class Answer:
    """What a model says of one target."""

    label: str = ""  # a class; labels joined by "|"; a number in words
    probability: float | None = None  # of the class
    probabilities: dict[str, float] | None = None  # of every class, or label
    value: float | None = None  # of a number, in the target's unit


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file. A file that cannot be read has a reason and nothing else."""

    file: str
    label: str = ""  # of the leading target, as Answer has it; also "" where it is not sure enough of any
    probability: float | None = None
    probabilities: dict[str, float] | None = None  # of every class
    reason: str = ""  # why the file was not read; "" where it was
    value: float | None = None  # where a number is predicted
    further: dict[str, Answer] = field(default_factory=dict)  # of the targets behind the first, by name

    def answer(self, target: str, place: int) -> Answer:
        """That for one target. place: among the model's, from 0."""
        if place:
            return self.further.get(target, Answer())
        return Answer(self.label, self.probability, self.probabilities, self.value)


def predict(
    model: str | Path,
    paths: Sequence[str | Path] | str | Path,
    *,
    build: Callable[..., Any] | None = None,
    sure: float | None = None,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Labels and probabilities for pictures.

    model: a run folder, or the model/ folder of one. paths: files, folders (searched through) or zips.
    build: your own function that the model's network was built by, for a model of such a one that was never converted
        on this machine.
    sure: 0.90, 0.95 or 0.99: it answers only so that this share of its answers is right, by the threshold that the
        validation part has set, and has no label for other pictures. It answers all of them if None.
    Returns one Prediction per file, in the order given; unreadable files among them, with their reason.
    Raises RunError where the model cannot be used or promises no such share, DataError where a path does not exist,
    UsageError for another share.
    """
    return list(predict_each(open_model(model, build), paths, sure=sure, progress=progress))


def open_model(model: str | Path, build: Callable[..., Any] | None = None) -> Predictor | TextModel:
    """The model of a run folder or model folder, ready to answer. Raises RunError where it cannot be used."""
    learnware, tensors = package.read(model_folder(Path(model)))
    if isinstance(learnware.input, TextContract) and learnware.builder != "majority" and not learnware.apart:
        return TextModel(learnware, tensors)
    if not isinstance(learnware.input, InputContract):
        raise UsageError(
            f"{learnware.name!r} takes no pictures. For a file of rows: starshift.predict_rows(model, file), or "
            "starshift predict RUN FILE."
        )
    return Predictor(learnware, tensors, cache_root(), build)


def predict_each(
    predictor: Predictor | TextModel,
    paths: Sequence[str | Path] | str | Path,
    *,
    sure: float | None = None,
    progress: Progress | None = None,
) -> Iterator[Prediction]:
    """As `predict`, one by one while the work goes on; memory does not grow with the number of files."""
    progress = progress or Silent()
    above = None if sure is None else answers_above(predictor.learnware, sure)
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    inputs = _text_inputs(given) if isinstance(predictor, TextModel) else find_inputs(given)
    progress.start("predicting", len(inputs))
    try:
        for start in range(0, len(inputs), CHUNK):
            chunk = inputs[start : start + CHUNK]
            said = _predict_texts if isinstance(predictor, TextModel) else _predict_chunk
            for one in said(predictor, chunk):  # type: ignore[operator, arg-type]
                yield one if above is None or one.reason else _unless_unsure(one, above)
            progress.update(min(start + CHUNK, len(inputs)), len(inputs))
    finally:
        progress.finish()


def answers_above(learnware: Learnware, sure: float) -> float:
    """The confidence above which a share `sure` of the model's answers is right.

    Raises UsageError for a share that no model is asked for, RunError where this one cannot promise it.
    """
    if sure not in LEVELS:
        asked = " or ".join(", ".join(f"{100 * level:.0f}" for level in LEVELS).rsplit(", ", 1))
        raise UsageError(f"{asked} of 100 answers can be asked to be right; {100 * sure:g} came.")
    found = next((one for one in learnware.thresholds if one.kind == "answers" and one.wanted == sure), None)
    if found is None:
        raise RunError(
            f"{learnware.name!r} has no thresholds: it is a baseline, was trained on the validation part too, or is "
            "of an earlier version. Without asking for so many right answers it answers always."
        )
    if found.threshold is None:
        raise RunError(
            f"{learnware.name!r} cannot promise that {100 * sure:.0f} of 100 answers are right: {found.reason}. Ask "
            "for fewer, or add to the validation part."
        )
    return found.threshold


def _unless_unsure(one: Prediction, above: float) -> Prediction:
    """The prediction, without its label where that is not likely enough."""
    assert one.probability is not None
    return one if one.probability > above else replace(one, label="")


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
    outputs = predictor.all(np.stack(readable)) if readable else []
    rows = zip(*outputs, strict=True)
    for (file, _), pixels in zip(inputs, decoded, strict=True):
        yield Prediction(file, reason=pixels) if isinstance(pixels, str) else _prediction(file, predictor, next(rows))


def _text_inputs(paths: Sequence[str | Path]) -> list[tuple[str, Loader]]:
    return [(str(file), file.read_bytes) for file in text_files(paths)]


def _predict_texts(model: TextModel, inputs: Sequence[tuple[str, Loader]]) -> Iterator[Prediction]:
    read = [decoded(load(), file) for file, load in inputs]
    outputs = iter(model([text for text, kind, _ in read if not kind]))
    for (file, _), (_, kind, reason) in zip(inputs, read, strict=True):
        if kind:
            yield Prediction(file, reason=reason)
        else:
            found = answered(model.learnware.target, next(outputs))
            yield Prediction(file, found.label, found.probability, found.probabilities, value=found.value)


def _decode(load: Loader, frame: Frame) -> np.ndarray | str:
    """Pixels, or the reason why there are none."""
    try:
        return decode(load(), frame)[0]
    except UnreadablePicture as error:
        return str(error)


def _prediction(file: str, predictor: Predictor, row: Sequence[Any]) -> Prediction:
    """row: what the model puts out for the picture, target by target."""
    found = [answered(target, output) for target, output in zip(predictor.targets, row, strict=True)]
    first, further = found[0], {one.name: answer for one, answer in zip(predictor.targets[1:], found[1:], strict=True)}
    return Prediction(file, first.label, first.probability, first.probabilities, value=first.value, further=further)


def answered(target: Target, output: Any) -> Answer:
    """What is said of one example, from what records.answers_for takes of it: (classes,), (labels,), or a number."""
    if target.is_number:
        return Answer(f"{float(output):.6g}", value=float(output))
    if target.kind == "string":
        return Answer(str(output[0]), float(output[1]))
    values = {name: float(value) for name, value in zip(target.classes, output, strict=True)}
    if target.kind == "multi-label":
        return Answer(join_labels(name for name, value in values.items() if value > 0.5), probabilities=values)
    best = int(np.asarray(output).argmax())
    return Answer(target.classes[best], float(output[best]), values)
