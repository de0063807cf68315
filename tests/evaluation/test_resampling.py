from __future__ import annotations

import numpy as np
import pytest

from starshift.errors import DataError, UsageError
from starshift.evaluation.resampling import (
    FOLD_LUCK,
    Comparison,
    Figure,
    Protocol,
    choose,
    compare,
    draw,
    parse,
    summarize,
)
from starshift.records import FoldResult, LabelsPredictions, NumberPredictions

ACCURACY = Figure(noun="picture")


def result(right, *, repeat=0, fold=0, trained_on=8, loss=0.5):
    return FoldResult("k", repeat, fold, trained_on, tuple(right), (loss,) * len(right), 0.1)


@pytest.mark.parametrize(
    ("text", "protocol"),
    [("holdout", None), ("5-fold", Protocol(1, 5)), ("10x5-fold", Protocol(10, 5)), ("3×4-fold", Protocol(3, 4))],
)
def test_protocols_are_named_as_the_books_do(text, protocol):
    assert parse(text) == protocol


@pytest.mark.parametrize("text", ["five", "1-fold", "0x5-fold", "101x5-fold", "51-fold", "auto", "5x", "-5-fold", ""])
def test_other_names_are_refused_with_what_there_is(text):
    with pytest.raises(UsageError, match=r"--protocol is auto, holdout, 5-fold or 10x5-fold \(2 to 50 folds, drawn up"):
        parse(text)


def test_what_auto_means_depends_on_how_many_pictures_there_are_and_it_says_why():
    assert choose(1000, 3000, noun="picture") == (
        None,
        "1,000 validation pictures are enough to tell models apart by a few points",
    )
    assert choose(999, 5000, noun="picture")[0] == Protocol(1, 5)
    assert choose(100, 999, noun="picture")[0] == Protocol(10, 5)
    assert "999 pictures are so few" in choose(100, 999, noun="picture")[1]


def test_every_picture_is_held_out_once_in_each_repeat_and_groups_stay_on_one_side():
    targets = np.repeat([0, 1], 20)
    folds = draw(targets, Protocol(3, 4), groups=[[0, 1, 25], [7, 8]], seed=1)
    assert [(repeat, fold) for repeat, fold, _ in folds] == [(r, f) for r in range(3) for f in range(4)]
    for repeat in range(3):
        held = np.concatenate([pair[1] for r, _, pair in folds if r == repeat])
        assert sorted(held) == list(range(40))
    for _, _, (fitted, held) in folds:
        assert not set(fitted) & set(held)
        assert all(set(group) <= set(fitted) or set(group) <= set(held) for group in ([0, 1, 25], [7, 8]))
    assert any(set(folds[0][2][1]) != set(pair[1]) for _, fold, pair in folds if fold == 0)


def test_folds_in_time_are_drawn_once_and_never_train_on_the_future():
    targets, order = np.tile([0, 1], 30), np.arange(60.0)[::-1]
    folds = draw(targets, Protocol(1, 5), order=order, seed=0)
    assert len(folds) == 5
    for _, _, (fitted, held) in folds:
        assert order[fitted].max() < order[held].min()


