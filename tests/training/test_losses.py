from __future__ import annotations

import numpy as np
import pytest

from starshift.models.heads import Scale, shape_targets
from starshift.recipe import LOSSES
from starshift.records import Target
from starshift.training import losses
from starshift.training.losses import (
    Objective,
    balanced_weights,
    best_constant_loss,
    figure_for,
    figure_name,
    loss_for,
    masked,
)
from tiny import telling

[TWO], [THREE] = telling(2), telling(3)


@pytest.mark.parametrize("name", LOSSES)
def test_two_classes_by_one_output_cost_what_two_outputs_cost(name):
    second, targets = np.array([0.1, 0.7, 0.4], np.float32)[:, None], np.array([0, 1, 1])
    one = np.array(loss_for(name, TWO).call(shape_targets(TWO, targets), second))
    both = np.array(loss_for(name, THREE).call(np.eye(2, dtype=np.float32)[targets], np.hstack([1 - second, second])))
    np.testing.assert_allclose(one, both, rtol=1e-4)


def test_the_losses_are_what_their_names_say():
    targets, outputs = shape_targets(TWO, np.array([1])), np.array([[0.8]], np.float32)
    found = {name: float(loss_for(name, TWO)(targets, outputs)) for name in LOSSES}
    assert found["crossentropy"] == pytest.approx(-np.log(0.8), rel=1e-4)
    assert found["focal"] == pytest.approx(-np.log(0.8) * 0.2**2, rel=1e-4)
    assert found["mean squared error"] == pytest.approx(0.04, rel=1e-4)


