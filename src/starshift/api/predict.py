"""`starshift.predict`: labels for new pictures, in constant memory and without TensorFlow."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from starshift.api.sort import Sorter
from starshift.compose.predictor import Predictor
from starshift.compose.texts import TextModel
from starshift.data.cache import cache_root
from starshift.data.decode import Frame, decode
from starshift.data.inputs import Input, find_inputs
from starshift.data.texts import decoded, text_files
from starshift.errors import RunError, UnreadablePicture, UsageError
from starshift.evaluation.conformal import LEVELS
from starshift.execution import map_ordered
from starshift.learnware import package
from starshift.progress import Progress, Silent
from starshift.records import InputContract, Learnware, Target, TextContract
from starshift.records.target import join_labels

CHUNK = 64
"""Pictures that the network is given at once, while up to two chunks more are decoded. Larger ones are no faster on 2
cores, and answers come later."""

CHUNK_BYTES = 64 * 2**20
"""Of their pixels, at most."""


@dataclass(frozen=True)
class Answer:
    """What a model says of one target."""

    label: str = ""  # a class; labels joined by "|"; a number in words
    probability: float | None = None  # of the class
    probabilities: dict[str, float] | None = None  # of every class, or label
    value: float | None = None  # of a number, in the target's unit

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable classes, or labels, with their probabilities; the most probable first."""
        return heapq.nlargest(count, (self.probabilities or {}).items(), key=lambda one: one[1])


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

    def top(self, count: int) -> list[tuple[str, float]]:
        """The leading target's most probable classes, or labels; the most probable first."""
        return self.answer("", 0).top(count)


