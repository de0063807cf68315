"""The run folder: what lies where, written so that a stop at any moment leaves it readable.

run.json  dataset.json  splits.json  report.html
rungs/NAME/history.jsonl  rungs/NAME/validation.csv  rungs/NAME/model/
test.csv     what the chosen model said of the sealed test part
thumbnails/  the pictures that the report shows, small
model/       the chosen rung's model
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np

from starshift.errors import RunError
from starshift.learnware import package
from starshift.records import (
    SCHEMA,
    Dataset,
    Epoch,
    Evaluation,
    Learnware,
    Predictions,
    RunRecord,
    Split,
    SplitEntry,
    SplitFile,
    TestRecord,
    files,
)


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def refuse_strangers(self) -> None:
        """Raises RunError if the path is a file, or a folder that holds something that is no run."""
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file; name a folder for the run with --out.")
        begun = self.is_run or (self.path / "dataset.json").is_file()  # stopped before its first rung
        if self.path.is_dir() and any(self.path.iterdir()) and not begun:
            raise RunError(
                f"{self.path} is not empty and holds no run of Starshift; nothing was written. "
                "Name another folder with --out."
            )

    def create(self) -> None:
        """Make the folder where it is not there."""
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def is_run(self) -> bool:
        """Whether a run left its record here."""
        return (self.path / "run.json").is_file()

    def read_run(self) -> RunRecord:
        """run.json. Raises RunError where there is none or it cannot be read."""
        if not (self.path / "run.json").is_file():
            raise RunError(
                f"{self.path} is not the folder of a run: it has no run.json. "
                "Name a folder that `starshift fit` made, such as runs/NAME."
            )
        record = files.read(self.path / "run.json", RunRecord)
        if record.schema != SCHEMA:
            raise RunError(f"{self.path}/run.json has form {record.schema}; this version reads {SCHEMA}.")
        return record

    def write_run(self, record: RunRecord) -> None:
        """run.json."""
        files.write(record, self.path / "run.json")

    def read_dataset(self) -> Dataset:
        """dataset.json."""
        return files.read(self.path / "dataset.json", Dataset)

    def write_dataset(self, dataset: Dataset, split: Split) -> None:
        """dataset.json, and splits.json with every picture, its digest and its part."""
        files.write(dataset, self.path / "dataset.json")
        part = {index: name for name in ("train", "validation", "test") for index in getattr(split, name)}
        entries = tuple(
            SplitEntry(picture.path, picture.digest, picture.label, part[index])
            for index, picture in enumerate(dataset.pictures)
        )
        files.write(SplitFile(split.how, entries), self.path / "splits.json")

    def has_rung(self, name: str) -> bool:
        """Whether everything that a finished rung leaves is there."""
        rung = self._rung(name)
        return all((rung / file).is_file() for file in ("validation.csv", "model/learnware.json"))

    def clear_rung(self, name: str) -> None:
        """Forget an earlier attempt at a rung."""
        shutil.rmtree(self._rung(name), ignore_errors=True)
        self._rung(name).mkdir(parents=True)

    def append_epoch(self, name: str, epoch: Epoch) -> None:
        """One line more of a rung's history."""
        files.append_line(epoch, self._rung(name) / "history.jsonl")

    def read_history(self, name: str) -> list[Epoch]:
        """A rung's history; empty for one without epochs."""
        return files.read_lines(self._rung(name) / "history.jsonl", Epoch)

    def write_model(self, name: str, learnware: Learnware, tensors: dict[str, np.ndarray]) -> Learnware:
        """A rung's model; returns its learnware with digests."""
        return package.write(learnware, tensors, self._rung(name) / "model")

    def read_model(self, name: str) -> tuple[Learnware, dict[str, np.ndarray]]:
        """A rung's model."""
        return package.read(self._rung(name) / "model")

    def publish(self, name: str, test: TestRecord | None) -> None:
        """Put the chosen rung's model into model/, with what the sealed test said of it."""
        learnware, tensors = self.read_model(name)
        if test is not None and test.rung == name:
            sealed = Evaluation(part="test", score=test.score, sealed=True)
            learnware = msgspec.structs.replace(learnware, evaluations=(*learnware.evaluations, sealed))
        draft = self.path / ".model"
        shutil.rmtree(draft, ignore_errors=True)
        package.write(learnware, tensors, draft)
        shutil.rmtree(self.path / "model", ignore_errors=True)
        draft.rename(self.path / "model")

    def write_predictions(self, name: str, predictions: Predictions) -> None:
        """What a rung's model said of the validation part."""
        predictions.write(self._rung(name) / "validation.csv")

    def read_predictions(self, name: str) -> Predictions:
        """What a rung's model said of the validation part."""
        return Predictions.read(self._rung(name) / "validation.csv")

    def write_test(self, predictions: Predictions) -> None:
        """What the chosen model said of the test part."""
        predictions.write(self.path / "test.csv")

    def read_test(self) -> Predictions | None:
        """What the chosen model said of the test part; None if it was never opened."""
        file = self.path / "test.csv"
        return Predictions.read(file) if file.is_file() else None

    def forget_test(self) -> None:
        """Remove what was said of a test part that is not this run's."""
        (self.path / "test.csv").unlink(missing_ok=True)

    def thumbnail(self, digest: str) -> Path:
        """Where the thumbnail of the picture of that digest lies, or would."""
        return self.path / "thumbnails" / f"{digest}.jpg"

    def sweep_thumbnails(self, wanted: set[str]) -> None:
        """Make their folder, and drop those of pictures that are not shown any more."""
        folder = self.path / "thumbnails"
        folder.mkdir(exist_ok=True)
        for file in folder.glob("*.jpg"):
            if file.stem not in wanted:
                file.unlink()

    def _rung(self, name: str) -> Path:
        return self.path / "rungs" / name
