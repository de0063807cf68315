"""What must not be seen leaves no trace: pictures and labels outside the training part change no fitted model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from starshift.evaluation.permits import PERMITS, LeakInFitting, permit, refuse_overlap, rows_for
from starshift.evaluation.resampling import Protocol
from starshift.ladder import linear
from starshift.ladder.resample import Resampling
from starshift.recipe import Recipe
from starshift.records import Split

SPLIT = Split(train=(0, 1, 2, 5), validation=(3, 4), test=(6, 7), how="by hand")
RECIPE = Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-3, 1e-2)})


@pytest.mark.parametrize("purpose", PERMITS)
def test_a_leak_planted_into_any_purpose_is_refused(purpose):
    permit(purpose, rows_for(purpose, SPLIT), SPLIT)
    for part in {"train", "validation", "test"} - set(PERMITS[purpose]):
        planted = [*rows_for(purpose, SPLIT), getattr(SPLIT, part)[0]]
        with pytest.raises(LeakInFitting, match=rf"{purpose} may see .* only, and 1 of the {part} part came"):
            permit(purpose, planted, SPLIT)


def test_nothing_but_the_final_figure_may_see_the_test_part():
    assert [purpose for purpose, parts in PERMITS.items() if "test" in parts] == ["final figure"]


def test_a_picture_in_two_parts_is_refused():
    refuse_overlap(SPLIT)
    with pytest.raises(LeakInFitting, match="1 examples lie in the train and in the test part"):
        refuse_overlap(Split(train=(0, 6), validation=(3,), test=(6,), how=""))


@pytest.fixture
def task(make_materials):
    """Materials, and made-up features of all pictures: float32 (N, 20)."""
    materials = make_materials()
    rng = np.random.default_rng(0)
    return materials, rng.normal(size=(len(materials.targets), 20)).astype(np.float32) + materials.targets[:, None]


def same(one, other) -> bool:
    return (
        np.array_equal(one.kernel, other.kernel)
        and np.array_equal(one.bias, other.bias)
        and (one.strength, one.losses) == (other.strength, other.losses)
    )


def test_means_scales_choices_and_weights_come_from_the_training_part_alone(task):
    materials, features = task
    held = np.array(materials.split.validation)
    fitted = linear.fit_on(RECIPE, materials, features)
    others = features.copy()
    others[held] = 1e6
    assert same(fitted, linear.fit_on(RECIPE, materials, others))
    others = features.copy()
    others[materials.split.train[0]] += 1  # the test can fail: a training picture does leave a trace
    assert not same(fitted, linear.fit_on(RECIPE, materials, others))


def test_labels_outside_the_training_part_change_nothing(task):
    materials, features = task
    fitted = linear.fit_on(RECIPE, materials, features)
    scrambled = replace(materials)
    scrambled.__dict__["targets"] = materials.targets.copy()  # the cached property's own place
    scrambled.targets[list(materials.split.validation)] = 0
    assert same(fitted, linear.fit_on(RECIPE, scrambled, features))


def test_a_fold_that_would_train_on_what_it_holds_out_or_on_the_test_part_is_refused(make_materials):
    materials = make_materials()
    *rest, sealed = materials.split.train
    materials = replace(materials, split=Split(tuple(rest), materials.split.validation, (sealed,), "by hand"))
    run = Resampling(Protocol(1, 2), materials, None)
    everything = np.arange(len(run.pool))
    with pytest.raises(LeakInFitting, match="lie in the train and in the validation part"):
        run.materials_of(0, 0, (everything, everything[:3]))
    run.__dict__["pool"] = np.append(run.pool, sealed)
    with pytest.raises(LeakInFitting, match="folds may see train and validation only, and 1 of the test part came"):
        run.materials_of(0, 0, (np.append(everything[3:], len(everything)), everything[:3]))
