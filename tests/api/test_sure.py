"""`sure=0.95` and `threshold=0.8`: from thresholds that a model carries, or that are given, to answers left out."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.api.predict import Prediction, _unless_unsure, answers_above
from starshift.errors import RunError, UsageError
from starshift.records import LEARNWARE_SCHEMA, Estimate, InputContract, Learnware, Target, Threshold


def learnware(*thresholds: Threshold, target: Target = Target.of_classes(("cat", "dog"))) -> Learnware:  # noqa: B008
    return Learnware(
        schema=LEARNWARE_SCHEMA,
        name="convnet for cat, dog",
        task="image classification",
        targets=(target,),
        input=InputContract(64, "stretch"),
        builder="convnet",
        arguments={},
        bases=(),
        precision="f32",
        evaluations=(),
        trained_on="22 pictures of 2 classes",
        made_by="starshift 0.1.0",
        files={},
        id="",
        thresholds=thresholds,
    )


def promise(kind="answers", wanted=0.95, threshold=0.8, reason=""):
    return Threshold(kind, wanted, threshold, 200, "validation", Estimate(0.7, 0.6, 0.8, 200, ""), None, None, reason)


def test_the_threshold_of_that_promise_is_taken():
    model = learnware(promise("sets", 0.95, 0.1), promise(wanted=0.9, threshold=0.5), promise())
    assert answers_above(model, 0.95) == 0.8
    assert answers_above(model, 90 / 100) == 0.5


def test_another_share_is_refused():
    with pytest.raises(UsageError, match="90, 95 or 99 of 100 answers can be asked to be right; 80 came"):
        answers_above(learnware(promise()), 0.8)


def test_a_model_without_thresholds_says_why():
    with pytest.raises(
        RunError, match="'convnet for cat, dog' has no thresholds: it is a baseline, was trained on the"
    ):
        answers_above(learnware(), 0.95)


def test_what_cannot_be_promised_is_said_with_its_reason():
    lacking = promise(threshold=None, reason="it takes at least 59 pictures without a mistake, and 40 set it")
    with pytest.raises(
        RunError, match=r"cannot promise that 95 of 100 answers are right: it takes at least 59 .* Ask for"
    ):
        answers_above(learnware(lacking), 0.95)


def test_an_answer_must_be_above_the_threshold():
    above = float(np.float32(0.8))
    for probability, label in ((0.81, "cat"), (above, ""), (0.7, "")):
        one = _unless_unsure(Prediction("a.jpg", "cat", probability, {"cat": probability}), above)
        assert (one.label, one.probability) == (label, probability)


def test_without_either_it_always_answers():
    assert answers_above(learnware(promise())) is None


def test_just_at_a_given_threshold_it_answers():
    above = answers_above(learnware(), threshold=0.8)
    for probability, label in ((0.8, "cat"), (0.79999, ""), (1.0, "cat")):
        assert _unless_unsure(Prediction("a.jpg", "cat", probability, {"cat": probability}), above).label == label
    assert answers_above(learnware(), threshold=1) < 1


@pytest.mark.parametrize(("threshold", "came"), [(0.5, "50"), (0.008, "0.8"), (1.01, "101"), (-1, "-100")])
def test_a_threshold_that_would_leave_out_nothing_or_everything_is_refused(threshold, came):
    with pytest.raises(
        UsageError,
        match=rf"more than 50 % \(the likeliest of 2 classes always has that\) and at most 100 %; {came} % came",
    ):
        answers_above(learnware(), threshold=threshold)


def test_only_classes_and_strings_have_a_probability_to_be_above():
    plate = Target("plate", "string", ("1", "2", "3"))
    assert answers_above(learnware(target=plate), threshold=0.2) == pytest.approx(0.2)
    with pytest.raises(UsageError, match="A threshold is more than 0 % and at most 100 %; 0 % came"):
        answers_above(learnware(target=plate), threshold=0)
    for kind in ("regression", "multi-label"):
        target = Target("x", kind, ("a", "b") if kind == "multi-label" else ())
        with pytest.raises(
            UsageError, match="--threshold is for models that tell classes; 'convnet for cat, dog' tells"
        ):
            answers_above(learnware(target=target), threshold=0.9)


def test_both_at_once_are_refused():
    with pytest.raises(UsageError, match=r"--sure finds the probability .* --threshold gives it; take one of them"):
        answers_above(learnware(promise()), 0.95, 0.9)
