"""Remedies against overfitting, ranked by what this run measured."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.evaluation import protocol
from starshift.evaluation.remedies import remedies
from starshift.records import Predictions, RungRecord

N = 200


def predicted(right: int) -> Predictions:
    """The first `right` of 200 pictures recognized."""
    targets = np.arange(N) % 2
    answers = np.where(np.arange(N) < right, targets, 1 - targets)
    probabilities = np.full((N, 2), 0.1, np.float32)
    probabilities[np.arange(N), answers] = 0.9
    return Predictions(("cat", "dog"), tuple(f"{i}.jpg" for i in range(N)), targets, probabilities)


def finished(name: str, right: int, diagnosis: str = "", builder: str = "convnet") -> tuple[RungRecord, Predictions]:
    predictions = predicted(right)
    score = protocol.score(predictions, seed=0, noun="picture")
    return RungRecord(
        name, "finished", "", score=score, seconds=90.0, diagnosis=diagnosis, builder=builder
    ), predictions


@pytest.fixture(scope="module")
def run():
    pairs = [
        finished("baseline", 100, builder="majority"),
        finished("convnet", 140, "overfits from epoch 9 on: …"),
        finished("convnet:l2=0.001", 138),
        finished("regularized", 165, "fits: …"),
        finished("features", 196, builder="frozen"),
    ]
    skipped = RungRecord("fine-tuned", "skipped", "", reason="it would take too long", predicted_seconds=200.0)
    return [*(record for record, _ in pairs), skipped], {record.name: given for record, given in pairs}


def test_what_gained_most_comes_first_with_its_verdict(run):
    rungs, predictions = run
    tried = [one for one in remedies(rungs[1], rungs, predictions) if one.verdict]
    assert [(one.rung, one.name) for one in tried] == [
        ("features", "a pretrained base, frozen"),
        ("regularized", "dropout and augmentation together"),
        ("convnet:l2=0.001", "L2 regularization"),
    ]
    assert [one.verdict.outcome for one in tried] == ["gain", "gain", "undecided"]
    assert tried[0].verdict.against == "convnet" and tried[0].verdict.difference.value == pytest.approx(0.28)


def test_what_was_not_tried_stands_in_the_seeds_order_with_what_it_takes(run):
    rungs, predictions = run
    untried = [one for one in remedies(rungs[1], rungs, predictions) if not one.verdict]
    assert [(one.name, one.rung, one.seconds) for one in untried] == [
        ("more pictures", "", None),
        ("a smaller network", "convnet:dense=64", 90.0),
        ("L1 regularization", "convnet:l1=1e-5", 90.0),
        ("dropout", "convnet:dropout=0.5", 90.0),
        ("augmentation", "convnet:augment=seeds", 90.0),
        ("a residual network with standardized kernels and strong augmentation", "modern", None),
        ("a pretrained base, frozen, and augmented views", "features-augmented", None),
        ("a pretrained base, its top fine-tuned", "fine-tuned", 200.0),
    ]
    assert untried[-1].reason == "it would take too long"


def test_only_arguments_that_the_network_takes_are_offered(run):
    rungs, predictions = run
    small = msgspec.structs.replace(rungs[1], builder="convnet-28px")
    offered = [one.rung for one in remedies(small, rungs, predictions)]
    assert "convnet:dropout=0.5" in offered and "convnet:dense=64" not in offered


def test_a_later_rung_is_not_offered_what_it_has_or_what_comes_before_it(run):
    rungs, predictions = run
    regularized = msgspec.structs.replace(rungs[3], diagnosis="overfits from epoch 80 on: …")
    offered = [one.rung for one in remedies(regularized, rungs, predictions)]
    assert "features" in offered and "convnet" not in offered
    assert not {"regularized:dropout=0.5", "regularized:augment=seeds"} & set(offered)


def test_a_network_that_fits_needs_no_remedy(run):
    rungs, predictions = run
    assert remedies(rungs[3], rungs, predictions) == ()


def test_every_offer_is_something_that_rungs_takes(run):
    from starshift.ladder.families import select

    rungs, predictions = run
    offered = [one.rung for one in remedies(rungs[1], rungs, predictions) if one.rung]
    assert {rung.name for rung in select(offered)} == {"baseline", *offered}


def test_what_augments_already_is_not_told_to():
    record, given = finished("fine-tuned", 140, "overfits from epoch 3 on: …", builder="fine-tuned")
    assert [one.name for one in remedies(record, [record], {"fine-tuned": given})] == ["more pictures"]


def test_a_rung_of_the_users_own_is_offered_no_variants():
    mine, given = finished("mine", 140, "overfits from epoch 9 on: …", builder="convnet")
    offered = remedies(mine, [mine], {"mine": given})
    assert [one.name for one in offered] == ["more pictures"]
