"""The climb: rung by rung, cheapest first, each scored and compared with the best before."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from starshift import seeds
from starshift.compose.cost import cost
from starshift.compose.opening import Answering, open_model
from starshift.compose.predictor import Predictor
from starshift.errors import MissingExtra, MissingWeights, RunError, StarshiftError, TrainingDiverged, UsageError
from starshift.evaluation import protocol
from starshift.evaluation.diagnosis import diagnose
from starshift.findings.imbalance import is_uneven
from starshift.ladder import fit as ways
from starshift.ladder import multitask, taught
from starshift.ladder.answering import predict_all
from starshift.ladder.copies import without_copies
from starshift.ladder.families import LADDERS, find, whole
from starshift.ladder.folder import RunFolder
from starshift.ladder.inside import look
from starshift.ladder.materials import Materials, key
from starshift.ladder.options import Options
from starshift.ladder.own import kept
from starshift.ladder.rungs import Rung
from starshift.ladder.unfitted import evaluations
from starshift.ladder.variance import with_variance
from starshift.recipe import Recipe
from starshift.records import (
    Answers,
    AnyScore,
    CostRecord,
    Estimate,
    Family,
    HeadRecord,
    Predictions,
    RungRecord,
    RunRecord,
    Score,
    TestRecord,
    Verdict,
)


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
    predictions: dict[str, Answers] = field(default_factory=dict)  # of the leading target, by rung
    further: dict[str, dict[str, Answers]] = field(default_factory=dict)  # of the others, by rung and target
    uneven: bool = False  # whether classes differ so much in size that balanced accuracy chooses

    @property
    def best(self) -> RungRecord | None:
        """The finished rung with the best leading figure (accuracy, of classes); of equals the one with the lower loss.

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
    rungs = _that_take(rungs, materials)
    wanted = {rung.name for rung in rungs}
    again = list(_known_again(before, wanted, folder, materials.dataset.family))
    if materials.shelved is None and (asking := [rung.name for rung in again if rung.searches]):
        materials.progress.say(f"Left out, since no store is named (--store): {', '.join(asking)}. Its folder stays.")
        again = [rung for rung in again if not rung.searches]
    kind, count = materials.target.kind, len(materials.dataset.targets)
    rungs_by_name = {rung.name: rung for rung in (*rungs, *again) if rung.takes(kind, count)}
    recipes = _recipes(list(rungs_by_name.values()), wanted, options, materials)
    planned = [
        _plan_one(rungs_by_name[name], recipe, materials, folder, before.get(name), name in wanted)
        for name, recipe in recipes.items()
    ]
    return _ordered([one for one in planned if one is not None])


def _that_take(rungs: Sequence[Rung], materials: Materials) -> list[Rung]:
    """Those that can be fitted to these targets. Raises UsageError for others that were named.

    Of a whole ladder they are left out, which is said where it could surprise: nobody misses what reads strings only.
    """
    kind, count = materials.target.kind, len(materials.dataset.targets)
    ladder = LADDERS[materials.dataset.family]
    unfit = {
        f"no target of kind {kind}": [rung for rung in rungs if kind not in rung.kinds],
        "one target alone": [rung for rung in rungs if kind in rung.kinds and not rung.takes(kind, count)],
    }
    is_whole = {rung.name for rung in rungs} >= {rung.name for rung in whole(materials.dataset.family)}
    if any(unfit.values()) and not is_whole:
        able = ", ".join(name for name, rung in ladder.items() if rung.takes(kind, count))
        why = (f"{materials.target.name!r} is one", f"there are {count}")
        told = zip(unfit.items(), why, strict=True)
        raise UsageError(
            [
                f"{one.name}: this rung takes {what}, and {which}; {able} can."
                for (what, some), which in told
                for one in some
            ]
        )
    for what, some in unfit.items():
        if missed := [rung.name for rung in some if "multi-class" in rung.kinds]:
            materials.progress.say(f"Left out, as they take {what}: {', '.join(missed)}.")
    return [rung for rung in rungs if rung.takes(kind, count)]


def _known_again(
    before: Mapping[str, RungRecord], wanted: set[str], folder: RunFolder, family: Family
) -> Iterator[Rung]:
    """Rungs that an earlier call finished and this one does not name; what this version cannot read is none of them.

    Those of the user's own are known by their recipes, and can be kept without their functions.
    """
    for name in before.keys() - wanted:
        with contextlib.suppress(UsageError, RunError):
            recipe = folder.read_recipe(name)
            yield kept(name, before[name].description, recipe) if recipe and recipe.own else find(name, family)


