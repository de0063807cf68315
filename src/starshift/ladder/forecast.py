"""What a run's learning curve foretells, kept in its folder, and how earlier forecasts fared."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist

import numpy as np
from msgspec.structs import replace

from starshift.compose.predictor import Predictor
from starshift.data.read import Pictures
from starshift.data.sources import open_source
from starshift.errors import DataError, RunError
from starshift.evaluation import forecast as curves
from starshift.evaluation.forecast import Extrapolation, Measured
from starshift.evaluation.statistics import wilson
from starshift.ladder.folder import RunFolder
from starshift.ladder.learning_curve import Task
from starshift.ladder.suspects import judging_rung
from starshift.progress import Progress
from starshift.recipe import digest
from starshift.records import Dataset, Estimate, Learnware, RungRecord, RunRecord, SplitFile, files, of_classes
from starshift.records.forecast import (
    FORECAST_SCHEMA,
    ClassOutlook,
    Forecast,
    ForecastOutcome,
    ForecastPoint,
    MeasuredSize,
    TargetForecast,
)
from starshift.seeds import child

FILE = "forecasts.jsonl"

MORE = 1.1
"""Times the training pictures of a forecast from which on it is held against what came."""

FLAT = 0.01
"""A doubling that brings no more than this share, by its 95 % interval, is not what is missing."""

PER = 100
"""Pictures more of one class, of which the drop of the total error is told."""

BEHIND, AHEAD = 13, 25
"""Points of the curve: up to the training pictures of now, and beyond."""

BOOTSTRAP = f"bootstrap over pictures and subsets, {curves.DRAWS} draws"


# ---- from a run folder ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """The rung of a run whose head is forecast."""

    folder: RunFolder
    rung: str
    learnware: Learnware
    dataset: Dataset

    @classmethod
    def find(cls, folder: RunFolder) -> Source:
        """Raises RunError where the folder is no run, or has no finished rung with a linear head on frozen features."""
        record = folder.read_run()
        rung = judging_rung(record.rungs, folder)
        if rung is None:
            raise RunError(
                f"A forecast needs a finished rung with a linear head on frozen features, and {folder.path} has none. "
                f"Climb it first: starshift fit {record.data.source} --rungs features --out {folder.path}"
            )
        return cls(folder, rung, folder.read_model(rung)[0], folder.read_dataset())

    def task(self, cache: Path, seed: int, progress: Progress) -> Task:
        """Features and parts. Raises RunError where features are not stored and the source is gone."""
        splits, dataset = self.folder.read_splits(), self.dataset
        parts = np.array([picture.part for picture in splits.examples])
        return Task(
            self._features(cache, progress),
            dataset.encoded(),
            len(dataset.classes),
            np.flatnonzero(parts == "train"),
            np.flatnonzero(parts == "validation"),
            _groups(splits),
            "stratified" in splits.how,
            seed,
        )

    def _features(self, cache: Path, progress: Progress) -> np.ndarray:
        """Of every picture: from the store, or computed now where it lacks them."""
        predictor = Predictor(self.learnware, self.folder.read_model(self.rung)[1], cache)
        digests = self.dataset.digests
        missing = max(base.missing(digests) for base in predictor.bases.bases)
        if not missing:
            return predictor.bases.stored(digests, lambda: None)
        try:
            pictures = Pictures(self.dataset, open_source(self.dataset.source), cache)
        except DataError as error:
            raise RunError(
                f"The features of {missing:,} of the {len(digests):,} pictures are not in the cache {cache}, and they "
                f"cannot be computed again: {' '.join(error.problems)} Put the pictures back there, or name the cache "
                "that has their features in STARSHIFT_CACHE."
            ) from error
        progress.start("features", missing)
        features = predictor.bases.stored(digests, lambda: pictures.pixels(predictor.frame), progress.update)
        progress.finish()
        return features


def _groups(splits: SplitFile) -> list[list[int]]:
    """The pictures that must stay together, as rows: as the run kept them, and exact copies in any case."""
    found: dict[int | str, list[int]] = defaultdict(list)
    for row, picture in enumerate(splits.examples):
        found[picture.digest].append(row)
        if picture.group:
            found[picture.group].append(row)
    return [rows for rows in found.values() if len(rows) > 1]


def made_by(learnware: Learnware) -> str:
    """Digest of what a head is made by; the bases count by their weights, wherever these lie."""
    arguments = {name: value for name, value in learnware.arguments.items() if name != "bases"}
    bases = [base.digest for base in learnware.bases]
    return digest("forecast", arguments, bases, learnware.input, learnware.precision)


# ---- the forecast ---------------------------------------------------------------------------------


def foretell(
    source: Source, task: Task, measured: Measured, *, asked: Sequence[int] = (), target: float | None = None
) -> Forecast:
    """What follows from a learning curve, or why nothing does.

    asked: training pictures, each more than now and up to FARTHEST times as many; twice and FARTHEST times if none.
    target: accuracy whose training pictures are asked for, a share.
    """
    seed = child(task.seed, "forecast")
    by_class = curves.class_errors(measured, seed=seed)
    drawn = curves.total_errors(measured, by_class)
    doubling = gain_per_doubling(measured, drawn)
    now = int(measured.sizes[-1])
    found = Forecast(
        schema=FORECAST_SCHEMA,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        run=source.folder.path.resolve().name,
        rung=source.rung,
        classes=source.dataset.classes,
        recipe=made_by(source.learnware),
        pictures=now,
        tested=len(measured.targets),
        rotated=task.rotated,
        sizes=_sizes(measured, drawn, len(task.folds)),
        doubling=doubling,
        refusal=refusal(measured, doubling),
    )
    if found.refusal:
        return found
    wanted = tuple(asked) or (2 * now, curves.FARTHEST * now)
    behind = np.geomspace(measured.sizes[0], now, BEHIND)
    ahead = np.geomspace(now, curves.FARTHEST * now, AHEAD)
    at = np.unique(np.concatenate([behind, ahead, wanted]).round().astype(int))
    found_ahead = curves.extrapolate(measured, drawn, at, seed=seed)
    points = _points(found_ahead, *_next_measurement(task, measured, found_ahead, seed))
    outlook = _outlook(source, task, measured, by_class)
    return replace(
        found,
        families=found_ahead.weights,
        curve=points,
        asked=tuple(point for point in points if point.pictures in wanted),
        target=_target(found_ahead, target, now),
        outlook=outlook,
        collect_first=first_to_collect(outlook),
    )


def _estimate(value: float, draws: np.ndarray, n: int) -> Estimate:
    low, high = np.quantile(draws, [(1 - curves.WIDE) / 2, (1 + curves.WIDE) / 2])
    return Estimate(value, min(value, float(low)), max(value, float(high)), n, BOOTSTRAP)


def _sizes(measured: Measured, drawn: np.ndarray, folds: int) -> tuple[MeasuredSize, ...]:
    last, tested = len(measured.sizes) - 1, len(measured.targets)
    return tuple(
        MeasuredSize(
            pictures=int(measured.sizes[size]),
            accuracy=_estimate(1 - float(measured.errors[size]), 1 - drawn[:, size], tested),
            fits=folds * (len(measured.wrong) if size < last else 1),
        )
        for size in range(len(measured.sizes))
    )


def gain_per_doubling(measured: Measured, drawn: np.ndarray) -> Estimate:
    """Change of accuracy per doubling of the training pictures, at the largest sizes. drawn: of `total_errors`."""
    change, changes = curves.doubling(measured, drawn)
    return _estimate(-change, -changes, len(measured.targets))


def refusal(measured: Measured, doubling: Estimate) -> str:
    """Why nothing can be foretold from a curve, in a sentence; "" where it can. doubling: gain of accuracy."""
    assert doubling.low is not None and doubling.high is not None
    tested = f"{len(measured.targets):,} pictures"
    if not measured.errors[-1]:
        return f"None of the {tested} tested is told wrong: there is nothing left that more pictures could better."
    if doubling.low > 1e-9:  # a flat curve has a slope of as good as 0
        return ""
    value, low, high = (f"{100 * share:+.1f}" for share in (doubling.value, doubling.low, doubling.high))
    near = next(size for size in measured.sizes.tolist() if size * curves.NEAR_SPAN >= measured.sizes[-1])
    seen = (
        f"from {near:,} to {int(measured.sizes[-1]):,} training pictures accuracy changes by {value} points per "
        f"doubling (95 % interval {low} to {high}, on {tested})"
    )
    if doubling.high < 0:
        return f"Accuracy falls as pictures are added: {seen}. Look at their labels and at where they come from first."
    if doubling.high <= FLAT:
        return f"More pictures of this kind are not what is missing: {seen}. Try another base, or fine-tuning."
    return f"Nothing can be foretold, as the curve cannot be told from a flat one: {seen}."


def _next_measurement(
    task: Task, measured: Measured, found: Extrapolation, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a fit with more pictures measures: how many pictures it tests, int (J,), and 80 % of the errors it shows.

    A validation part that is cut from the same pictures grows along, and is new; a given one stays as it is, so that
    the luck of its pictures is that of now.
    """
    if task.rotated:
        tested = np.maximum(1, (len(task.validation) * np.maximum(1, found.at / measured.sizes[-1])).round()).astype(
            int
        )
        return tested, *found.measured_interval(curves.NARROW, tested, seed=seed)
    own = curves.total_errors(measured, curves.class_errors(measured, seed=seed, same_pictures=True))
    same = curves.extrapolate(measured, own, found.at, seed=seed, same_pictures=True)
    return np.full(len(found.at), len(task.validation)), *same.interval(curves.NARROW)


