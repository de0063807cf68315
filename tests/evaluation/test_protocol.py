from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import DataError, RunError
from starshift.evaluation.protocol import ABOUT_THE_RECIPE, compare, inner_folds, losses, score
from starshift.records import LabelsPredictions, NumberPredictions, Predictions, Score, StringPredictions, Verdict


def predictions(targets, predicted, *, classes=("cat", "dog"), confidence=0.9):
    """Predictions that give `predicted` the probability `confidence`, the others the rest in equal shares."""
    targets, predicted = np.asarray(targets), np.asarray(predicted)
    probabilities = np.full((len(targets), len(classes)), (1 - confidence) / (len(classes) - 1), dtype=np.float32)
    probabilities[np.arange(len(targets)), predicted] = confidence
    return Predictions(classes, tuple(f"{i}.png" for i in range(len(targets))), targets, probabilities)


def noisy(n, classes, *, seed=0, signal=1.5):
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    scores = rng.normal(size=(n, classes))
    scores[np.arange(n), targets] += signal
    probabilities = (np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)).astype(np.float32)
    names = tuple(f"class {i:03}" for i in range(classes))
    return Predictions(names, tuple(f"{i}.png" for i in range(n)), targets, probabilities)


def pair(both, only_model, only_other, neither):
    """Two predictions with this table of right and wrong."""
    mine = np.repeat([0, 0, 1, 1], [both, only_model, only_other, neither])
    theirs = np.repeat([0, 1, 0, 1], [both, only_model, only_other, neither])
    targets = np.zeros(len(mine), dtype=int)
    return predictions(targets, mine), predictions(targets, theirs)


# --- score -----------------------------------------------------------------------------------------------


def test_a_score_has_an_interval_and_n_everywhere():
    result = score(noisy(300, 3), seed=0, noun="picture")
    bootstrapped = (result.balanced_accuracy, result.macro_f1, result.roc_auc, result.log_loss)
    for figure in (result.accuracy, *bootstrapped):
        assert figure.low < figure.value < figure.high
        assert figure.n == 300
    assert result.accuracy.method == "Wilson"
    assert result.log_loss.method == "bootstrap over pictures, 1000 draws"


def test_a_score_is_sklearns():
    p = noisy(300, 3)
    result = score(p, seed=0, noun="picture")
    assert result.accuracy.value == reference.accuracy_score(p.targets, p.predicted)
    assert result.balanced_accuracy.value == pytest.approx(
        reference.balanced_accuracy_score(p.targets, p.predicted), abs=1e-12
    )
    assert result.macro_f1.value == pytest.approx(
        reference.f1_score(p.targets, p.predicted, average="macro"), abs=1e-12
    )
    assert [c.recall.value for c in result.classes] == pytest.approx(
        reference.recall_score(p.targets, p.predicted, average=None)
    )
    assert [c.precision for c in result.classes] == pytest.approx(
        reference.precision_score(p.targets, p.predicted, average=None)
    )
    assert np.array_equal(result.confusion, reference.confusion_matrix(p.targets, p.predicted))


def test_the_same_seed_gives_the_same_score():
    assert score(noisy(120, 2), seed=5, noun="picture") == score(noisy(120, 2), seed=5, noun="picture")
    assert (
        score(noisy(120, 2), seed=5, noun="picture").log_loss != score(noisy(120, 2), seed=6, noun="picture").log_loss
    )


def test_a_score_survives_json():
    three = predictions([0, 0, 1], [1, 1, 0], classes=("a", "b", "c"))
    for p in (noisy(120, 2), predictions([0], [0]), three):
        result = score(p, seed=0, noun="picture")
        assert msgspec.json.decode(msgspec.json.encode(result), type=Score) == result


def test_few_pictures_are_said():
    assert score(noisy(60, 2), seed=0, noun="picture").macro_f1.method == (
        "bootstrap over pictures, 1000 draws; with fewer than 100 pictures the interval tends to be too narrow"
    )


def test_few_mistakes_are_said():
    targets = np.arange(200) % 2
    predicted = targets.copy()
    predicted[:3] = 1 - predicted[:3]
    assert score(predictions(targets, predicted), seed=0, noun="picture").balanced_accuracy.method.endswith(
        "with fewer than 15 mistakes the interval tends to be too narrow"
    )


