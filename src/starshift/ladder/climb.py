"""The climb: rung by rung, cheapest first, each scored and compared with the best before."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import msgspec

from starshift import seeds
from starshift.compose.predictor import Predictor
from starshift.errors import MissingWeights, RunError, StarshiftError, TrainingDiverged, UsageError
from starshift.evaluation import protocol
from starshift.evaluation.diagnosis import diagnose
from starshift.findings.imbalance import is_uneven
from starshift.ladder import fit as family
from starshift.ladder.copies import without_copies
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials, key
from starshift.ladder.own import kept
from starshift.ladder.rungs import Options, Rung, find
from starshift.recipe import Recipe
from starshift.records import Evaluation, Predictions, RungRecord, RunRecord, Score, TestRecord, Verdict


@dataclass(frozen=True)
class Planned:
    """A rung with its recipe, and how long it will take; a rung that cannot be climbed has its reason instead."""

    rung: Rung
    recipe: Recipe
    key: str = ""
    seconds: float = 0.0
    reason: str = ""
    done: RungRecord | None = None  # finished by an earlier run with the same key


@dataclass
class Climb:
    """What a climb has come to so far."""

    records: list[RungRecord] = field(default_factory=list)
    predictions: dict[str, Predictions] = field(default_factory=dict)
    uneven: bool = False  # whether classes differ so much in size that balanced accuracy chooses

    @property
    def best(self) -> RungRecord | None:
        """The finished rung with the highest accuracy; of equals the one with the lower log loss.

        Over folds, where every finished rung was fitted on them; else on the validation part. Of uneven classes, it is
        balanced accuracy on the validation part: by accuracy, a model that gives up the small classes may be the best.
        """
        finished = [record for record in self.records if record.score is not None]
        if self.uneven:
            return max(finished, key=_balanced, default=None)
        over_folds = all(record.resampled for record in finished)
        return max(finished, key=_over_folds if over_folds else _on_validation, default=None)


def plan(
    rungs: Sequence[Rung], options: Options, materials: Materials, folder: RunFolder, earlier: RunRecord | None
) -> list[Planned]:
    """Recipes, keys and predicted seconds of rungs, cheapest first; what cannot be climbed comes last.

    Rungs and variants that were not asked for, but were finished in this folder on this very task, are kept. Raises
    UsageError with everything that cannot work together on these pictures.
    """
    before = {
        rung.name: rung
        for rung in (earlier.rungs if earlier else ())
        if rung.status == "finished" and folder.has_rung(rung.name)
    }
    wanted = {rung.name for rung in rungs}
    rungs_by_name = {rung.name: rung for rung in (*rungs, *_known_again(before, wanted, folder))}
    recipes = _recipes(list(rungs_by_name.values()), wanted, options, materials)
    planned = [
        _plan_one(rungs_by_name[name], recipe, materials, folder, before.get(name), name in wanted)
        for name, recipe in recipes.items()
    ]
    return _ordered([one for one in planned if one is not None])


def _known_again(before: Mapping[str, RungRecord], wanted: set[str], folder: RunFolder) -> Iterator[Rung]:
    """Rungs that an earlier call finished and this one does not name; what this version cannot read is none of them.

    Those of the user's own are known by their recipes, and can be kept without their functions.
    """
    for name in before.keys() - wanted:
        with contextlib.suppress(UsageError, RunError):
            recipe = folder.read_recipe(name)
            yield kept(name, before[name].description, recipe) if recipe and recipe.own else find(name)


def _recipes(rungs: Sequence[Rung], wanted: set[str], options: Options, materials: Materials) -> dict[str, Recipe]:
    """What each rung is for these pictures. Raises UsageError with every problem of those that are wanted."""
    problems: list[str] = []
    recipes = {}
    for rung in rungs:
        try:
            recipes[rung.name] = rung.recipe(options, materials.dataset)
        except UsageError as error:
            problems += [f"{rung.name}: {problem}" for problem in error.problems if rung.name in wanted]
    if problems:
        raise UsageError(problems)
    return recipes


def _ordered(planned: list[Planned]) -> list[Planned]:
    """The baseline first, whatever it costs: it is what the others are compared with. A variant after its rung."""
    seconds = {one.rung.name: one.seconds for one in planned}

    def order(one: Planned) -> tuple[bool, bool, float, bool, bool]:
        rung = one.rung
        after = max(one.seconds, *(seconds.get(name, 0.0) for name in (rung.family, rung.like)))
        return bool(one.reason), rung.name != "baseline", after, rung.name != rung.family, bool(rung.like)

    return sorted(planned, key=order)


def _plan_one(
    rung: Rung, recipe: Recipe, materials: Materials, folder: RunFolder, before: RungRecord | None, wanted: bool
) -> Planned | None:
    try:
        own = key(recipe, materials, *family.depends_on(recipe, materials))
        if before is not None and before.key == own:
            return Planned(rung, recipe, own, before.predicted_seconds or 0.0, done=before)
        if not wanted:
            return None
        seconds = family.predict_seconds(recipe, materials) + _scoring_operations(materials) * _scoring_pace(materials)
        return Planned(rung, recipe, own, seconds)
    except MissingWeights as lack:
        if before is not None and _made_the_same_way(recipe, materials, before, folder):
            return Planned(rung, recipe, before.key, before.predicted_seconds or 0.0, done=before)
        return Planned(rung, recipe, reason=" ".join(lack.problems)) if wanted else None


SCORING_PACE_NAME = "scoring, picture and class"
SCORING_PACE = 8e-6
"""Seconds per validation picture and class for intervals by 1,000 bootstrap draws, before it was measured here."""


TELLING_OPERATIONS = 1000
"""Pictures times classes below which scoring tells what calling costs; its pace is then not remembered."""


def _scoring_pace(materials: Materials) -> float:
    return materials.paces.get(SCORING_PACE_NAME) or SCORING_PACE


def _scoring_operations(materials: Materials) -> int:
    return len(materials.split.validation) * len(materials.dataset.classes)


def _made_the_same_way(recipe: Recipe, materials: Materials, before: RungRecord, folder: RunFolder) -> bool:
    """Whether a finished rung is the one asked for, by what its model says of bases that are no longer at hand."""
    learnware, _ = folder.read_model(before.name)
    return before.key == key(recipe, materials, *family.depended_on(learnware))


def climb(
    planned: list[Planned],
    materials: Materials,
    folder: RunFolder,
    *,
    deadline: float,
    on_change: Callable[[Climb], None],
) -> Climb:
    """Climb all rungs that fit before `deadline` (time.monotonic seconds); others are skipped, never shortened.

    on_change: called after every rung, so that a stopped run has kept what was done.
    """
    state = Climb(uneven=is_uneven(Counter(picture.label for picture in materials.dataset.pictures)))
    for one in planned:
        if one.done is not None:
            record = _again(one.done, rival(one.rung, state), state, materials, folder)
        elif reason := one.reason or _too_long(one, deadline):
            record = _skipped(one, reason)
            materials.progress.say(f"{one.rung.name} skipped: {reason}")
        else:
            record = _climb_or_give_up(one, state, materials, folder)
        state.records.append(record)
        on_change(state)
    return state


def _climb_or_give_up(one: Planned, state: Climb, materials: Materials, folder: RunFolder) -> RungRecord:
    """The rung's record; a training that never had a good epoch is one rung lost, and not the run."""
    try:
        return _climb_one(one, rival(one.rung, state), state, materials, folder)
    except TrainingDiverged as lost:
        folder.clear_rung(one.rung.name)
        materials.progress.finish()
        materials.progress.say(f"{one.rung.name} skipped: {lost}")
        return _skipped(one, str(lost))