def _recipes(rungs: Sequence[Rung], wanted: set[str], options: Options, materials: Materials) -> dict[str, Recipe]:
    """What each rung is for these pictures. Raises UsageError with every problem of those that are wanted."""
    problems: list[str] = []
    recipes = {}
    for rung in rungs:
        try:
            recipes[rung.name] = recipe = rung.recipe(options, materials.dataset)
            if found := multitask.problems(recipe, materials.dataset):
                raise UsageError(found)
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
        own = key(recipe, materials, *ways.depends_on(recipe, materials))
        if before is not None and before.key == own:
            return Planned(rung, recipe, own, before.predicted_seconds or 0.0, done=before)
        if not wanted:
            return None
        seconds = ways.predict_seconds(recipe, materials) + _scoring_operations(materials) * _scoring_pace(materials)
        return Planned(rung, recipe, own, seconds)
    except (MissingExtra, MissingWeights) as lack:
        if before is not None and _made_the_same_way(recipe, materials, before, folder):
            return Planned(rung, recipe, before.key, before.predicted_seconds or 0.0, done=before)
        return Planned(rung, recipe, reason=" ".join(lack.problems)) if wanted else None


SCORING_PACE_NAME = "scoring, picture and class"
SCORING_PACE = 8e-6
"""Seconds per validation example and class for intervals by 1,000 bootstrap draws, before it was measured here."""


TELLING_OPERATIONS = 1000
"""Examples times classes below which scoring tells what calling costs; its pace is then not remembered."""


def _scoring_pace(materials: Materials) -> float:
    return materials.paces.get(SCORING_PACE_NAME) or SCORING_PACE


def _scoring_operations(materials: Materials) -> int:
    return len(materials.split.validation) * max(1, len(materials.dataset.classes))


def _made_the_same_way(recipe: Recipe, materials: Materials, before: RungRecord, folder: RunFolder) -> bool:
    """Whether a finished rung is the one asked for, by what its model says of bases that are no longer at hand."""
    learnware, _ = folder.read_model(before.name)
    return before.key == key(recipe, materials, *ways.depended_on(learnware))


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
    state = Climb(uneven=materials.target.is_classes and is_uneven(Counter(materials.dataset.labels())))
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
    model = ways.fit(one.recipe, materials, on_epoch=lambda epoch: folder.append_epoch(name, epoch))
    learnware = folder.write_model(name, model.learnware, model.tensors)
    opened = open_model(learnware, model.tensors, materials.cache, materials.builder(learnware))
    predictions, further = predict_all(opened, materials, materials.split.validation)
    scoring = time.perf_counter()
    score = _score(predictions, materials)
    if (operations := _scoring_operations(materials)) >= TELLING_OPERATIONS:
        materials.paces.put(SCORING_PACE_NAME, (time.perf_counter() - scoring) / operations)
    folder.write_answers(name, predictions)
    for target, answers in further.items():
        folder.write_answers(name, answers, target)
    state.predictions[name], state.further[name] = predictions, further
    heads = _heads(name, further, best, state, materials)
    found = evaluations("validation", score, heads, sealed=False)
    folder.write_model(name, msgspec.structs.replace(learnware, evaluations=found), model.tensors)
    inside = look(opened, predictions, materials, materials.split.validation)
    seconds = time.perf_counter() - began
    return RungRecord(
        name=name,
        status="finished",
        key=one.key,
        description=one.rung.description,
        predicted_seconds=round(one.seconds, 2),
        seconds=round(seconds, 2),
        score=score,
        verdict=_verdict(name, predictions, best, state, materials),
        diagnosis=diagnose(model.history) if model.history else "",
        details=model.details or {},
        nondeterministic=model.nondeterministic,
        builder=one.recipe.builder,
        without_copies=_clean(predictions, materials, materials.split.validation),
        heads=heads,
        ensemble=with_variance(inside, model, materials, materials.split.validation),
        cost=_cost(opened),
        distilled=taught.look(name, model, predictions, materials, materials.split.validation),
    )


def _cost(model: Answering) -> CostRecord | None:
    """Of models of pictures that look at them."""
    return cost(model) if isinstance(model, Predictor) and model.learnware.builder != "majority" else None


def _heads(
    name: str, further: Mapping[str, Answers], best: RungRecord | None, state: Climb, materials: Materials
) -> tuple[HeadRecord, ...]:
    """The targets behind the first, each scored and compared as that one is; none where no label of it is known."""
    noun, others = materials.dataset.noun, state.further.get(best.name, {}) if best else {}
    return tuple(
        HeadRecord(
            target,
            _score(answers, materials),
            protocol.compare(name, answers, best.name, others[target], noun=noun)
            if best and target in others
            else None,
        )
        for target, answers in further.items()
        if answers.known.any()
    )


