"""What rungs that train networks share: a bar, a pace, what is said of an early end, and what a record tells."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from starshift.errors import RunError
from starshift.ladder import networks
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.progress import Silent
from starshift.recipe import Recipe, Stage
from starshift.records import Dataset, Epoch, Picture, Target
from starshift.training import fit, pace
from starshift.training.pace import Pace

PHOTOGRAPHS = Dataset(
    "x",
    "class folders",
    (Target.of_classes(("a", "b")),),
    (Picture("", "0", "", "", 300, 300, "JPEG", "RGB", 9),) * 3000,
)
RECIPE = Recipe("convnet", 24, stages=(Stage(epochs=2, batch_size=10),))
HISTORY = tuple(Epoch(number, 6.0, 1.0, 0.5, 1.0, 0.5) for number in (1, 2))
TRAINED = fit.Trained({}, HISTORY, "float32", "of the last epoch")
DIVERGED = "The loss became nan in epoch 3. The weights of epoch 2 were kept."


class Told(Silent):
    """Keeps what is said and started."""

    def __init__(self):
        self.said, self.started = [], []

    def say(self, sentence):
        self.said.append(sentence)

    def start(self, task, total):
        self.started.append((task, total))


@pytest.fixture
def materials(make_materials):
    return replace(make_materials(), progress=Told())


@pytest.fixture
def train(materials, monkeypatch):
    """A training that ends as it is told, after its pace was foretold."""

    def run(trained=TRAINED, **how):
        given = {}
        monkeypatch.setattr(pace, "measure_pace", lambda recipe, build, **all_of_it: Pace(2.0, 0.5, 0.1))
        monkeypatch.setattr(fit, "train", lambda *plain, **named: given.update(named) or trained)
        networks.seconds(RECIPE, materials, lambda: None, "of a test", "trains nothing")
        networks.train(RECIPE, materials, lambda: None, "of a test", [], None, seed=0, **how)
        return given

    return run


def recipe(name: str):
    return find(name).recipe(Options(), PHOTOGRAPHS)


def test_a_pace_is_measured_once_and_its_row_made_only_then(materials, monkeypatch):
    asked = []
    monkeypatch.setattr(pace, "measure_pace", lambda *plain, **named: asked.append(named) or Pace(2.0, 0.5, 0.1))
    found = [
        networks.seconds(
            RECIPE, materials, lambda: None, "of a test", "trains nothing", like=lambda: "a row", policy="p"
        )
        for _ in range(2)
    ]
    assert found == [pytest.approx(2 + 2 * (3 * 0.5 + 12 * 0.1))] * 2  # 24 pictures to train on, 12 to validate
    assert asked == [{"heads": materials.dataset.targets, "own": {}, "like": "a row", "policy": "p"}]
    assert materials.progress.said == ["Measuring how fast this machine trains nothing (once) …"]


def test_a_whole_training_corrects_its_pace(train, materials):
    given = train()
    assert materials.paces.get("of a test: step") == pytest.approx(0.5 * 12 / 5.4)
    assert materials.progress.started == [("training", 2)] and materials.progress.said[1:] == []
    assert given["split"] is materials.split and given["targets"] is materials.every_target


def test_one_that_ended_early_says_so_and_corrects_nothing(train, materials):
    train(replace(TRAINED, diverged=DIVERGED), task="fine-tuning")
    assert materials.paces.get("of a test: step") == 0.5
    assert materials.progress.started == [("fine-tuning", 2)] and materials.progress.said[1:] == [DIVERGED]


def test_rows_that_are_given_take_the_place_of_those_of_the_materials(train, materials):
    given = train(split="another", groups=[[0, 1]])
    assert given["split"] == "another" and given["groups"] == [[0, 1]]
    assert given["targets"] is materials.every_target


def test_a_function_that_lacks_is_told_before_a_bar_is_drawn(materials):
    lacking = msgspec.structs.replace(RECIPE, stages=(Stage(loss="parts:squared#" + "0" * 16),))
    with pytest.raises(RunError, match="parts:squared#0000000000000000 must be given"):
        networks.train(lacking, materials, lambda: None, "of a test", [], None, seed=0)
    assert not materials.progress.started


def test_a_training_is_told_with_what_ended_it(materials):
    told = networks.told(RECIPE, materials, TRAINED)
    assert told == {
        "training": "2 epochs, batches of 10, rmsprop 0.0001",
        "computed in": "float32",
        "weights": "of the last epoch",
    }
    assert networks.told(RECIPE, materials, replace(TRAINED, diverged=DIVERGED)) == told | {"stopped": DIVERGED}


def test_the_seeds_training_in_words():
    assert networks.in_words(recipe("convnet")) == {"training": "30 epochs, batches of 20, rmsprop 0.0001"}
    said = networks.in_words(recipe("regularized"))
    assert said["training"] == (
        "100 epochs of 100 batches, batches of 32, rmsprop 0.0001, weights averaged with momentum 0.998"
    )
    assert said["augmentation"].startswith("seeds: turned by up to 40°, shifted by up to 20 % of the side")


def test_everything_that_is_not_the_default_is_said():
    said = networks.in_words(recipe("modern:average=0.99:loss=mean-squared-error"))["training"]
    for words in ("muon 0.005", "falling by a cosine", "warm-up of", "weight decay 0.1", "loss mean squared error"):
        assert words in said
    assert "label smoothing 0.1, at 64, 64, 96, 128 px in turn, the last 3 without mixing" in said
    assert said.endswith("weights averaged with momentum 0.99")
    assert "stopped after 5 epochs without a gain" in networks.in_words(recipe("convnet:patience=5"))["training"]
