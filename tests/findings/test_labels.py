from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from starshift.findings import labels
from starshift.records import Estimate, Suspects

ORACLE = importlib.util.find_spec("cleanlab")
needs_cleanlab = pytest.mark.skipif(ORACLE is None, reason="cleanlab is not installed (pip install 'cleanlab>=2.8')")


def noisy(pictures: int = 300, classes: int = 4, share: float = 0.1, sharpness: float = 2.0, seed: int = 0):
    """Probabilities, given labels and true labels of pictures of which a share is labelled wrongly."""
    rng = np.random.default_rng(seed)
    true = np.arange(pictures) % classes
    logits = rng.normal(size=(pictures, classes))
    logits[np.arange(pictures), true] += sharpness
    exponentials = np.exp(logits)
    given = true.copy()
    wrong = rng.random(pictures) < share
    given[wrong] = (true[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    return exponentials / exponentials.sum(axis=1, keepdims=True), given, true


def plain(probabilities, given):
    """Where the paper's rule and cleanlab's agree: they part where the most probable class is below its threshold."""
    limits = labels.thresholds(probabilities, given)
    reached = probabilities >= limits - labels.SLACK
    top = probabilities.argmax(axis=1)
    return (reached.sum(axis=1) < 2) | reached[np.arange(len(top)), top]


# --- by hand ---


def test_thresholds_are_the_mean_confidence_of_each_class():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.7, 0.3, 0.0], [0.4, 0.6, 0.0]])
    assert labels.thresholds(probabilities, np.array([0, 0, 1])).tolist() == pytest.approx([0.8, 0.6, np.inf])


def test_a_picture_is_confidently_of_the_most_probable_class_that_reaches_its_threshold():
    limits = np.array([0.8, 0.3, 0.3])
    probabilities = np.array([[0.85, 0.1, 0.05], [0.6, 0.4, 0.0], [0.0, 0.45, 0.55], [0.7, 0.15, 0.15]])
    # The second is most probably of class 0, but not confidently: equation 1 of the paper.
    assert labels.confident_classes(probabilities, limits).tolist() == [0, 1, 2, -1]


def test_the_joint_is_brought_to_the_counts_of_the_labels():
    given, confident = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, -1, 1, -1])
    joint = labels.confident_joint(given, confident, 2)
    assert joint.tolist() == [[2, 1], [0, 1]]
    np.testing.assert_allclose(labels.calibrated(joint, given), [[8 / 3, 4 / 3], [0, 2]])


def test_a_class_without_a_confident_picture_keeps_one_on_the_diagonal():
    joint = labels.confident_joint(np.array([0, 1]), np.array([0, -1]), 2)
    assert joint.tolist() == [[1, 0], [0, 1]]


def test_a_confident_contradiction_is_ranked_before_a_doubt():
    probabilities = np.array([[0.99, 0.01], [0.45, 0.55], [0.02, 0.98]])
    given = np.array([0, 0, 0])
    np.testing.assert_allclose(labels.self_confidence(probabilities, given), [0.99, 0.45, 0.02])
    assert labels.ranking(probabilities, given).tolist() == [2, 1, 0]


def test_other_classes_come_with_the_most_probable_first_and_never_the_given_one():
    probabilities = np.array([[0.5, 0.1, 0.4], [0.2, 0.5, 0.3]])
    assert labels.likely_others(probabilities, np.array([0, 1]), 5).tolist() == [[2, 1], [2, 0]]
    assert labels.likely_others(probabilities, np.array([0, 1]), 1).tolist() == [[2], [2]]


# --- as a whole ---


def test_planted_wrong_labels_are_counted_and_ranked_first():
    probabilities, given, true = noisy(2000, sharpness=6.0, share=0.05)
    planted = given != true
    judgement = labels.judge(probabilities, given, np.zeros(2000, bool), seed=0)
    assert judgement.wrong.low < planted.mean() < judgement.wrong.high
    assert abs(judgement.looks_wrong.sum() - planted.sum()) < 20
    first = labels.ranking(probabilities, given)[: int(0.08 * 2000)]
    assert planted[first].sum() > 0.95 * planted.sum()


def test_settled_labels_are_taken_to_be_right():
    probabilities, given, true = noisy(500, sharpness=6.0)
    settled = given != true
    judgement = labels.judge(probabilities, given, settled, seed=0)
    assert not judgement.looks_wrong[settled].any()
    assert (judgement.confident[settled] == given[settled]).all()
    assert judgement.wrong.value < labels.judge(probabilities, given, ~settled & settled, seed=0).wrong.value / 2


