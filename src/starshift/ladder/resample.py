"""Every recipe again, on repeated folds of the examples outside the test part: what is said of recipes rests on it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from starshift.apportion import within
from starshift.compose.opening import open_model
from starshift.errors import TrainingDiverged
from starshift.evaluation import protocol as evaluation
from starshift.evaluation import resampling
from starshift.evaluation.permits import permit, refuse_overlap, rows_for
from starshift.evaluation.resampling import Comparison, Figure, Fold, Protocol
from starshift.ladder import fit as family
from starshift.ladder.answering import predict_part
from starshift.ladder.climb import Climb, rival
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.planning import Planned
from starshift.learnware import package
from starshift.progress import Silent
from starshift.recipe import Recipe, digest
from starshift.records import RungRecord, Split
from starshift.records.resampled import FoldResult
from starshift.seeds import child

STORED = ("majority", "frozen", "fine-tuned", "ensemble", "from-store", "from-store-tuned")
"""Builders whose predictions need what the cache holds of their bases; the others convert a network for every fold."""


@dataclass(frozen=True)
class Resampling:
    """The folds of one run, the same for every rung."""

    protocol: Protocol
    materials: Materials
    folder: RunFolder

    @cached_property
    def pool(self) -> np.ndarray:
        """The examples outside the test part: int (n,), indices into the data set."""
        return rows_for("folds", self.materials.split)

    @cached_property
    def folds(self) -> list[tuple[int, int, Fold]]:
        """(repeat, fold, (fitted on, held out)), as rows of the pool."""
        groups = within(self.materials.groups, self.pool)
        targets, order = self.materials.strata[self.pool], self.materials.order
        times = [order[index] for index in self.pool] if order else ()
        return resampling.draw(targets, self.protocol, groups=groups, order=times, seed=self.materials.seed)

    def materials_of(self, repeat: int, fold: int, pair: Fold) -> Materials:
        """What one fit is given: the fold's own parts, a seed of its own, and nobody to talk to."""
        train, held = (tuple(self.pool[rows].tolist()) for rows in pair)
        split = Split(train=train, validation=held, test=(), how=f"fold {fold + 1} of repeat {repeat + 1}")
        refuse_overlap(split)
        permit("folds", (*train, *held), self.materials.split)
        seed = child(self.materials.seed, "protocol", repeat, fold)
        return replace(self.materials, split=split, seed=seed, progress=Silent())

    def figure_of(self, state: Climb) -> Figure:
        """By what the recipes of a climb are compared."""
        return Figure.of(next(iter(state.predictions.values())), self.materials.dataset.noun, named=state.uneven)

    def key(self, record: RungRecord) -> str:
        """The digest by which results of an earlier call are known again."""
        return digest(
            record.key, self.protocol.repeats, self.protocol.folds, self.materials.groups, self.materials.order
        )

    def known(self, record: RungRecord) -> dict[tuple[int, int], FoldResult]:
        """Results of earlier calls for the very same rung, pictures and folds."""
        own = self.key(record)
        return {(one.repeat, one.fold): one for one in self.folder.read_folds(record.name) if one.key == own}

    def seconds(self, recipe: Recipe, record: RungRecord) -> float:
        """How long the fits will take that are not done yet."""
        missing = len(self.folds) - len(self.known(record))
        return missing * family.predict_seconds(recipe, self.materials_of(*self.folds[0])) if missing else 0.0

    def results(self, recipe: Recipe, record: RungRecord) -> Iterator[FoldResult]:
        """Every fit's result, in the order of the folds; those that are new are kept at once."""
        known = self.known(record)
        for repeat, fold, pair in self.folds:
            result = known.get((repeat, fold))
            if result is None:
                result = self._fit(recipe, record, repeat, fold, pair)
                self.folder.append_fold(record.name, result)
            yield result

    def _fit(self, recipe: Recipe, record: RungRecord, repeat: int, fold: int, pair: Fold) -> FoldResult:
        began = time.perf_counter()
        materials = self.materials_of(repeat, fold, pair)
        model = family.fit(recipe, materials, on_epoch=lambda epoch: None)
        with tempfile.TemporaryDirectory() as folder:
            learnware = package.write(model.learnware, model.tensors, Path(folder) / "model")
            cache = materials.cache if recipe.builder in STORED else Path(folder)
            predictor = open_model(learnware, model.tensors, cache, materials.builder(learnware))
            predictions = predict_part(predictor, materials, materials.split.validation)
        losses = evaluation.losses(predictions)
        return FoldResult(
            key=self.key(record),
            repeat=repeat,
            fold=fold,
            trained_on=len(materials.split.train),
            figures=tuple(float(f"{figure:.9g}") for figure in predictions.figures),
            losses=tuple(float(f"{loss:.6g}") for loss in losses),
            seconds=round(time.perf_counter() - began, 3),
        )


