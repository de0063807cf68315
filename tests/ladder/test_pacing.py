from __future__ import annotations

import pytest

from starshift.ladder.paces import Paces
from starshift.ladder.pacing import correct, known_or_measured
from starshift.recipe import Recipe, Stage
from starshift.records import Epoch
from starshift.training.pace import Pace

RECIPE = Recipe("convnet", 64, stages=(Stage(epochs=2, batch_size=10),))


def history(epochs: int) -> list[Epoch]:
    return [Epoch(number, 6.0, 1.0, 0.5, 1.0, 0.5) for number in range(1, epochs + 1)]


def test_a_pace_is_measured_once_on_a_machine(tmp_path):
    assert known_or_measured(Paces(tmp_path), "convnet", lambda: Pace(2.0, 0.5, 0.1)) == Pace(2.0, 0.5, 0.1)
    assert known_or_measured(Paces(tmp_path), "convnet", lambda: pytest.fail("again")) == Pace(2.0, 0.5, 0.1)


def test_a_whole_training_corrects_it_and_one_that_stopped_early_does_not(tmp_path):
    paces = Paces(tmp_path)
    known_or_measured(paces, "convnet", lambda: Pace(2.0, 0.5, 0.1))
    for epochs, step in ((1, 0.5), (2, 1.0)):  # 20 pictures in 2 steps and 20 to validate: 3 s an epoch were foretold
        correct(paces, "convnet", RECIPE, history(epochs), 20, 20)
        assert paces.get("convnet: step") == pytest.approx(step)
    assert paces.get("convnet: picture") == pytest.approx(0.2) and paces.get("convnet: start") == 2.0


def test_what_was_never_measured_is_not_corrected(tmp_path):
    paces = Paces(tmp_path)
    correct(paces, "convnet", RECIPE, history(2), 20, 20)
    assert paces.get("convnet: step") is None