def _points(
    found: Extrapolation, tested: np.ndarray, measured_low: np.ndarray, measured_high: np.ndarray
) -> tuple[ForecastPoint, ...]:
    low, high = found.interval(curves.NARROW)
    lowest, highest = found.interval(curves.WIDE)
    return tuple(
        ForecastPoint(
            pictures=int(found.at[i]),
            accuracy=1 - float(found.errors[i]),
            low=1 - float(high[i]),
            high=1 - float(low[i]),
            lowest=1 - float(highest[i]),
            highest=1 - float(lowest[i]),
            measured_low=1 - float(measured_high[i]),
            measured_high=1 - float(measured_low[i]),
            tested=int(tested[i]),
        )
        for i in range(len(found.at))
    )


def _target(found: Extrapolation, accuracy: float | None, now: int) -> TargetForecast | None:
    if accuracy is None:
        return None
    from_now = found.from_on(now)
    return TargetForecast(accuracy, *curves.pictures_for(from_now, 1 - accuracy))


def _outlook(source: Source, task: Task, measured: Measured, by_class: np.ndarray) -> tuple[ClassOutlook, ...]:
    """Every class that was tested, the largest drop first."""
    trained = np.bincount(task.targets[task.train], minlength=task.classes)[measured.labels]
    values, draws = curves.class_drops(measured, by_class, trained)
    found = []
    for i, label in enumerate(measured.labels):
        tested = int(measured.counts[i])
        wrong = int(measured.wrong[0, -1, measured.targets == label].sum())
        low, high = wilson(wrong, tested) or (None, None)
        error = Estimate(wrong / tested, low, high, tested, "Wilson")
        drop = _estimate(PER * float(values[i]), PER * draws[:, i], tested)
        found.append(ClassOutlook(source.dataset.classes[label], int(trained[i]), error, drop))
    return tuple(sorted(found, key=lambda one: -one.drop.value))