def resample(
    planned: Sequence[Planned],
    state: Climb,
    run: Resampling,
    *,
    deadline: float,
    only_cheap: bool,
    on_change: Callable[[Climb], None],
) -> list[str]:
    """Fit every finished rung on all folds, as far as there is time; then compare the recipes. Changes `state`.

    only_cheap: leave out rungs that are trained step by step. Returns what was left out, and why, in sentences.
    """
    recipes = {one.rung.name: one.recipe for one in planned}
    said, results = [], {}
    for place, record in enumerate(state.records):
        if record.score is None or record.name not in recipes:
            continue
        recipe = recipes[record.name]
        if reason := _left_out(recipe, record, run, deadline, only_cheap):
            said.append(reason)
            continue
        try:
            results[record.name] = _all_folds(recipe, record, run)
        except TrainingDiverged as lost:
            said.append(f"{record.name} was not repeated over {run.protocol}: {lost}")
            continue
        held = [pair[1] for _, _, pair in run.folds]
        summary = resampling.summarize(run.protocol, results[record.name], held, run.figure_of(state))
        state.records[place] = msgspec.structs.replace(record, resampled=summary)
        on_change(state)
    _compare(state, results, planned, run)
    on_change(state)
    return said


def _all_folds(recipe: Recipe, record: RungRecord, run: Resampling) -> list[FoldResult]:
    progress, total, found = run.materials.progress, len(run.folds), []
    progress.start(f"{record.name}: {run.protocol}", total)
    for result in run.results(recipe, record):
        found.append(result)
        progress.update(len(found), total)
    progress.finish()
    return found


def _left_out(recipe: Recipe, record: RungRecord, run: Resampling, deadline: float, only_cheap: bool) -> str:
    """Why a rung is not repeated, in a sentence; "" where it is."""
    if recipe.builder == "majority":
        return ""
    if only_cheap and not is_cheap(recipe):
        return (
            f"{record.name} was fitted once, since it is trained step by step: its figure is about this model. "
            f"--protocol {run.protocol.folds}-fold repeats it too."
        )
    seconds, remaining = run.seconds(recipe, record), deadline - time.monotonic()
    if seconds <= remaining:
        return ""
    return (
        f"{record.name} was not repeated over {run.protocol}: it would take about {seconds:.0f} s, and "
        f"{max(remaining, 0):.0f} s are left of the budget. Give it more with --budget."
    )


def is_cheap(recipe: Recipe) -> bool:
    """Whether a recipe is fitted in one go on what is stored, without training steps."""
    return not recipe.is_trained_by_steps


def _compare(state: Climb, results: dict[str, list[FoldResult]], planned: Sequence[Planned], run: Resampling) -> None:
    """A verdict for every repeated rung against the best repeated one before it; of a variant, its own rung."""
    rungs = {one.rung.name: one.rung for one in planned}
    comparisons: list[Comparison] = []
    before = Climb()
    for record in state.records:
        if record.resampled is None:
            continue
        if against := rival(rungs[record.name], before):
            mine, theirs = results[record.name], results[against.name]
            comparisons.append(Comparison(record.name, against.name, _differences(mine, theirs), _test_share(mine)))
        before.records.append(record)
    if not comparisons or run.protocol.fits < 2:
        return
    verdicts = {
        one.recipe: one for one in resampling.compare(comparisons, len(run.pool), run.protocol, run.figure_of(state))
    }
    state.records[:] = [
        msgspec.structs.replace(record, recipe_verdict=verdicts.get(record.name)) for record in state.records
    ]


def _differences(mine: Sequence[FoldResult], theirs: Sequence[FoldResult]) -> tuple[float, ...]:
    return tuple(float(np.mean(one.figures) - np.mean(other.figures)) for one, other in zip(mine, theirs, strict=True))


def _test_share(results: Sequence[FoldResult]) -> float:
    return float(np.mean([len(one.figures) / one.trained_on for one in results]))
