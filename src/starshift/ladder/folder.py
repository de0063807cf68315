"""The run folder: what lies where, written so that a stop at any moment leaves it readable.

run.json  dataset.json  splits.json  report.html
rungs/NAME/folds.jsonl  fits of the same recipe on folds, where the protocol has them
rungs/NAME/recipe.json  rungs/NAME/history.jsonl  rungs/NAME/validation.csv  rungs/NAME/model/
rungs/NAME/validation.TARGET.csv  what is said of targets behind the first
test.csv     what the chosen model said of the sealed test part; test.TARGET.csv of targets behind the first
suspects.json       pictures whose labels look wrong
labels.overlay.csv  a person's decisions on them; review.html, the page on which they are made
map.json     where pictures lie when like ones lie together
why.json     what the chosen model looked at in its worst mistakes, and training pictures like them
thumbnails/  the pictures that the report shows, small
augmented/   training pictures as networks saw them, small
model/       the chosen rung's model
retrained/   the same, trained again on validation pictures too, where that was asked for
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from starshift.apportion import group_ids
from starshift.errors import RunError, UsageError
from starshift.ladder.unfitted import evaluations
from starshift.learnware import package
from starshift.recipe import Recipe, digest
from starshift.records import (
    MAP_SCHEMA,
    SCHEMA,
    SUSPECTS_SCHEMA,
    WHY_SCHEMA,
    Answers,
    Calibration,
    Dataset,
    Epoch,
    FoldResult,
    Learnware,
    PictureMap,
    Provenance,
    RunRecord,
    Split,
    SplitEntry,
    SplitFile,
    Suspects,
    Target,
    TestRecord,
    Verdict,
    Why,
    files,
    read_answers,
)

LONGEST_NAME = 100
"""Characters of a rung's folder; what is longer ends in a digest."""


def folder_name(rung: str) -> str:
    """A rung's name as every file system takes it: "modern:sizes=64/96" → "modern+sizes=64-96"."""
    name = re.sub(r"[^\w.=+-]", "-", rung.replace(":", "+"))
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{digest(rung)[:8]}"