def first_to_collect(outlook: Sequence[ClassOutlook]) -> str:
    """The class whose drop is above 0 and above those of all others by their intervals; "" where it cannot be told."""
    first, *others = outlook
    low = first.drop.low or 0.0
    clear = low > 0 and all(other.drop.high is not None and other.drop.high < low for other in others)
    return first.label if clear else ""


# ---- earlier forecasts ----------------------------------------------------------------------------


def read_forecasts(folder: RunFolder) -> list[Forecast]:
    """Every forecast made in a run folder, in the order made. Raises RunError where the file is damaged."""
    return files.read_lines(folder.path / FILE, Forecast)


def keep(folder: RunFolder, forecast: Forecast) -> None:
    """Add a forecast to those of a run folder."""
    files.append_line(forecast, folder.path / FILE)


def latest(folder: RunFolder, run: RunRecord) -> Forecast | None:
    """The last forecast that is about the pictures that a run has now; None where there is none."""
    trained = run.data.parts.get("train", 0)
    for forecast in reversed(read_forecasts(folder)):
        if forecast.classes == tuple(sorted(run.data.classes)) and trained < MORE * forecast.pictures:
            return forecast
    return None


def outcomes(
    earlier: Sequence[Forecast], classes: Sequence[str], recipe: str, pictures: int, came: float, tested: int
) -> list[ForecastOutcome]:
    """What was foretold for as many training pictures as there are now, beside what came; the latest first.

    Only of the same classes and recipe, and from clearly fewer pictures; of several forecasts from one number of
    pictures the latest counts. came: accuracy, measured on `tested` pictures.
    """
    found = {}
    for forecast in earlier:
        comparable = forecast.classes == tuple(classes) and forecast.recipe == recipe and forecast.curve
        if comparable and MORE * forecast.pictures <= pictures <= forecast.curve[-1].pictures:
            found[forecast.pictures] = _outcome(forecast, pictures, came, tested)
    return list(reversed(found.values()))


def _outcome(forecast: Forecast, pictures: int, came: float, tested: int) -> ForecastOutcome:
    """The interval is that of a measurement on so many pictures."""
    logs = [math.log(point.pictures) for point in forecast.curve]

    def foretold(name: str) -> float:
        return float(np.interp(math.log(pictures), logs, [getattr(point, name) for point in forecast.curve]))

    accuracy = foretold("accuracy")
    if not forecast.rotated and tested == forecast.tested:  # the given validation part once more
        low, high = foretold("measured_low"), foretold("measured_high")
    else:
        z = NormalDist().inv_cdf((1 + curves.NARROW) / 2)
        luck = z * math.sqrt(accuracy * (1 - accuracy) / tested)
        low = max(0.0, accuracy - math.hypot(accuracy - foretold("low"), luck))
        high = min(1.0, accuracy + math.hypot(foretold("high") - accuracy, luck))
    return ForecastOutcome(
        made=forecast.made,
        pictures_then=forecast.pictures,
        pictures=pictures,
        foretold=accuracy,
        low=low,
        high=high,
        came=came,
        tested=tested,
        inside=low <= came <= high,
    )


def came(folder: RunFolder, rungs: Sequence[RungRecord], pictures: int) -> list[ForecastOutcome]:
    """How forecasts made in a run folder before fared, by the validation part of a run that has more pictures now.

    rungs: of the run of now. pictures: that it trained on.
    """
    earlier = read_forecasts(folder)
    name = judging_rung(rungs, folder) if earlier else None
    score = next((rung.score for rung in rungs if rung.name == name), None)
    if name is None or score is None:
        return []
    learnware, _ = folder.read_model(name)
    accuracy = of_classes(score).accuracy
    return outcomes(earlier, learnware.classes, made_by(learnware), pictures, accuracy.value, accuracy.n)
