"""The climb: rung by rung, cheapest first, each scored and compared with the best before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from starshift import seeds
from starshift.compose.cost import cost
from starshift.compose.opening import Answering, open_model
from starshift.compose.predictor import Predictor
from starshift.errors import StarshiftError, TrainingDiverged
from starshift.evaluation import protocol
from starshift.evaluation.diagnosis import diagnose
from starshift.findings.imbalance import is_uneven
from starshift.ladder import fit as ways
from starshift.ladder import taught
from starshift.ladder.answering import predict_all
from starshift.ladder.copies import without_copies
from starshift.ladder.folder import RunFolder
from starshift.ladder.inside import look
from starshift.ladder.materials import Materials
from starshift.ladder.planning import SCORING_PACE_NAME, Planned, scoring_operations
from starshift.ladder.rungs import Rung
from starshift.ladder.unfitted import evaluations
from starshift.ladder.variance import with_variance
from starshift.records import (
    Answers,
    AnyScore,
    CostRecord,
    Estimate,
    HeadRecord,
    Predictions,
    RungRecord,
    Score,
    TestRecord,
    Verdict,
)


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


TELLING_OPERATIONS = 1000
"""Examples times classes below which scoring tells what calling costs; its pace is then not remembered."""


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
    if (operations := scoring_operations(materials)) >= TELLING_OPERATIONS:
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