def _again(
    done: RungRecord, best: RungRecord | None, state: Climb, materials: Materials, folder: RunFolder
) -> RungRecord:
    """A rung finished earlier: its predictions are read, its verdict is made anew against today's rungs."""
    materials.progress.say(f"{done.name} is finished already; kept.")
    predictions = _under_todays_names(
        folder.read_answers(done.name, materials.target), materials, materials.split.validation
    )
    folder.write_answers(done.name, predictions)
    further = {
        target.name: _under_todays_names(
            folder.read_answers(done.name, target, further=True), materials, materials.split.validation
        )
        for target in materials.dataset.targets[1:]
        if folder.has_answers(done.name, target.name)
    }
    for target, answers in further.items():
        folder.write_answers(done.name, answers, target)
    state.predictions[done.name], state.further[done.name] = predictions, further
    verdict = _verdict(done.name, predictions, best, state, materials)
    clean = _clean(predictions, materials, materials.split.validation)
    heads = _heads(done.name, further, best, state, materials)
    return msgspec.structs.replace(
        done, verdict=verdict, resampled=None, recipe_verdict=None, without_copies=clean, heads=heads
    )


def _score(answers: Answers, materials: Materials) -> AnyScore:
    return protocol.score(answers, seed=seeds.child(materials.seed, "bootstrap"), noun=materials.dataset.noun)


def _verdict(
    name: str, answers: Answers, best: RungRecord | None, state: Climb, materials: Materials
) -> Verdict | None:
    if best is None:
        return None
    other, noun = state.predictions[best.name], materials.dataset.noun
    return protocol.compare(name, answers, best.name, other, noun=noun, named=state.uneven)


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


def open_test(
    chosen: str, materials: Materials, folder: RunFolder, *, retrained: bool = False, temperature: float = 1.0
) -> tuple[TestRecord, Answers]:
    """Score the chosen rung on the sealed test part: this opens it, and is done once for a split.

    What it says of targets behind the first is written into the folder here.

    retrained: its model that was trained again, on validation pictures too. temperature: that it is published with.
    """
    learnware, tensors = folder.read_model(chosen, retrained=retrained)
    learnware = msgspec.structs.replace(learnware, temperature=temperature)
    model = open_model(learnware, tensors, materials.cache, materials.builder(learnware))
    predictions, further = predict_all(model, materials, materials.split.test)
    for target, answers in further.items():
        folder.write_test(answers, target)
    heads = _heads(chosen, further, None, Climb(), materials)
    score = _score(predictions, materials)
    opened = datetime.now(UTC).isoformat(timespec="seconds")
    clean = _clean(predictions, materials, materials.split.test, retrained=retrained)
    digest = materials.test_digest
    return TestRecord(chosen, opened, digest, score, retrained, temperature, clean, heads), predictions


def _clean(
    answers: Answers, materials: Materials, indices: tuple[int, ...], *, retrained: bool = False
) -> Estimate | None:
    """Accuracy without examples of which a copy is in training, of classes; None of other targets."""
    if not isinstance(answers, Predictions):
        return None
    return without_copies(answers, materials, indices, retrained=retrained)


def keep_test(materials: Materials, folder: RunFolder) -> None:
    """Go on with an earlier opening of the test part, whatever its files are called by now."""
    for place, target in enumerate(materials.dataset.targets):
        if answers := folder.read_test(target, further=place > 0):
            named = _under_todays_names(answers, materials, materials.split.test)
            folder.write_test(named, target.name if place else "")


def _under_todays_names(answers: Answers, materials: Materials, indices: tuple[int, ...]) -> Answers:
    """Answers of an earlier call with the paths of today: examples are known by content, and may be renamed."""
    return answers.named([materials.dataset.examples[index].path for index in indices])


def score_of(record: RungRecord) -> AnyScore:
    """The score of a finished rung."""
    if record.score is None:
        raise StarshiftError(f"Rung {record.name!r} has no score: it was skipped ({record.reason}).")
    return record.score


def _on_validation(record: RungRecord) -> tuple[float, float]:
    return score_of(record).leading.order


def _balanced(record: RungRecord) -> tuple[float, float, float]:
    score = score_of(record)
    assert isinstance(score, Score)
    return (score.balanced_accuracy.value, *_on_validation(record))


def _over_folds(record: RungRecord) -> tuple[float, float]:
    assert record.resampled is not None
    sign = 1 if score_of(record).leading.higher_is_better else -1
    return sign * record.resampled.leading.value, -record.resampled.loss.value
