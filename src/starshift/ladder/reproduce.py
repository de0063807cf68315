"""The seeds' ladder on their own task: what they measured, what is aimed at, and what a run came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from starshift.compose.predictor import Predictor
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.ladder.folder import RunFolder
from starshift.records import Claim, Goal, ReproducedRung, RungRecord, RunRecord, SeedResult, of_classes

EXPERIMENT = "dogs-vs-cats"

SUBSET = {"train": 2000, "validation": 1000, "test": 1000}
"""Pictures of the seeds' subset of the 25,000, half cats, half dogs (000, "The Dogs vs. Cats Dataset")."""

SUBSET_SEED = 0

CLAIMS = {
    "convnet": Claim(training=0.990, validation=0.724, minutes=30 * 8 / 60),
    "regularized": Claim(training=0.849, validation=0.844, minutes=100 * 22 / 60),
    "modern": Claim(),
    "features": Claim(validation=0.80),
    "features-augmented": Claim(training=0.989, validation=0.951),
    "fine-tuned": Claim(training=0.9995, validation=0.975, test=0.968, minutes=100 * 32 / 60),
}
"""Seed 000, "Summary of the Results", with the seconds per epoch that it prints; `features`: seed 002."""

GOALS = {
    "convnet": Goal(validation=0.73),
    "regularized": Goal(validation=0.85, minutes=22),
    "modern": Goal(validation=0.91, minutes=20),
    "features": Goal(),
    "features-augmented": Goal(minutes=1, lower_log_loss_than="features"),
    "fine-tuned": Goal(validation=0.991, minutes=3, lower_log_loss_than="features"),
}

THEIR_BASE = "VGG16"


Accuracy = Callable[[RunFolder, str], float]
"""Run folder, rung → its accuracy on the training part."""


def collect(
    rungs: Sequence[str], runs: Mapping[int, Path], accuracy: Accuracy, earlier: Sequence[ReproducedRung] = ()
) -> list[ReproducedRung]:
    """One row per rung from the run folders of the seeds, as far as they have come.

    runs: folder by root seed; those that hold no run yet are passed over. accuracy: finds the training accuracy,
    where `earlier`, the rows of an earlier call, does not hold it already for the very same result.
    """
    records = {seed: (path, RunFolder(path).read_run()) for seed, path in runs.items() if RunFolder(path).is_run}
    known = {(row.rung, one.seed, one.log_loss): one.training for row in earlier for one in row.results}
    return [_row(rung, records, accuracy, known) for rung in rungs]


Known = Mapping[tuple[str, int, float], float]


def _row(rung: str, records: Mapping[int, tuple[Path, RunRecord]], accuracy: Accuracy, known: Known) -> ReproducedRung:
    results, skipped = [], ""
    for seed, (path, run) in records.items():
        record = next((one for one in run.rungs if one.name == rung), None)
        if record is not None and record.score is not None:
            results.append(_result(seed, path, run, record, accuracy, known))
        elif record is not None:
            skipped = record.reason
    family = rung.partition(":")[0]
    claim = CLAIMS.get(rung, Claim())  # a variant is not what they measured
    return ReproducedRung(rung, claim, GOALS.get(family, Goal()), tuple(results), "" if results else skipped)


def _result(seed: int, path: Path, run: RunRecord, record: RungRecord, accuracy: Accuracy, known: Known) -> SeedResult:
    assert record.score is not None
    score = of_classes(record.score)
    training = known.get((record.name, seed, score.log_loss.value))
    return SeedResult(
        seed=seed,
        run=path.name,
        training=accuracy(RunFolder(path), record.name) if training is None else training,
        validation=score.accuracy,
        log_loss=score.log_loss.value,
        test=of_classes(run.test.score).accuracy if run.test and run.test.rung == record.name else None,
        seconds=record.seconds or 0.0,
    )


def training_accuracy(folder: RunFolder, rung: str, *, pictures: Callable[[], Pictures], cache: Path) -> float:
    """What Keras prints for the last epoch (weights moving, dropout and augmentation on), as the seeds have it.

    Where there are no epochs: the share of training pictures, as they are, that the fitted model recognizes.
    pictures: reads the source, where features must be computed anew. cache: for stored features.
    """
    if history := folder.read_history(rung):
        return history[-1].accuracy
    learnware, tensors = folder.read_model(rung)
    entries = [entry for entry in folder.read_splits().examples if entry.part == "train"]
    digests = [entry.digest for entry in entries]

    def pixels(frame: Frame) -> np.ndarray:
        source = pictures()
        rows = {digest: row for row, digest in enumerate(source.dataset.digests)}
        return np.asarray(source.pixels(frame)[np.array([rows[digest] for digest in digests])])

    probabilities = Predictor(learnware, tensors, cache).stored(digests, pixels)
    targets = np.array([learnware.classes.index(entry.label) for entry in entries])
    return float((probabilities.argmax(axis=1) == targets).mean())


def bases_used(runs: Mapping[int, Path]) -> tuple[str, ...]:
    """Titles of the pretrained bases in the finished rungs."""
    folders = [RunFolder(path) for path in runs.values()]
    found = {
        rung.details["pretrained base"]
        for folder in folders
        if folder.is_run
        for rung in folder.read_run().rungs
        if "pretrained base" in rung.details
    }
    return tuple(sorted({title for joined in found for title in joined.split(" + ")}))