def rival(rung: Rung, state: Climb) -> RungRecord | None:
    """What a rung is compared with: a variant with its own rung, if that was climbed; else the best so far."""
    finished = {record.name: record for record in state.records if record.score is not None}
    return finished.get(rung.like or rung.family, state.best) if rung.name != rung.family else state.best


def _climb_one(
    one: Planned, best: RungRecord | None, state: Climb, materials: Materials, folder: RunFolder
) -> RungRecord:
    began = time.perf_counter()
    name = one.rung.name
    folder.clear_rung(name)
    folder.write_recipe(name, one.recipe)
    model = family.fit(one.recipe, materials, on_epoch=lambda epoch: folder.append_epoch(name, epoch))
    learnware = folder.write_model(name, model.learnware, model.tensors)
    predictor = Predictor(learnware, model.tensors, materials.cache, materials.builder(learnware))
    predictions = predict_part(predictor, materials, materials.split.validation)
    scoring = time.perf_counter()
    score = protocol.score(predictions, seed=seeds.child(materials.seed, "bootstrap"))
    if (operations := _scoring_operations(materials)) >= TELLING_OPERATIONS:
        materials.paces.put(SCORING_PACE_NAME, (time.perf_counter() - scoring) / operations)
    evaluation = Evaluation(part="validation", score=score, sealed=False)
    folder.write_model(name, msgspec.structs.replace(learnware, evaluations=(evaluation,)), model.tensors)
    folder.write_predictions(name, predictions)
    state.predictions[name] = predictions
    seconds = time.perf_counter() - began
    return RungRecord(
        name=name,
        status="finished",
        key=one.key,
        description=one.rung.description,
        predicted_seconds=round(one.seconds, 2),
        seconds=round(seconds, 2),
        score=score,
        verdict=_verdict(name, predictions, best, state),
        diagnosis=diagnose(model.history) if model.history else "",
        details=model.details or {},
        nondeterministic=model.nondeterministic,
        builder=one.recipe.builder,
        without_copies=without_copies(predictions, materials, materials.split.validation),
    )


