"""The rung that reads strings: its recipe, and where it is climbed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec
import numpy as np
import pytest

from starshift.compose.opening import open_model
from starshift.data.decode import Frame
from starshift.data.kinds import Wanted
from starshift.data.read import LabelFile, read
from starshift.errors import UsageError
from starshift.ladder import fit as ways
from starshift.ladder.families import select
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.options import Options
from starshift.ladder.paces import Paces
from starshift.ladder.planning import plan
from starshift.ladder.rungs import RUNGS
from starshift.learnware import package
from starshift.progress import Silent
from starshift.records import Dataset, Picture, Split, Target

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "strings.py"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("benchmarks_strings", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pictures(*texts: str) -> Dataset:
    target = Target("text", "string", tuple("0123456789"), "as given")
    examples = tuple(Picture(f"{i}.png", text, "", str(i), 100, 30, "PNG", "L", 9) for i, text in enumerate(texts))
    return Dataset("x", "label file", (target,), examples)


@pytest.mark.parametrize(("text", "size"), [("1", 96), ("123456", 96), ("1234567890", 128), ("1" * 32, 384)])
def test_the_size_follows_the_longest_string(text, size):
    recipe = RUNGS["reader"].recipe(Options(), pictures(text, "12"))
    assert (recipe.builder, recipe.size, recipe.fit) == ("reader", size, "stretch")


def test_a_size_that_is_too_small_is_refused():
    with pytest.raises(UsageError, match="pictures of 32 px have 8 columns, and the longest string takes 9"):
        RUNGS["reader"].recipe(Options(size=32), pictures("11111"))
    with pytest.raises(UsageError, match="multiples of 32 px; --size is 100"):
        RUNGS["reader"].recipe(Options(size=100), pictures("1"))


class Heard(Silent):
    def __init__(self):
        self.sentences = []

    def say(self, sentence):
        self.sentences.append(sentence)


def materials_of(content, folder, progress=None):
    count = len(content.dataset.examples)
    split = Split(tuple(range(count // 2)), tuple(range(count // 2, count)), (), "halves")
    return Materials(content, split, (), 0, folder, Paces(folder), progress or Silent())


class Content:
    def __init__(self, dataset):
        self.dataset = dataset


def test_rungs_that_read_no_strings_are_left_out_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(ways, "predict_seconds", lambda recipe, materials: 1.0)
    heard = Heard()
    task = materials_of(Content(pictures("1", "22", "3", "4")), tmp_path, heard)
    planned = plan(select([]), Options(), task, RunFolder(tmp_path / "run"), None)
    assert [one.rung.name for one in planned] == ["baseline", "reader"]
    assert heard.sentences == [
        "Left out, as they take no target of kind string: convnet, regularized, modern, features, features-augmented, "
        "fine-tuned, ensemble, distilled."
    ]
    with pytest.raises(UsageError) as caught:
        plan(select(["features"]), Options(), task, RunFolder(tmp_path / "run"), None)
    assert caught.value.problems == (
        "features: this rung takes no target of kind string, and 'text' is one; baseline, reader can.",
    )


def test_nobody_hears_of_the_reader_where_classes_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(ways, "predict_seconds", lambda recipe, materials: 1.0)
    heard, dataset = Heard(), pictures("a", "b", "a", "b")
    dataset = msgspec.structs.replace(dataset, targets=(Target.of_classes(("a", "b")),))
    task = materials_of(Content(dataset), tmp_path, heard)
    planned = plan(select([]), Options(), task, RunFolder(tmp_path / "run"), None)
    assert "reader" not in [one.rung.name for one in planned] and not heard.sentences


def test_rows_of_digits(generator):
    digits, values = np.full((10, 8, 8), 16.0), np.arange(10)
    drawn = generator.rows(digits, values, 30, seed=1, shortest=2, longest=4, noise=0.1)
    assert {len(text) for _, text in drawn} == {2, 3, 4}
    assert all(pixels.dtype == np.uint8 and pixels.shape[0] == 30 for pixels, _ in drawn)
    again = generator.rows(digits, values, 30, seed=1, shortest=2, longest=4, noise=0.1)
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(drawn, again, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("recurrent", [0, 8])
def test_a_reader_is_fitted_saved_and_reads_again(generator, tmp_path, recurrent):
    generator.write(tmp_path / "rows", 60, longest=3)
    labels = LabelFile(tmp_path / "rows" / "labels.csv", "file", (Wanted("text", "string"),))
    content = read(tmp_path / "rows", labels=labels, cache=tmp_path)
    task = materials_of(content, tmp_path)
    recipe = RUNGS["reader"].recipe(Options(size=64), task.dataset)
    arguments = {"channels": (4, 4, 4), **({"recurrent": recurrent} if recurrent else {})}
    stage = msgspec.structs.replace(recipe.stages[0], epochs=2, steps_per_epoch=2)
    recipe = msgspec.structs.replace(recipe, arguments=arguments, stages=(stage,))
    model = ways.fit(recipe, task, on_epoch=lambda epoch: None)
    package.write(model.learnware, model.tensors, tmp_path / "model")
    opened = open_model(*package.read(tmp_path / "model"), tmp_path)
    answers = task.answers(task.split.validation, opened.answer(content, task.split.validation))
    assert answers.values.dtype == object and ((answers.confidence >= 0) & (answers.confidence <= 1)).all()
    pixels = content.pixels(Frame(64))[np.array(task.split.validation)]
    assert opened(pixels)[:, 0].tolist() == answers.values.tolist()


def test_strings_are_not_mixed():
    [_, mixed] = select(["reader:augment=strong"])
    with pytest.raises(UsageError, match="Strings cannot be mixed or smoothed"):
        mixed.recipe(Options(), pictures("12", "3"))