@pytest.mark.parametrize("wrong", [False, True])
def test_all_right_and_all_wrong_have_no_bootstrap_interval(wrong):
    targets = np.arange(40) % 2
    result = score(predictions(targets, 1 - targets if wrong else targets), seed=0, noun="picture")
    assert result.accuracy.value == 1 - wrong
    assert 0 < result.accuracy.high - result.accuracy.low < 0.1
    for figure in (result.balanced_accuracy, result.macro_f1, result.roc_auc):
        assert (figure.value, figure.low, figure.high) == (1 - wrong, None, None)
        assert figure.method == "all bootstrap draws give this value"


def test_one_class_present_leaves_the_auc_undefined_and_names_the_other():
    result = score(predictions([0, 0, 0, 0], [0, 0, 0, 1]), seed=0, noun="picture")
    assert result.roc_auc is None
    assert result.balanced_accuracy.value == 0.75
    dog = result.classes[1]
    assert (dog.label, dog.recall.n, dog.recall.low, dog.recall.high) == ("dog", 0, None, None)
    assert dog.recall.method == "none of this class"
    assert dog.precision == 0


def test_a_class_never_predicted_has_no_precision():
    assert score(predictions([0, 1], [0, 0]), seed=0, noun="picture").classes[1].precision is None


def test_unlabelled_pictures_are_left_out():
    assert score(predictions([0, 1, -1, 1], [0, 1, 1, 0]), seed=0, noun="picture").accuracy.n == 3


@pytest.mark.parametrize("targets", [[], [-1, -1]])
def test_nothing_to_score_is_said(targets):
    with pytest.raises(DataError, match=r"no labelled picture to score\. A score needs at least 1 of known class"):
        score(predictions(np.array(targets, dtype=int), np.zeros(len(targets), dtype=int)), seed=0, noun="picture")


@pytest.mark.parametrize(("n", "classes", "seconds"), [(1000, 2, 0.25), (850, 101, 1.5)])
def test_a_score_is_fast(n, classes, seconds):
    def took():
        began = time.process_time()  # not the clock's: other processes share this machine
        score(pictures, seed=0, noun="picture")
        return time.process_time() - began

    pictures = noisy(n, classes)
    assert any(took() < seconds for _ in range(3))


# --- compare ---------------------------------------------------------------------------------------------


def test_a_gain():
    verdict = compare("features", *swap(pair(700, 180, 38, 82)), noun="picture")
    assert verdict.outcome == "gain"
    assert verdict.sentence == ("this model gains 14.2 points on these 1,000 pictures, 95 % interval 11.5 to 17.0")
    assert (verdict.model, verdict.against, verdict.about) == ("features", "baseline", "model")
    assert (verdict.only_model_right, verdict.only_other_right) == (180, 38)
    assert verdict.difference.method == "Tango, paired"
    assert verdict.p_value < 1e-20
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_accuracy_is_named_where_another_figure_leads():
    named = [compare("a", *swap(pair(*counts)), noun="picture", named=True).sentence
             for counts in ((700, 180, 38, 82), (99, 1, 2, 0))]  # fmt: skip
    assert named[0].startswith("this model gains 14.2 points of accuracy on these 1,000 pictures, ")
    assert named[1].startswith(
        "no difference can be told on these 102 pictures: -1.0 points of accuracy, 95 % interval "
    )


def swap(two):
    """The arguments of compare after its first."""
    return two[0], "baseline", two[1]


def test_a_loss_is_told_with_positive_numbers():
    verdict = compare("features", *swap(pair(800, 40, 71, 89)), noun="picture")
    assert verdict.outcome == "loss"
    assert verdict.difference.value == pytest.approx(-0.031)
    assert verdict.sentence == "this model loses 3.1 points on these 1,000 pictures, 95 % interval 1.1 to 5.2"


def test_noise_is_no_difference():
    verdict = compare("features", *swap(pair(900, 13, 10, 77)), noun="picture")
    assert verdict.outcome == "undecided"
    assert verdict.sentence == (
        "no difference can be told on these 1,000 pictures: +0.3 points, 95 % interval -0.7 to 1.3"
    )


def test_equal_models_have_an_interval_too():
    verdict = compare("features", *swap(pair(950, 0, 0, 50)), noun="picture")
    assert (verdict.outcome, verdict.p_value) == ("undecided", 1.0)
    assert verdict.sentence == (
        "no difference can be told on these 1,000 pictures: 0.0 points, 95 % interval -0.4 to 0.4"
    )


def test_the_exact_test_has_the_last_word():
    verdict = compare("features", *swap(pair(15, 5, 0, 0)), noun="picture")
    assert verdict.difference.low > 0
    assert verdict.p_value == 0.0625
    assert verdict.outcome == "undecided"
    assert verdict.sentence.endswith("95 % interval 4.9 to 46.9; exact McNemar p = 0.062")


