"""What reuse came to, as a learnware of its own: it needs neither the store nor those that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from msgspec import structs

from starshift.compose import ensemble
from starshift.compose.nested import Tensors, identified
from starshift.compose.predictor import Predictor
from starshift.evaluation import protocol
from starshift.evaluation.metrics import log_losses
from starshift.evaluation.protocol import inner_folds
from starshift.evaluation.statistics import mean_interval
from starshift.learnware import mapped, reuse
from starshift.learnware.candidates import Candidate, Mine
from starshift.learnware.mapped import Member
from starshift.learnware.reuse import Fold, Formula, Trial, Way
from starshift.records import LEARNWARE_SCHEMA, Evaluation, InputContract, Learnware, Predictions, Verdict
from starshift.seeds import child

MOST = 3
"""Learnwares that are reused together."""

FOLDS, REPEATS = 5, 2

TASK = "image classification"


@dataclass(frozen=True)
class Reused:
    """Every way that applied, and the one that is kept."""

    admitted: tuple[Candidate, ...]  # all that could help
    candidates: tuple[Candidate, ...]  # those of them that were reused
    ways: tuple[Way, ...]  # in the order of reuse.WAYS
    way: Way
    accuracy: Verdict  # of the way against the own head, on pictures that neither was fitted on
    gain: tuple[float, float | None, float | None]  # nats per picture by which it is better, with Student's interval
    learnware: Learnware
    tensors: Tensors

    @property
    def helps(self) -> bool:
        """Whether what the store offers is better than frozen features and a head, beyond noise."""
        surely = self.gain[1] is not None and self.gain[1] > 0
        return self.way.name != reuse.OWN and (surely or self.accuracy.outcome == "gain")

    @property
    def parents(self) -> tuple[Candidate, ...]:
        """What is in it."""
        return _used(self.candidates, self.way)


def _used(candidates: Sequence[Candidate], way: Way) -> tuple[Candidate, ...]:
    return tuple(one for one, weight in zip(candidates, way.formula.weights, strict=True) if weight > 0)


def chosen(candidates: Sequence[Candidate], most: int = MOST) -> list[Candidate]:
    """The best, and of the others those that know classes that none of the best does."""
    able = [one for one in candidates if one.match.covers > 1]
    found, known = able[:most], {place for one in able[:most] for place in _known(one)}
    for one in able[most:]:
        if len(found) <= most and set(_known(one)) - known:
            found.append(one)
            known |= set(_known(one))
    return found


def _known(one: Candidate) -> list[int]:
    return [place for place, name in enumerate(one.match.classes) if name]


def trial(
    candidates: Sequence[Candidate],
    mine: Mine,
    *,
    seed: int,
    groups: Sequence[Sequence[int]] = (),
    folds: Sequence[Sequence[Fold]] = (),
) -> Reused:
    """Try all ways of reusing these learnwares on the user's pictures, and keep the best as one model.

    A learnware whose classes the user's own labels had to name must be right more often than the own head on pictures
    that this did not see: on so few, choosing among many classes flatters.
    groups: pictures that must not be torn apart, as indices. folds: of one or more repeats; drawn if none. Raises
    DataError for too few pictures for folds.
    """
    folds = folds or [
        inner_folds(mine.labels, folds=FOLDS, groups=groups, seed=child(seed, "reuse", repeat))
        for repeat in range(REPEATS)
    ]
    nothing = np.zeros((0, len(mine.labels), len(mine.classes)))
    tried = Trial(mine.features, mine.labels, len(mine.classes), nothing, folds)
    admitted = [
        one for one in candidates if not one.match.is_blind or one.right[tried.tested].mean() > tried.own_accuracy
    ]
    candidates = chosen(admitted)
    members = [_members(one, mine) for one in candidates]
    tried.said = np.array([_said(group, mine) for group in members]).reshape(len(members), *nothing.shape[1:])
    ways, way = tried.run(), tried.best
    answers = {name: _predictions(one, mine, tried.tested) for name, one in ways.items()}
    verdict = protocol.compare(way.name, answers[way.name], reuse.OWN, answers[reuse.OWN], noun="picture")
    learnware, tensors = model(way.formula, members, mine)
    evaluation = Evaluation(
        "validation",
        protocol.score(answers[way.name], seed=seed, noun="picture"),
        sealed=False,
        about="models made in the same way without each fold",
        protocol=f"{len(folds[0])} folds of {len(mine.labels):,} pictures, which also chose the way of reuse",
    )
    used = _used(candidates, way)
    learnware = structs.replace(
        learnware,
        name=f"{way.name} for {', '.join(mine.classes[:4])}{' …' if len(mine.classes) > 4 else ''}",
        trained_on=f"{len(mine.labels):,} pictures of {len(mine.classes)} classes"
        + (f", and {len(used)} learnware{'s' if len(used) > 1 else ''} that others trained" if used else ""),
        made_by=f"starshift {version('starshift')}",
        evaluations=(evaluation,),
        parents=tuple(dict.fromkeys(one.listed.id for one in used)),
        licence="",
        version="1.0.0",
        provenance=None,
        files={},
        id="",
    )
    return Reused(
        tuple(admitted),
        tuple(candidates),
        tuple(ways.values()),
        way,
        verdict,
        _gain(ways, way, mine, tried.tested),
        learnware,
        tensors,
    )


def _members(one: Candidate, mine: Mine) -> list[Member]:
    return mapped.mapped(one.package.learnware, one.package.tensors, one.match.classes, mine.target)


def _said(group: Sequence[Member], mine: Mine) -> np.ndarray:
    """Logits of the user's classes: float64 (N, classes)."""
    found = np.zeros((len(mine.labels), len(mine.classes)))
    for one in group:
        answers = mine.said(Predictor(one.learnware, one.tensors, mine.cache))
        found += one.weight * np.log(np.maximum(answers.astype(np.float64), ensemble.SMALLEST_PROBABILITY))
    return found


