from __future__ import annotations

import pytest

from starshift.augmentation import Augmentation
from starshift.recipe import Recipe, Stage
from starshift.training.pace import Pace, measure_pace
from tiny import SIDE, recipe, telling, tiny_network

PACE = Pace(start=2.0, step=0.1, picture=0.01)


def seconds(stage: Stage, **recipe) -> float:
    return PACE.seconds(Recipe(**{"builder": "convnet", "size": 64, "stages": (stage,)} | recipe), 45, 10)


def test_a_whole_training_is_steps_and_validation_pictures():
    assert seconds(Stage(epochs=3, batch_size=20)) == pytest.approx(2 + 3 * (0.3 + 0.1))


def test_steps_per_epoch_count_instead_of_pictures():
    assert seconds(Stage(epochs=3, batch_size=20, steps_per_epoch=7)) == pytest.approx(2 + 3 * (0.7 + 0.1))


def test_smaller_pictures_cost_by_their_area():
    stage = Stage(epochs=4, batch_size=20, sizes=(32, 64))
    assert seconds(stage, builder="modern") == pytest.approx(2 + (2 * 0.25 + 2) * (0.3 + 0.1))


def test_a_later_stage_costs_by_the_size_of_its_batches():
    stages = (Stage(epochs=1, batch_size=20), Stage(epochs=1, batch_size=45))
    assert seconds(stages[0], stages=stages) == pytest.approx(2 + (0.3 + 0.1) + (0.225 + 0.1))


def test_a_pace_is_measured_with_what_is_done_to_pictures():
    seen = []

    def build():
        seen.append(tiny_network())
        return seen[-1]

    pace = measure_pace(recipe(), build, heads=telling(3), steps=3, larger=2 * SIDE)
    assert len(seen) == 1
    assert pace.start > 0 and pace.step > 0 and pace.picture > 0


@pytest.mark.parametrize("shape", [(4, 4, 24), (17, 24)], ids=["map", "tokens"])
def test_a_pace_of_activations_is_measured_with_activations(shape):
    from keras import Input, Model, layers

    from starshift.models.heads import head

    def build():
        activations = Input(shape)
        return Model(activations, head(layers.Flatten()(activations), telling(3)[0]))

    mixed = Stage(optimizer="adam", batch_size=8, epochs=2, augmentation=Augmentation(mixup=0.2))
    pace = measure_pace(recipe(mixed), build, heads=telling(3), steps=2, activations=True)
    assert pace.step > 0 and pace.picture > 0
