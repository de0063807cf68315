"""An ensemble looked at from inside: what its members are to each other on some examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starshift.compose import ensemble
from starshift.compose.opening import Answering
from starshift.compose.predictor import Predictor
from starshift.evaluation.metrics import log_losses
from starshift.ladder.ensemble import START
from starshift.ladder.materials import Materials
from starshift.records import Answers, EnsembleRecord, MemberRecord, Predictions, Variance


def look(model: Answering, together: Answers, materials: Materials, indices: tuple[int, ...]) -> EnsembleRecord | None:
    """What the members of an opened ensemble are to each other on some examples; None of any other model.

    together: what it answered for these examples.
    """
    if not isinstance(model, Predictor) or not model.members:
        return None
    assert isinstance(together, Predictions)  # ensembles are of classes
    whole = together.probabilities[materials.targets[list(indices)] >= 0]
    known = np.array([index for index in indices if materials.targets[index] >= 0])
    digests = [materials.dataset.examples[index].digest for index in known]
    said = model.each_stored(digests, lambda frame: materials.pixels(frame, known.tolist()))
    weights = np.asarray(model.weights)
    answers = [outputs[0] for outputs in said[: len(weights)]]
    targets, vote = materials.targets[known], model.learnware.arguments.get("combine") == "vote"
    titled = [member.learnware.name for member in model.members[: len(weights)]]
    names = list(dict.fromkeys(titled))
    belong = [np.array([place for place, one in enumerate(titled) if one == name]) for name in names]
    counted = [float(weights[places].sum()) for places in belong]
    grouped = [
        ensemble.combined([answers[place] for place in places], (weights[places] / weights[places].sum()).tolist())
        for places in belong
    ]
    without = ensemble.without_each(grouped, counted, targets, vote=vote)
    return EnsembleRecord(
        part="validation",
        pictures=len(known),
        accuracy=_accuracy(whole, targets),
        loss=float(log_losses(targets, whole).mean()),
        members=tuple(
            MemberRecord(
                title=name,
                weight=round(weight / sum(counted), 4),
                models=len(places),
                accuracy=_accuracy(one, targets),
                loss=float(log_losses(targets, one).mean()),
                loss_without=None if np.isnan(rest) else float(rest),
            )
            for name, weight, places, one, rest in zip(names, counted, belong, grouped, without, strict=True)
        ),
        disagreement=tuple(tuple(map(float, row)) for row in ensemble.disagreement(grouped)),
        variance=_variance(answers, titled),
    )


def _accuracy(answer: np.ndarray, targets: np.ndarray) -> float:
    return float((answer.argmax(axis=1) == targets).mean())


ALIKE = 20
"""Models that differ by their luck alone, from which on a variance says something."""

TOGETHER = 5
"""Members of the ensembles whose variance is set beside that of single models."""


def _variance(answers: Sequence[np.ndarray], titled: Sequence[str]) -> Variance | None:
    """Of the members that are one recipe from several starts or samples, where they are enough."""
    stems = [name.rpartition(START)[0] for name in titled]
    alike = [one for one, stem in zip(answers, stems, strict=True) if stem and stem == stems[0]]
    if len(alike) < ALIKE:
        return None
    single, together = (ensemble.variance(alike, size) for size in (1, TOGETHER))
    return Variance(stems[0], single, len(alike), TOGETHER, together)