def _predictions(way: Way, mine: Mine, tested: np.ndarray) -> Predictions:
    """What was said of pictures that were not fitted on, in the first repeat of the folds."""
    digests = tuple(mine.digests[row] for row in tested)
    return Predictions(mine.classes, digests, mine.labels[tested], way.held_out[0][tested])


def _gain(ways: dict[str, Way], way: Way, mine: Mine, tested: np.ndarray) -> tuple[float, float | None, float | None]:
    """Log loss of the own head less that of a way, with Student's interval over pictures; repeats are averaged."""

    def losses(one: Way) -> np.ndarray:
        return np.mean([log_losses(mine.labels[tested], repeat[tested]) for repeat in one.held_out], axis=0)

    differences = losses(ways[reuse.OWN]) - losses(way)
    return float(differences.mean()), *mean_interval(differences)


# ----------------------------------------------------------------------------------------------------
# One model


def model(formula: Formula, members: Sequence[Sequence[Member]], mine: Mine) -> tuple[Learnware, Tensors]:
    """A formula as a model: a linear head on the space's base where everything is one; else members whose logits are
    added.

    members: of each learnware, as mapped.mapped gives them.
    """
    parts = [
        (_turned(one, place, formula, mine), weight * one.weight)
        for place, (group, weight) in enumerate(zip(members, formula.weights, strict=True))
        for one in group
        if weight > 0
    ]
    contract = InputContract(mine.base.frame.size, mine.base.frame.fit)
    own = _own_head(formula)
    if all(mapped.is_linear_on(one.learnware, mine.base.reference, contract, mine.base.precision) for one, _ in parts):
        heads = [(one.tensors["head/kernel"], one.tensors["head/bias"], weight) for one, weight in parts]
        return _frozen(mine, contract), mapped.added([*own, *heads])
    if own:
        tensors = mapped.added([(*own[0][:2], 1.0)])
        parts.insert(0, (Member(identified(_frozen(mine, contract), tensors), tensors), own[0][2]))
    if len(parts) == 1 and parts[0][1] == 1.0:
        return parts[0][0].learnware, parts[0][0].tensors
    inner = tuple(structs.replace(one.learnware, own=(), unshareable="") for one, _ in parts)
    bases = tuple(dict.fromkeys(base for one in inner for base in one.bases))
    learnware = structs.replace(
        _frozen(mine, contract), builder="ensemble", arguments={"combine": "weighted"}, bases=bases, members=inner
    )
    return learnware, ensemble.together([one.tensors for one, _ in parts], [weight for _, weight in parts])


def _turned(one: Member, place: int, formula: Formula, mine: Mine) -> Member:
    return one if formula.turned is None else mapped.turned(one, formula.turned[place], mine.target)


def _own_head(formula: Formula) -> list[tuple[np.ndarray, np.ndarray, float]]:
    if formula.kernel is None or formula.bias is None or not formula.own:
        return []
    return [(mapped.outputs(formula.kernel), mapped.outputs(formula.bias), formula.own)]


def _frozen(mine: Mine, contract: InputContract) -> Learnware:
    reference = mine.base.reference
    return Learnware(
        schema=LEARNWARE_SCHEMA,
        name="own head",
        task=TASK,
        targets=(mine.target,),
        input=contract,
        builder="frozen",
        arguments={"bases": (reference.spec,), "strengths": reuse.STRENGTHS},
        bases=(reference,),
        precision=mine.base.precision,
        evaluations=(),
        trained_on="",
        made_by=f"starshift {version('starshift')}",
        files={},
        id="",
    )