def test_a_figure_over_folds_rests_on_the_pictures_and_not_on_how_often_they_were_predicted():
    held = [np.arange(0, 5), np.arange(5, 10)] * 2
    right = [[1, 1, 1, 1, 0], [1, 1, 0, 1, 1], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1]]
    results = [result(one, repeat=i // 2, fold=i % 2) for i, one in enumerate(right)]
    found = summarize(Protocol(2, 2), results, held, ACCURACY)
    assert found.leading.value == pytest.approx(0.85)
    assert found.leading.n == 10
    assert found.leading.method == "out of 2 × 2 folds; Wilson over pictures, widened for the luck of the folds"
    assert found.leading.low < 0.6 < 0.95 < found.leading.high  # of 10 pictures, not of 20
    assert (found.loss.value, found.loss.low, found.loss.high) == pytest.approx((0.5, 0.5, 0.5))
    assert found.fold_figures == (0.8, 0.8, 1.0, 0.8)
    assert (found.trained_on, found.protocol) == (8, "2 × 2 folds")


def test_pictures_that_are_never_held_out_do_not_count():
    found = summarize(Protocol(1, 2), [result([1, 0]), result([1])], [np.array([0, 4]), np.array([2])], ACCURACY)
    assert found.leading.n == 3
    assert found.leading.value == pytest.approx(2 / 3)


def test_a_clear_difference_is_a_gain_of_the_recipe_and_says_how_it_was_found():
    rng = np.random.default_rng(0)
    clear = Comparison("features", "convnet", tuple(0.1 + 0.01 * rng.normal(size=10)), 0.25)
    luck = Comparison("modern", "features", tuple(0.05 * rng.normal(size=10)), 0.25)
    gain, undecided = compare([clear, luck], 300, Protocol(2, 5), ACCURACY)
    assert gain.outcome == "gain"
    assert gain.sentence.startswith("as a recipe, gains ")
    assert "points against convnet over 2 × 5 folds of 300 pictures, 95 % interval" in gain.sentence
    assert gain.sentence.endswith("; corrected resampled t-test, p < 0.001 after Holm")
    assert gain.adjusted_p_value == pytest.approx(2 * gain.p_value)
    assert gain.fits == 10
    assert undecided.outcome == "undecided"
    assert undecided.sentence.startswith("as a recipe, no difference from features can be told over 2 × 5 folds")
    loss = compare([Comparison("a", "b", tuple(-np.array(clear.difference)), 0.25)], 300, Protocol(2, 5), ACCURACY)[0]
    assert loss.outcome == "loss"
    assert loss.sentence.startswith("as a recipe, loses ")
    assert "Holm" not in loss.sentence
    named = compare([clear, luck], 300, Protocol(2, 5), Figure(noun="picture", named=True))
    assert "points of accuracy against convnet over" in named[0].sentence
    assert " points of accuracy, 95 % interval " in named[1].sentence


def test_equal_recipes_are_not_told_apart():
    (verdict,) = compare([Comparison("a", "b", (0.0,) * 5, 0.25)], 100, Protocol(1, 5), ACCURACY)
    assert (verdict.outcome, verdict.p_value) == ("undecided", 1.0)


def test_luck_alone_is_called_a_gain_or_a_loss_in_at_most_5_percent():
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(400):
        mine, theirs = rng.random((2, 5, 40)) < 0.8
        difference = tuple(mine.mean(axis=1) - theirs.mean(axis=1))
        (verdict,) = compare([Comparison("a", "b", difference, 0.25)], 200, Protocol(1, 5), ACCURACY)
        wrong += verdict.outcome != "undecided"
    assert wrong / 400 <= 0.05


def test_pictures_that_do_not_make_folds_are_refused():
    with pytest.raises(DataError, match="cannot be divided into 5 inner folds"):
        draw(np.array([0, 1]), Protocol(1, 5), seed=0)


ERRORS = Figure("mean absolute error", is_right_or_wrong=False, is_error=True, noun="row")


def test_a_figure_of_errors_has_students_interval_widened_for_the_folds():
    rng = np.random.default_rng(0)
    errors = rng.exponential(size=100)
    held = [np.arange(0, 50), np.arange(50, 100)]
    results = [result(errors[rows]) for rows in held]
    found = summarize(Protocol(1, 2), results, held, ERRORS)
    assert found.metric == "mean absolute error" and found.leading.value == pytest.approx(errors.mean())
    assert found.leading.method == "out of 2 folds; Student's t over rows, widened for the luck of the folds"
    half = 1.984 * errors.std(ddof=1) / 10 * (1 + FOLD_LUCK) ** 0.5
    assert found.leading.high - found.leading.value == pytest.approx(half, rel=1e-3)


def test_a_lower_error_is_a_gain_of_the_recipe_in_the_targets_unit():
    rng = np.random.default_rng(0)
    clear = Comparison("dense", "linear", tuple(-0.5 + 0.02 * rng.normal(size=10)), 0.25)
    (gain,) = compare([clear], 506, Protocol(2, 5), ERRORS)
    assert gain.outcome == "gain"
    assert gain.sentence.startswith(
        "as a recipe, its mean absolute error is 0.498 lower than that of linear over 2 × 5 folds of 506 rows, "
    )
    (loss,) = compare([Comparison("a", "b", tuple(-np.array(clear.difference)), 0.25)], 506, Protocol(2, 5), ERRORS)
    assert loss.outcome == "loss" and "is 0.498 higher than that of b" in loss.sentence
    (luck,) = compare([Comparison("a", "b", tuple(rng.normal(size=10)), 0.25)], 506, Protocol(2, 5), ERRORS)
    assert luck.outcome == "undecided"
    assert " of mean absolute error, 95 % interval" in luck.sentence and "points" not in luck.sentence


def test_what_is_compared_is_read_off_the_answers():
    numbers = NumberPredictions(("a",), np.zeros(1), np.zeros(1))
    assert Figure.of(numbers, "row") == ERRORS
    labels = LabelsPredictions(("x",), ("a",), np.zeros((1, 1), np.int8), np.zeros((1, 1), np.float32))
    shares = Figure.of(labels, "picture")
    assert shares == Figure("label accuracy", is_right_or_wrong=False, noun="picture")
    (verdict,) = compare([Comparison("a", "b", (0.1, 0.11, 0.1, 0.09, 0.1), 0.25)], 50, Protocol(1, 5), shares)
    assert "gains 10.0 points of label accuracy against b over 5 folds of 50 pictures" in verdict.sentence