def test_the_estimate_is_the_calibrated_joint_off_its_diagonal_and_its_draws_agree():
    probabilities, given, _ = noisy()
    judgement = labels.judge(probabilities, given, np.zeros(len(given), bool), seed=0)
    joint = labels.calibrated(labels.confident_joint(given, judgement.confident, 4), given)
    assert judgement.wrong.value == pytest.approx((joint.sum() - joint.trace()) / len(given))
    drawn = labels._shares(np.ones((len(given), 1)), judgement.confident, given)
    assert drawn[0] == pytest.approx(judgement.wrong.value)
    assert judgement.wrong.low < judgement.wrong.value < judgement.wrong.high
    assert judgement.wrong == labels.judge(probabilities, given, np.zeros(len(given), bool), seed=0).wrong


def test_nothing_wrong_among_few_is_not_taken_for_certainty():
    given = np.arange(20) % 2
    judgement = labels.judge(np.eye(2)[given], given, np.zeros(20, bool), seed=0)
    assert judgement.wrong.value == judgement.wrong.low == 0
    assert judgement.wrong.high == pytest.approx(0.161, abs=0.001)
    assert judgement.wrong.method == "Wilson, over the 20 pictures that are confidently of a class"
    assert not judgement.looks_wrong.any()


# --- against cleanlab ---

CLEANLAB = "2.9.0"
EXPECTED_JOINT = [[10, 2, 0], [0, 9, 1], [3, 1, 13]]
EXPECTED_SUSPECTS = [29, 51, 10, 40, 39, 31, 24]


def test_values_that_cleanlab_gave():
    """Computed once with cleanlab CLEANLAB: compute_confident_joint(calibrate=False), find_label_issues(...)."""
    probabilities, given, _ = noisy(60, 3)
    keep = plain(probabilities, given)
    assert keep.all()
    judgement = labels.judge(probabilities, given, np.zeros(60, bool), seed=0)
    assert labels.confident_joint(given, judgement.confident, 3).tolist() == EXPECTED_JOINT
    order = [row for row in labels.ranking(probabilities, given).tolist() if judgement.looks_wrong[row]]
    assert order == EXPECTED_SUSPECTS


@needs_cleanlab
@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_joint_counts_and_rankings_are_those_of_cleanlab(classes, sharpness):
    from cleanlab.count import compute_confident_joint, get_confident_thresholds
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_self_confidence_for_each_label

    probabilities, given, _ = noisy(800, classes, sharpness=sharpness, seed=classes)
    while not (keep := plain(probabilities, given)).all():
        probabilities, given = probabilities[keep], given[keep]
    np.testing.assert_allclose(
        labels.thresholds(probabilities, given), get_confident_thresholds(given, probabilities), rtol=1e-12
    )
    judgement = labels.judge(probabilities, given, np.zeros(len(given), bool), seed=0)
    joint = labels.confident_joint(given, judgement.confident, classes)
    np.testing.assert_array_equal(joint, compute_confident_joint(given, probabilities, calibrate=False))
    theirs = compute_confident_joint(given, probabilities, calibrate=True)
    assert np.abs(labels.calibrated(joint, given) - theirs).max() < 1  # theirs is rounded to whole pictures
    issues = find_label_issues(given, probabilities, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(judgement.looks_wrong, issues)
    np.testing.assert_allclose(
        labels.self_confidence(probabilities, given), get_self_confidence_for_each_label(given, probabilities)
    )


# --- words ---


def suspects(looks_wrong: int, share: float, settled: int = 0, unjudged: int = 0) -> Suspects:
    estimate = (
        Estimate(share, share / 2, 2 * share, 2400, "confident joint") if share else Estimate(0, None, None, 9, "")
    )
    return Suspects(1, "", 2400, unjudged, settled, looks_wrong, estimate, "a head", ())


def test_the_finding_counts_and_says_where_to_look():
    found = labels.finding(suspects(37, 0.022), "runs/photos")
    assert found.severity == "warning" and found.kind == "suspected labels"
    assert found.sentence == (
        "37 labels look wrong; by confident learning an estimated 53 of 2,400 are (2.2 %, 95 % interval 1.1 to 4.4), "
        "hard pictures among them. Look at them with starshift review runs/photos; nothing was changed."
    )


def test_few_or_no_suspects_are_a_note():
    assert labels.finding(suspects(1, 0.001), "r").severity == "note"
    assert labels.finding(suspects(1, 0.001), "r").sentence.startswith("1 label looks wrong;")
    none = labels.finding(suspects(0, 0, settled=3, unjudged=2), "r")
    assert none.severity == "note" and "starshift review" not in none.sentence
    assert "2 could not be judged: nothing else shows their class." in none.sentence
    assert "3 that a person has looked at are taken to be right." in none.sentence


def test_labels_that_were_not_searched_are_not_passed_over():
    assert (
        labels.not_searched("Labels were not searched: no features.").sentence
        == "Labels were not searched: no features."
    )
