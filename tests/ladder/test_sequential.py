"""Models of sequences: each rung fits, is saved, answers again the same, and learns from the training part alone."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.compose.opening import open_model
from starshift.data.kinds import Wanted
from starshift.data.sequences import read_sequences
from starshift.errors import RunError, UsageError
from starshift.ladder import fit as ways
from starshift.ladder.families import LADDERS, select
from starshift.ladder.materials import Materials
from starshift.ladder.options import Options
from starshift.ladder.paces import Paces
from starshift.ladder.sequential import scaling_of
from starshift.learnware import package
from starshift.progress import Silent
from starshift.records import SequenceContract, Split
from waves import save_waves


@pytest.fixture
def materials(tmp_path):
    def make(*targets, gaps=False):
        content = read_sequences(save_waves(tmp_path / "waves.npz", gaps=gaps), [Wanted(name) for name in targets])
        split = Split(tuple(range(90)), tuple(range(90, 120)), (), "the first three quarters")
        return Materials(content, split, (), 0, tmp_path, Paces(tmp_path), Silent())

    return make


def small(recipe):
    """A recipe that takes a moment."""
    stages = tuple(msgspec.structs.replace(one, epochs=2, steps_per_epoch=4) for one in recipe.stages)
    arguments = dict(recipe.arguments)
    arguments |= {"filters": (4, 4)} if "filters" in arguments else {}
    arguments |= {"recurrent": 4} if "recurrent" in arguments else {}
    return msgspec.structs.replace(recipe, arguments=arguments, stages=stages)


@pytest.mark.parametrize("rung", LADDERS["sequences"].values(), ids=LADDERS["sequences"])
@pytest.mark.parametrize("target", ["y", "level"])
def test_every_rung_fits_and_answers_from_its_folder(materials, tmp_path, rung, target):
    task = materials(target, gaps=True)
    recipe = small(rung.recipe(Options(), task.dataset))
    model = ways.fit(recipe, task, on_epoch=lambda epoch: None)
    learnware = package.write(model.learnware, model.tensors, tmp_path / "model")
    assert learnware.input == SequenceContract(24, ("wave", "noise"))
    read, tensors = package.read(tmp_path / "model")
    opened = open_model(read, tensors, tmp_path)
    answers = task.answers(task.split.validation, opened.answer(task.content, task.split.validation))
    assert len(answers.paths) == 30 and np.isfinite(answers.figures).all()
    assert answers.known.all()
    if rung.name == "linear" and target == "level":
        assert answers.figures.mean() < 0.1  # the baseline's is about 0.5


def test_means_and_scales_are_of_the_training_part_alone(materials):
    task = materials("y")
    before = scaling_of(task)
    task.content.values[90:] += 1000
    after = scaling_of(task)
    assert before.means.tolist() == after.means.tolist() and before.scales.tolist() == after.scales.tolist()


def test_a_model_refuses_sequences_of_another_form(materials, tmp_path):
    task = materials("y")
    recipe = LADDERS["sequences"]["linear"].recipe(Options(), task.dataset)
    model = ways.fit(recipe, task, on_epoch=lambda epoch: None)
    opened = open_model(model.learnware, model.tensors, tmp_path)
    with pytest.raises(RunError, match="takes sequences of the shape"):
        opened(np.zeros((1, 5, 2), np.float32), np.array([5]))
    with pytest.raises(RunError, match="no usable means and scales of 17 features"):
        open_model(model.learnware, {}, tmp_path)


def test_variants_of_rungs_for_sequences():
    [_, lstm] = select(["recurrent:block=lstm:recurrent=32"], "sequences")
    assert lstm.changes is not None
    with pytest.raises(UsageError, match=r"It is a rung for pictures; this is read as sequences\."):
        select(["features"], "sequences")
    [_, lsmt] = select(["recurrent:block=lsmt"], "sequences")
    with pytest.raises(UsageError, match=r"Block 'lsmt' is not known\. Did you mean 'lstm'\?"):
        lsmt.recipe(Options(), read_nothing())


def read_nothing():
    from starshift.records import Dataset, Example, Target

    examples = (Example("sequence 0", "a", "", ""), Example("sequence 1", "b", "", ""))
    return Dataset("x", "arrays", (Target.of_classes(("a", "b")),), examples, family="sequences")


@pytest.mark.slow
def test_networks_tell_waves_apart_that_have_the_same_mean(materials):
    task = materials("y")
    for name in ("convolution", "recurrent"):
        recipe = LADDERS["sequences"][name].recipe(Options(), task.dataset)
        short = msgspec.structs.replace(recipe, stages=(msgspec.structs.replace(recipe.stages[0], epochs=10),))
        model = ways.fit(short, task, on_epoch=lambda epoch: None)
        opened = open_model(model.learnware, model.tensors, task.cache)
        answers = task.answers(task.split.validation, opened.answer(task.content, task.split.validation))
        assert answers.figures.mean() >= 0.9, name
