"""A student beside its teacher: what it kept, whether they agree, and what each costs."""

from __future__ import annotations

from starshift import seeds
from starshift.compose.cost import cost
from starshift.evaluation import protocol
from starshift.evaluation.estimates import proportion
from starshift.ladder.answering import predict_part
from starshift.ladder.ensemble import opened
from starshift.ladder.materials import Materials, Model
from starshift.records import Answers, DistilledRecord, Predictions, Score

TEACHER = "its teacher"
"""What a verdict calls it."""


def look(
    name: str, model: Model, answers: Answers, materials: Materials, indices: tuple[int, ...]
) -> DistilledRecord | None:
    """A student's answers beside those of its teacher on the same examples; None where nobody taught it.

    name: of the student's rung.
    """
    if model.teacher is None:
        return None
    assert isinstance(answers, Predictions)  # students are of classes
    predictor = opened(model.teacher, materials)
    theirs = predict_part(predictor, materials, indices)
    assert isinstance(theirs, Predictions)
    noun = materials.dataset.noun
    score = protocol.score(theirs, seed=seeds.child(materials.seed, "bootstrap"), noun=noun)
    assert isinstance(score, Score)
    same = answers.predicted == theirs.predicted
    return DistilledRecord(
        part="validation",
        teacher="; ".join(dict.fromkeys(one.learnware.name for one in model.teacher.members)),
        models=len(model.teacher.members),
        accuracy=score.accuracy,
        log_loss=score.log_loss,
        balanced_accuracy=score.balanced_accuracy,
        agreement=proportion(int(same.sum()), len(same)),
        verdict=protocol.compare(name, answers, TEACHER, theirs, noun=noun),
        cost=cost(predictor),
    )