def predict(
    model: str | Path,
    paths: Sequence[str | Path] | str | Path,
    *,
    build: Callable[..., Any] | None = None,
    sure: float | None = None,
    threshold: float | None = None,
    sort_into: str | Path | None = None,
    link: bool = False,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Labels and probabilities for pictures.

    model: a run folder, the model/ folder of one, or a learnware's tar.
    paths: files, folders (searched through) or zips.
    build: your own function that the model's network was built by, for a model of such a one that was never converted
        on this machine.
    sure: 0.90, 0.95 or 0.99: it answers only so that this share of its answers is right, by the threshold that the
        validation part has set, and has no label for other pictures. It answers all of them if None.
    threshold: a probability: below it, a picture has no label. Not together with `sure`.
    sort_into: a folder, in which every file that could be read is copied into a folder named after its class, or
        linked to with link=True: see api.sort.
    Returns one Prediction per file, in the order given; unreadable files among them, with their reason.
    Raises RunError where the model cannot be used or promises no such share, or a file cannot be put where it belongs;
    DataError where a path does not exist; UsageError for another share, or what does not go together.
    """
    predictor = open_model(model, build)
    sorter = sorter_for(predictor.learnware, sort_into, link=link)
    return list(predict_each(predictor, paths, sure=sure, threshold=threshold, sorter=sorter, progress=progress))


def sorter_for(learnware: Learnware, folder: str | Path | None, *, link: bool) -> Sorter | None:
    """What puts files into class folders; None where no folder is named.

    Raises UsageError for a model that does not tell one class of several, and for `link` without a folder.
    """
    if folder is not None:
        return Sorter(Path(folder).expanduser(), learnware, link=link)
    if link:
        raise UsageError("Links are made where files are sorted into class folders; name the folder with --sort-into.")
    return None


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
    threshold: float | None = None,
    sorter: Sorter | None = None,
    progress: Progress | None = None,
) -> Generator[Prediction, None, None]:
    """As `predict`, one by one while the work goes on; memory does not grow with the number of files, but for their
    paths. What is wrong with the arguments is raised at once. Close the iterator where it is left before its end, so
    that what is under way ends with it.
    """
    above = answers_above(predictor.learnware, sure, threshold)
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    find = _text_inputs if isinstance(predictor, TextModel) else find_inputs
    inputs = find(given, sorter.folder if sorter else None)
    return _each(predictor, inputs, above, sorter, progress or Silent())


def _each(
    predictor: Predictor | TextModel,
    inputs: Sequence[Input],
    above: float | None,
    sorter: Sorter | None,
    progress: Progress,
) -> Generator[Prediction, None, None]:
    said = _predict_texts if isinstance(predictor, TextModel) else _predict_pictures
    progress.start("predicting", len(inputs))
    try:
        with closing(said(predictor, inputs)) as predictions:  # type: ignore[operator, arg-type]
            for done, (one, found) in enumerate(zip(inputs, predictions, strict=True), start=1):
                answer = found if above is None or found.reason else _unless_unsure(found, above)
                if sorter and not answer.reason:
                    sorter.put(one, answer.label)
                yield answer
                if done % CHUNK == 0 or done == len(inputs):
                    progress.update(done, len(inputs))
    finally:
        progress.finish()


def answers_above(learnware: Learnware, sure: float | None = None, threshold: float | None = None) -> float | None:
    """The probability above which the model answers; None where it always does.

    sure: so that this share of its answers is right. threshold: the least probability of an answer. Raises UsageError
    for both at once, for a share that no model is asked for and for a threshold that would leave all answers or none;
    RunError where this model cannot promise the share.
    """
    if sure is not None and threshold is not None:
        raise UsageError(
            "--sure finds the probability below which it does not answer, --threshold gives it; take one of them."
        )
    if threshold is not None:
        return _just_below(threshold, learnware)
    return None if sure is None else _promised(learnware, sure)


def _just_below(threshold: float, learnware: Learnware) -> float:
    """The largest number below a threshold, of which an answer may have just the probability."""
    target = learnware.target
    if not target.is_classes and target.kind != "string":
        raise UsageError(f"--threshold is for models that tell classes; {learnware.name!r} tells none.")
    least = 1 / len(target.classes) if target.is_classes else 0
    if not least < threshold <= 1:
        why = f" (the likeliest of {len(target.classes)} classes always has that)" if target.is_classes else ""
        raise UsageError(
            f"A threshold is more than {100 * least:.3g} %{why} and at most 100 %; {100 * threshold:g} % came."
        )
    return math.nextafter(threshold, 0)


def _promised(learnware: Learnware, sure: float) -> float:
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
    """The model that a path means: a model folder itself, a learnware's tar, or the chosen one of a run folder."""
    if path.is_file():
        return path
    for folder in (path, path / "model"):
        if (folder / "learnware.json").is_file():
            return folder
    raise RunError(
        f"{path} holds no model: neither learnware.json nor model/learnware.json is there. "
        "Name a run that `starshift fit` finished, such as runs/NAME."
    )


def _predict_pictures(predictor: Predictor, inputs: Sequence[Input]) -> Generator[Prediction, None, None]:
    """Decoding threads go ahead of the network, by two chunks at most; results come in order."""
    frames = predictor.frames
    chunk = min(CHUNK, max(1, CHUNK_BYTES // sum(math.prod(frame.shape) for frame in frames)))
    files = (one.path for one in inputs)
    with closing(_decoded(frames, inputs, 2 * chunk)) as decoded:
        while pictures := list(islice(decoded, chunk)):
            readable = [pixels for pixels in pictures if not isinstance(pixels, str)]
            by_frame = {frame: np.stack(some) for frame, some in zip(frames, zip(*readable, strict=True), strict=False)}
            rows = zip(*predictor.all(by_frame), strict=True) if readable else iter(())
            for file, pixels in zip(islice(files, len(pictures)), pictures, strict=True):
                if isinstance(pixels, str):
                    yield Prediction(file, reason=pixels)
                else:
                    yield _prediction(file, predictor, next(rows))


def _decoded(
    frames: Sequence[Frame], inputs: Sequence[Input], ahead: int
) -> Generator[list[np.ndarray] | str, None, None]:
    return map_ordered(partial(_decode, frames=frames), inputs, ahead=ahead)


def _text_inputs(paths: Sequence[str | Path], without: Path | None = None) -> list[Input]:
    return [Input(str(file), file.read_bytes, file) for file in text_files(paths, without)]


def _predict_texts(model: TextModel, inputs: Sequence[Input]) -> Generator[Prediction, None, None]:
    for start in range(0, len(inputs), CHUNK):
        chunk = inputs[start : start + CHUNK]
        read = [decoded(one.load(), one.path) for one in chunk]
        outputs = iter(model([text for text, kind, _ in read if not kind]))
        for one, (_, kind, reason) in zip(chunk, read, strict=True):
            if kind:
                yield Prediction(one.path, reason=reason)
            else:
                found = answered(model.learnware.target, next(outputs))
                yield Prediction(one.path, found.label, found.probability, found.probabilities, value=found.value)


def _decode(one: Input, frames: Sequence[Frame]) -> list[np.ndarray] | str:
    """Pixels as each frame has them, or the reason why there are none."""
    try:
        data = one.load()
        return [decode(data, frame)[0] for frame in frames]
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
    values = dict(zip(target.classes, np.asarray(output).tolist(), strict=True))
    if target.kind == "multi-label":
        return Answer(join_labels(name for name, value in values.items() if value > 0.5), probabilities=values)
    best = target.classes[int(np.asarray(output).argmax())]
    return Answer(best, values[best], values)