def test_an_answer_is_right_if_it_names_the_class_that_has_most_of_a_mixed_target():
    mixed, outputs = np.array([[0.7], [0.3], [0.9]]), np.array([[0.6], [0.2], [0.4]])
    assert np.array(figure_for(TWO)(mixed, outputs)).tolist() == [1, 1, 0]
    mixed, outputs = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), np.array([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
    assert np.array(figure_for(THREE)(mixed, outputs)).tolist() == [1, 0]


AGE, SHARE = Target("age", "regression"), Target("cloud", "share")
TAGS = Target("tags", "multi-label", ("furry", "indoors", "small"))


def test_each_kind_has_its_own_loss():
    outputs = np.array([[0.8]], np.float32)
    given = np.array([[0.5]], np.float32)
    assert float(loss_for("crossentropy", AGE)(given, outputs)) == pytest.approx(0.09, rel=1e-4)
    assert float(loss_for("crossentropy", SHARE)(given, outputs)) == pytest.approx(0.09, rel=1e-4)
    entropy = -0.5 * (np.log(0.8) + np.log(0.2))
    assert float(loss_for("binary crossentropy", SHARE)(given, outputs)) == pytest.approx(entropy, rel=1e-4)
    # What is not for a kind leaves it its own: several heads on one network have one stage.
    assert float(loss_for("focal", AGE)(given, outputs)) == pytest.approx(0.09, rel=1e-4)
    labels, said = np.array([[1.0, 0.0, 0.0]]), np.array([[0.8, 0.2, 0.5]])
    expected = -np.mean(np.log([0.8, 0.8, 0.5]))
    assert float(loss_for("crossentropy", TAGS)(labels, said)) == pytest.approx(expected, rel=1e-4)


def test_figures_are_hits_shares_of_labels_and_errors_in_the_targets_unit():
    assert figure_name(AGE) == "mean absolute error" and figure_name(TAGS) == "label accuracy"
    errors = figure_for(AGE, Scale(30.0, 10.0))(np.array([[1.0], [0.0]]), np.array([[0.5], [0.25]]))
    np.testing.assert_allclose(errors, [5.0, 2.5])
    shares = figure_for(TAGS)(np.array([[1.0, 0, 0]]), np.array([[0.9, 0.1, 0.8]]))
    np.testing.assert_allclose(shares, [2 / 3], rtol=1e-6)


def test_missing_labels_cost_nothing_and_have_no_gradient():
    import tensorflow as tf

    labels = np.array([[1.0, 0.0, 0.0], [np.nan] * 3], np.float32)
    outputs = tf.Variable([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    loss = masked(loss_for("crossentropy", THREE).call)
    with tf.GradientTape() as tape:
        found = loss(tf.constant(labels), outputs)
        total = tf.reduce_sum(found)
    gradient = tape.gradient(total, outputs).numpy()
    np.testing.assert_allclose(found, [np.log(2), 0], rtol=1e-5)
    assert gradient[0].any() and not gradient[1].any() and np.isfinite(gradient).all()


def test_losses_are_balanced_by_what_the_best_constant_answer_costs():
    """A loss near 10 would drown two near 0.1."""
    assert balanced_weights((0.1, 10.0, 0.1)) == pytest.approx((1.0, 0.01, 1.0))
    assert balanced_weights((0.5, 0.0)) == (1.0, 1.0)
    ages = np.random.default_rng(0).normal(size=(50, 1)).astype(np.float32)
    assert best_constant_loss(Objective(AGE), ages, "crossentropy", None) == pytest.approx(ages.var(), rel=1e-3)
    classes = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    assert best_constant_loss(Objective(THREE), classes, "crossentropy", None) == pytest.approx(np.log(3), rel=1e-3)
    assert best_constant_loss(Objective(THREE), np.full((4, 3), np.nan, np.float32), "crossentropy", None) == 1.0


# ----------------------------------------------------------------------------------------------------
# Taught


def _against(labels, outputs, target, **how):
    taught = losses.Taught(**{"temperature": 1.0, "soft": 0.9} | how)
    function = losses.taught(losses.loss_for("crossentropy", target).call, target, taught)
    return np.asarray(function(np.array(labels, np.float32), np.array(outputs, np.float32)))


NAN = float("nan")


def test_a_teacher_counts_beside_the_label_in_its_share():
    target = Target.of_classes(("a", "b", "c"))
    hard, soft, said = [1.0, 0, 0], [0.5, 0.3, 0.2], [0.7, 0.2, 0.1]
    on_label, on_teacher = -np.log(0.7), -float(np.dot(soft, np.log(said)))
    np.testing.assert_allclose(_against([hard + soft], [said], target), [0.1 * on_label + 0.9 * on_teacher], rtol=1e-5)
    np.testing.assert_allclose(_against([hard + [NAN] * 3], [said], target), [on_label], rtol=1e-5)
    np.testing.assert_allclose(_against([[NAN] * 3 + soft], [said], target), [on_teacher], rtol=1e-5)
    np.testing.assert_allclose(_against([[NAN] * 6], [said], target), [0.0])


def test_temperature_softens_both_answers_and_keeps_the_size_of_the_slopes():
    target = Target.of_classes(("a", "b"))
    labels, said, heat = [[NAN, 0.9]], [[0.6]], 4.0
    teacher, student = (1 / (1 + np.exp(-np.log(p / (1 - p)) / heat)) for p in (0.9, 0.6))
    wanted = -(heat**2) * (teacher * np.log(student) + (1 - teacher) * np.log(1 - student))
    np.testing.assert_allclose(_against(labels, said, target, temperature=heat), [wanted], rtol=1e-5)


def test_a_teacher_that_is_certain_gives_no_infinite_loss():
    target = Target.of_classes(("a", "b"))
    assert np.isfinite(_against([[1.0, 1.0]], [[0.0]], target)).all()


def test_a_taught_objective_tells_what_is_learned_from_and_what_is_judged():
    objective = losses.Objective(Target.of_classes(("a", "b")), taught=losses.Taught(1.0, 0.9))
    labels = np.array([[1, 0.9], [NAN, 0.8], [0, NAN], [NAN, NAN]], np.float32)
    learned, judged = objective.known(labels)
    assert learned.tolist() == [True, True, True, False] and judged.tolist() == [True, False, True, False]
    assert objective.labels(labels).shape == (4, 1)