def _again(
    done: RungRecord, best: RungRecord | None, state: Climb, materials: Materials, folder: RunFolder
) -> RungRecord:
    """A rung finished earlier: its predictions are read, its verdict is made anew against today's rungs."""
    materials.progress.say(f"{done.name} is finished already; kept.")
    predictions = _under_todays_names(folder.read_predictions(done.name), materials, materials.split.validation)
    folder.write_predictions(done.name, predictions)
    state.predictions[done.name] = predictions
    verdict = _verdict(done.name, state.predictions[done.name], best, state)
    clean = without_copies(predictions, materials, materials.split.validation)
    return msgspec.structs.replace(done, verdict=verdict, resampled=None, recipe_verdict=None, without_copies=clean)


def _verdict(name: str, predictions: Predictions, best: RungRecord | None, state: Climb) -> Verdict | None:
    if best is None:
        return None
    return protocol.compare(name, predictions, best.name, state.predictions[best.name])


def _too_long(one: Planned, deadline: float) -> str:
    remaining = deadline - time.monotonic()
    if one.seconds <= remaining or one.recipe.builder == "majority":  # a moment's work that all else is held against
        return ""
    return (
        f"it would take about {one.seconds:.0f} s, and {max(remaining, 0):.0f} s are left of the budget. "
        f"Give it more with --budget."
    )


def _skipped(one: Planned, reason: str) -> RungRecord:
    return RungRecord(
        name=one.rung.name,
        status="skipped",
        key=one.key,
        reason=reason,
        description=one.rung.description,
        predicted_seconds=round(one.seconds, 2) if one.seconds else None,
    )


def predict_part(predictor: Predictor, materials: Materials, indices: tuple[int, ...]) -> Predictions:
    """What a model says of some of the pictures."""
    digests = [materials.dataset.pictures[index].digest for index in indices]
    probabilities = predictor.stored(digests, lambda: materials.pixels(predictor.frame, indices))
    return materials.predictions(indices, probabilities)


def open_test(
    chosen: str, materials: Materials, folder: RunFolder, *, retrained: bool = False, temperature: float = 1.0
) -> tuple[TestRecord, Predictions]:
    """Score the chosen rung on the sealed test part: this opens it, and is done once for a split.

    retrained: its model that was trained again, on validation pictures too. temperature: that it is published with.
    """
    learnware, tensors = folder.read_model(chosen, retrained=retrained)
    learnware = msgspec.structs.replace(learnware, temperature=temperature)
    predictor = Predictor(learnware, tensors, materials.cache, materials.builder(learnware))
    predictions = predict_part(predictor, materials, materials.split.test)
    score = protocol.score(predictions, seed=seeds.child(materials.seed, "bootstrap"))
    opened = datetime.now(UTC).isoformat(timespec="seconds")
    clean = without_copies(predictions, materials, materials.split.test, retrained=retrained)
    return TestRecord(chosen, opened, materials.test_digest, score, retrained, temperature, clean), predictions


def keep_test(materials: Materials, folder: RunFolder) -> None:
    """Go on with an earlier opening of the test part, whatever its files are called by now."""
    if predictions := folder.read_test():
        folder.write_test(_under_todays_names(predictions, materials, materials.split.test))


def _under_todays_names(predictions: Predictions, materials: Materials, indices: tuple[int, ...]) -> Predictions:
    """Predictions of an earlier call with the paths of today: pictures are known by content, and may be renamed."""
    return replace(predictions, paths=tuple(materials.dataset.pictures[index].path for index in indices))


def score_of(record: RungRecord) -> Score:
    """The score of a finished rung."""
    if record.score is None:
        raise StarshiftError(f"Rung {record.name!r} has no score: it was skipped ({record.reason}).")
    return record.score


def _on_validation(record: RungRecord) -> tuple[float, float]:
    score = score_of(record)
    return score.accuracy.value, -score.log_loss.value


def _balanced(record: RungRecord) -> tuple[float, float, float]:
    return (score_of(record).balanced_accuracy.value, *_on_validation(record))


def _over_folds(record: RungRecord) -> tuple[float, float]:
    assert record.resampled is not None
    return record.resampled.accuracy.value, -record.resampled.log_loss.value