def test_a_small_certain_gain_is_not_told_as_nothing():
    verdict = compare("features", *swap(pair(99_000, 120, 84, 796)), noun="picture")
    assert "gains 0.04 points on these 100,000 pictures, 95 % interval 0.01 to 0.06" in verdict.sentence


def test_one_picture():
    assert "on this one picture: +100.0 points" in compare("features", *swap(pair(0, 1, 0, 0)), noun="picture").sentence


def test_different_pictures_are_refused():
    model, other = pair(10, 2, 0, 0)
    moved = Predictions(other.classes, other.paths[::-1], other.targets, other.probabilities)
    relabelled = Predictions(other.classes, other.paths, 1 - other.targets, other.probabilities)
    for wrong in (moved, relabelled, pair(11, 2, 0, 0)[1]):
        with pytest.raises(RunError, match=r"'features'.*'baseline'.*cannot be compared pair by pair"):
            compare("features", model, "baseline", wrong, noun="picture")


def test_no_pictures_to_compare():
    with pytest.raises(DataError, match="no labelled picture to compare"):
        compare("features", *swap(pair(0, 0, 0, 0)), noun="picture")


def test_what_it_takes_to_speak_of_the_recipe():
    assert "at least 3 seeds or repeated folds" in ABOUT_THE_RECIPE


# --- inner_folds -----------------------------------------------------------------------------------------


def test_folds_are_stratified_and_even():
    targets = np.repeat(np.arange(10), 13)
    pairs = inner_folds(targets, folds=5, seed=0)
    assert sorted(np.concatenate([tested for _, tested in pairs]).tolist()) == list(range(130))
    assert {len(tested) for _, tested in pairs} == {26}
    for fitted, tested in pairs:
        assert not set(fitted) & set(tested) and len(fitted) + len(tested) == 130
        assert set(np.bincount(targets[tested]).tolist()) <= {2, 3}


def test_folds_come_from_the_seed_alone():
    def tested(seed):
        return [rows.tolist() for _, rows in inner_folds([0, 1] * 20, folds=4, seed=seed)]

    assert tested(0) == tested(0) != tested(1)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=2, max_size=40),
    st.integers(2, 6),
    st.integers(0, 99),
)
def test_groups_stay_on_one_side_and_every_class_is_fitted(pictures, folds, seed):
    targets, group = np.array(pictures).T
    groups = [np.flatnonzero(group == name).tolist() for name in np.unique(group)]
    try:
        pairs = inner_folds(targets, folds=folds, groups=groups, seed=seed)
    except DataError:
        return
    assert 2 <= len(pairs) <= folds
    times = np.zeros(len(targets), dtype=int)
    for fitted, tested in pairs:
        assert sorted([*fitted, *tested]) == list(range(len(targets)))
        assert not set(group[fitted]) & set(group[tested])
        assert set(targets[fitted]) == set(targets)
        times[tested] += 1
    assert times.max() == 1


def test_a_lone_picture_is_never_tested():
    for fitted, tested in inner_folds([0] * 6 + [1], folds=3, seed=0):
        assert 6 in fitted and 6 not in tested


def test_a_class_smaller_than_the_folds_is_tested_once_each():
    pairs = inner_folds([0] * 10 + [1, 1], folds=5, seed=0)
    assert sorted(row for _, tested in pairs for row in tested if row >= 10) == [10, 11]
    assert all(not {10, 11} <= set(tested.tolist()) for _, tested in pairs)


def test_folds_of_nothing_but_lone_pictures_are_refused():
    with pytest.raises(
        DataError, match=r"3 training examples cannot be divided into 5 inner folds.* need not stay together"
    ):
        inner_folds([0, 1, 2], folds=5, seed=0)


# --- other kinds of targets ----------------------------------------------------------------------------


def numbers(targets, errors):
    targets = np.asarray(targets, float)
    return NumberPredictions(tuple(map(str, range(len(targets)))), targets, targets + errors)


def test_numbers_are_compared_by_their_errors_in_words():
    rng = np.random.default_rng(0)
    targets, errors = rng.normal(50, 10, 200), rng.normal(0, 2, 200)
    better, worse = numbers(targets, errors), numbers(targets, 2 * errors)
    gain = compare("dense", better, "linear", worse, noun="row")
    assert (gain.outcome, gain.metric, gain.only_model_right) == ("gain", "mean absolute error", None)
    assert gain.difference.value < 0 and gain.p_value < 1e-6
    assert gain.sentence.startswith("the mean absolute error of this model is 1.63 lower on these 200 rows")
    assert gain.sentence.endswith(", 95 % interval 1.46 to 1.81")
    loss = compare("linear", worse, "dense", better, noun="row")
    assert loss.outcome == "loss" and " higher on these 200 rows, " in loss.sentence
    same = compare("a", better, "b", numbers(targets, -errors), noun="picture")
    assert same.outcome == "undecided"
    assert same.sentence.startswith("no difference in mean absolute error can be told on these 200 pictures: ")
    one = compare("a", numbers([1.0], [1.0]), "b", numbers([1.0], [2.0]), noun="picture")
    assert one.outcome == "undecided"
    assert one.sentence == "no difference can be told on this one picture: one alone has no spread"