def answers_name(part: str, target: str = "") -> str:
    """The file of what is said of a part: "validation.csv"; of a target behind the first, "validation.age.csv".

    Characters that file systems dislike are replaced, and a digest then keeps names apart.
    """
    if not target:
        return f"{part}.csv"
    name = re.sub(r"[^\w-]", "-", target)[:LONGEST_NAME]
    return f"{part}.{name}.csv" if name == target else f"{part}.{name}-{digest(target)[:8]}.csv"


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def refuse_strangers(self) -> None:
        """Raises RunError if the path is a file or in one, or a folder that holds something that is no run."""
        there = next((place for place in (self.path, *self.path.parents) if place.exists()), None)
        if there is not None and not there.is_dir():
            raise RunError(f"{there} is a file; name a folder for the run with --out.")
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

    def write_dataset(self, dataset: Dataset, split: Split, groups: Sequence[Sequence[int]] = ()) -> None:
        """dataset.json, and splits.json with every example, its digest, its part and its group."""
        files.write(dataset, self.path / "dataset.json")
        part = {index: name for name in ("train", "validation", "test") for index in getattr(split, name)}
        ids = group_ids(len(dataset.examples), groups)
        several = np.bincount(ids)[ids] > 1
        group = np.where(several, ids + 1, 0).tolist()
        entries = tuple(
            SplitEntry(example.path, example.digest, example.label, part[index], group[index])
            for index, example in enumerate(dataset.examples)
        )
        files.write(SplitFile(split.how, entries), self.path / "splits.json")

    def read_part(self, part: str) -> set[str]:
        """Paths of the examples of one part, from splits.json."""
        return {example.path for example in self.read_splits().examples if example.part == part}

    def read_splits(self) -> SplitFile:
        """splits.json."""
        return files.read(self.path / "splits.json", SplitFile)

    def has_rung(self, name: str) -> bool:
        """Whether everything that a finished rung leaves is there."""
        rung = self._rung(name)
        return all((rung / file).is_file() for file in ("validation.csv", "model/learnware.json"))

    def clear_rung(self, name: str) -> None:
        """Forget an earlier attempt at a rung."""
        shutil.rmtree(self._rung(name), ignore_errors=True)
        self._rung(name).mkdir(parents=True)

    def write_recipe(self, name: str, recipe: Recipe) -> None:
        """What a rung is made by, whole: every option and default of it."""
        files.write(recipe, self._rung(name) / "recipe.json")

    def read_recipe(self, name: str) -> Recipe | None:
        """What a rung was made by; None where an earlier version left none. Raises RunError as `files.read` does."""
        file = self._rung(name) / "recipe.json"
        try:
            return files.read(file, Recipe) if file.is_file() else None
        except UsageError as error:
            raise RunError(
                f"{file} holds a recipe that this version of Starshift does not know: {' '.join(error.problems)}"
            ) from error

    def append_fold(self, name: str, result: FoldResult) -> None:
        """One more fit of a rung's recipe on a fold."""
        files.append_line(result, self._rung(name) / "folds.jsonl")

    def read_folds(self, name: str) -> list[FoldResult]:
        """The fits of a rung's recipe on folds, as far as they were made."""
        return files.read_lines(self._rung(name) / "folds.jsonl", FoldResult)

    def append_epoch(self, name: str, epoch: Epoch) -> None:
        """One line more of a rung's history."""
        files.append_line(epoch, self._rung(name) / "history.jsonl")

    def read_history(self, name: str) -> list[Epoch]:
        """A rung's history; empty for one without epochs."""
        return files.read_lines(self._rung(name) / "history.jsonl", Epoch)

    def write_model(self, name: str, learnware: Learnware, tensors: dict[str, np.ndarray]) -> Learnware:
        """A rung's model; returns its learnware with digests."""
        return package.write(learnware, tensors, self._rung(name) / "model")

    def read_model(self, name: str, *, retrained: bool = False) -> tuple[Learnware, dict[str, np.ndarray]]:
        """A rung's model; or that of the chosen rung that was trained again, on validation pictures too."""
        return package.read(self.path / "retrained" if retrained else self._rung(name) / "model")

    @property
    def has_retrained(self) -> bool:
        """Whether a model that was trained on validation pictures too lies here."""
        return (self.path / "retrained" / "learnware.json").is_file()

    def write_retrained(self, learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
        """Keep the chosen rung's model that was trained on validation pictures too."""
        package.write(learnware, tensors, self.path / "retrained")

    def publish(
        self,
        name: str,
        test: TestRecord | None,
        *,
        retrained: bool = False,
        calibration: Calibration | None = None,
        specification: bytes | None = None,
        protocol: str = "",
        provenance: Provenance | None = None,
        beat: Verdict | None = None,
    ) -> None:
        """Put the chosen rung's model into model/, with what the sealed test said of it.

        retrained: its model that was trained on validation pictures too. calibration: with its temperature and
        thresholds. specification: spec.safetensors. protocol: how the parts came about. The others: as Learnware has
        them; the day of an earlier call that made the same stays.
        """
        learnware, tensors = self.read_model(name, retrained=retrained)
        if calibration is not None:
            learnware = msgspec.structs.replace(
                learnware, temperature=calibration.temperature.applied, thresholds=calibration.thresholds
            )
        if test is not None and test.rung == name and test.retrained == retrained:
            sealed = evaluations("test", test.score, test.heads, sealed=True)
            learnware = msgspec.structs.replace(learnware, evaluations=(*learnware.evaluations, *sealed))
        learnware = msgspec.structs.replace(
            learnware,
            evaluations=tuple(msgspec.structs.replace(one, protocol=protocol) for one in learnware.evaluations),
            provenance=self._dated(provenance),
            beat=beat,
        )
        draft = self.path / ".model"
        shutil.rmtree(draft, ignore_errors=True)
        package.write(learnware, tensors, draft, specification)
        shutil.rmtree(self.path / "model", ignore_errors=True)
        draft.rename(self.path / "model")

    def _dated(self, provenance: Provenance | None) -> Provenance | None:
        try:
            before = package.read(self.path / "model")[0].provenance
        except RunError:  # there is none yet, or one that is replaced for good reason
            return provenance
        if provenance and before and msgspec.structs.replace(before, made=provenance.made) == provenance:
            return before
        return provenance

    def write_answers(self, name: str, answers: Answers, target: str = "") -> None:
        """What a rung's model said of the validation part. target: the name of one behind the first."""
        answers.write(self._rung(name) / answers_name("validation", target))

    def read_answers(self, name: str, target: Target, *, further: bool = False) -> Answers:
        """What a rung's model said of the validation part. further: whether the target is one behind the first."""
        return read_answers(self._rung(name) / answers_name("validation", target.name if further else ""), target)

    def has_answers(self, name: str, target: str) -> bool:
        """Whether a rung's model said something of a target behind the first."""
        return (self._rung(name) / answers_name("validation", target)).is_file()

    def write_test(self, answers: Answers, target: str = "") -> None:
        """What the chosen model said of the test part. target: the name of one behind the first."""
        answers.write(self.path / answers_name("test", target))

    def read_test(self, target: Target, *, further: bool = False) -> Answers | None:
        """What the chosen model said of the test part; None if it was never opened. further: as in `read_answers`."""
        file = self.path / answers_name("test", target.name if further else "")
        return read_answers(file, target) if file.is_file() else None

    def forget_test(self) -> None:
        """Remove what was said of a test part that is not this run's."""
        for file in (self.path / "test.csv", *self.path.glob("test.*.csv")):
            file.unlink(missing_ok=True)

    def write_suspects(self, suspects: Suspects | None) -> None:
        """suspects.json; without any, that of an earlier call is removed."""
        file = self.path / "suspects.json"
        if suspects is None:
            file.unlink(missing_ok=True)
        else:
            files.write(suspects, file)

    def read_suspects(self) -> Suspects | None:
        """The pictures whose labels look wrong; None where labels were not looked at. Raises RunError."""
        file = self.path / "suspects.json"
        if not file.is_file():
            return None
        suspects = files.read(file, Suspects)
        if suspects.schema != SUSPECTS_SCHEMA:
            raise RunError(f"{file} has form {suspects.schema}; this version reads {SUSPECTS_SCHEMA}.")
        return suspects

    def write_map(self, found: PictureMap | None) -> None:
        """map.json; without one, that of an earlier call is removed."""
        file = self.path / "map.json"
        if found is None:
            file.unlink(missing_ok=True)
        else:
            files.write(found, file)

    def read_map(self) -> PictureMap | None:
        """The map of the pictures; None where there is none, or one of another version. Raises RunError if damaged."""
        file = self.path / "map.json"
        found = files.read(file, PictureMap) if file.is_file() else None
        return found if found is not None and found.schema == MAP_SCHEMA else None

    def write_why(self, why: Why | None) -> None:
        """why.json; without one, that of an earlier call is removed."""
        file = self.path / "why.json"
        if why is None:
            file.unlink(missing_ok=True)
        else:
            files.write(why, file)

    def read_why(self) -> Why | None:
        """Reasons for the worst mistakes; None where there are none, or of another version. Raises RunError."""
        file = self.path / "why.json"
        found = files.read(file, Why) if file.is_file() else None
        return found if found is not None and found.schema == WHY_SCHEMA else None

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

    def write_sheet(self, key: str, rows: Sequence[Sequence[bytes]]) -> None:
        """Keep a sheet of augmented pictures: rows of as many JPEGs each."""
        final = self.path / "augmented" / key
        draft = final.with_name(f".{key}")
        for folder in (draft, final):
            shutil.rmtree(folder, ignore_errors=True)
        draft.mkdir(parents=True)
        for row, pictures in enumerate(rows):
            for column, picture in enumerate(pictures):
                files.write_bytes(picture, draft / f"{row}-{column}.jpg")
        draft.rename(final)

    def read_sheet(self, key: str) -> list[list[bytes]]:
        """A sheet as it was kept; empty where there is none."""
        rows: dict[int, dict[int, bytes]] = {}
        for file in (self.path / "augmented" / key).glob("*.jpg"):
            if place := re.fullmatch(r"(\d+)-(\d+)", file.stem):
                rows.setdefault(int(place[1]), {})[int(place[2])] = file.read_bytes()
        return [[rows[row][column] for column in sorted(rows[row])] for row in sorted(rows)]

    def sweep_sheets(self, wanted: set[str]) -> None:
        """Drop the sheets that are not shown any more."""
        for folder in (self.path / "augmented").glob("*"):
            if folder.is_dir() and folder.name not in wanted:
                shutil.rmtree(folder)

    def _rung(self, name: str) -> Path:
        return self.path / "rungs" / folder_name(name)