def label_sets(wrong):
    """Ten labels for each example, of which so many are wrong."""
    wrong = np.asarray(wrong)
    targets = np.zeros((len(wrong), 10), np.int8)
    said = (np.arange(10) < wrong[:, None]).astype(np.float32)
    return LabelsPredictions(tuple("abcdefghij"), tuple(map(str, range(len(wrong)))), targets, said)


def test_sets_of_labels_are_compared_in_points():
    rng = np.random.default_rng(0)
    few = rng.integers(0, 3, 150)
    gain = compare("a", label_sets(few), "b", label_sets(few + 1), noun="picture")
    assert (gain.outcome, gain.metric) == ("gain", "label accuracy")
    assert gain.sentence == (
        "this model gains 10.0 points of label accuracy on these 150 pictures, 95 % interval 10.0 to 10.0"
    )
    assert compare("b", label_sets(few + 1), "a", label_sets(few), noun="picture").sentence.startswith(
        "this model loses 10.0 points"
    )
    assert (
        "no difference in label accuracy can be told"
        in compare("a", label_sets(few), "b", label_sets(few), noun="picture").sentence
    )


def test_strings_are_right_or_wrong_as_classes_are():
    def read(values):
        values = np.array(values, dtype=object)
        return StringPredictions(
            tuple(map(str, range(len(values)))), np.array(["7"] * len(values), object), values, None
        )

    verdict = compare("a", read(["7"] * 40), "b", read(["7"] * 20 + ["1"] * 20), noun="picture")
    assert (verdict.outcome, verdict.only_model_right, verdict.only_other_right) == ("gain", 20, 0)
    assert verdict.sentence.startswith("this model gains 50.0 points on these 40 pictures")


def test_only_examples_with_a_label_are_compared_and_other_tasks_are_refused():
    some = numbers([1.0, np.nan, 3.0], np.array([1.0, 5.0, 0.0]))
    assert compare("a", some, "b", some, noun="picture").difference.n == 2
    with pytest.raises(RunError, match="are not about the same pictures"):
        compare("a", some, "b", label_sets([1, 2, 3]), noun="picture")
    with pytest.raises(DataError, match="There is no labelled row to score"):
        score(numbers([np.nan], np.zeros(1)), seed=0, noun="row")
    with pytest.raises(DataError, match="no labelled picture to compare the models by"):
        compare("a", numbers([np.nan], np.zeros(1)), "b", numbers([np.nan], np.zeros(1)), noun="picture")


def test_losses_of_every_kind_decide_between_equals():
    assert losses(numbers([1.0, 2.0], np.array([2.0, -3.0]))).tolist() == [4.0, 9.0]
    assert losses(label_sets([0, 10]))[0] < losses(label_sets([0, 10]))[1]
    assert losses(predictions([0, 1], [0, 1])).tolist() == pytest.approx([-np.log(0.9)] * 2)


def test_top_5_stands_beside_more_than_5_classes():
    many = noisy(300, 12)
    found = score(many, seed=0, noun="picture")
    expected = reference.top_k_accuracy_score(many.targets, many.probabilities, k=5, labels=np.arange(12))
    assert found.top_5.value == pytest.approx(expected) and found.top_5.method == "Wilson" and found.top_5.n == 300
    assert score(noisy(60, 5), seed=0, noun="picture").top_5 is None


def test_a_class_with_one_picture_in_a_part_is_no_crash():
    classes = 120
    alone = noisy(classes, classes)  # one of each
    found = score(alone, seed=0, noun="picture")
    assert [one.recall.n for one in found.classes] == [1] * classes
    assert all(0 <= one.recall.low < one.recall.high <= 1 for one in found.classes)
    lacking = alone.chosen(np.arange(0, classes, 2))  # every other class is not there at all
    assert sum(one.recall.n == 0 for one in score(lacking, seed=0, noun="picture").classes) == classes // 2
    assert found.top_5 is not None and found.balanced_accuracy.value == found.accuracy.value
