"""A rung of the user's own, from `fit` to `predict`."""

from __future__ import annotations

import json

import pytest

import starshift
from own_parts import certainty, one_conv, squared
from starshift.data.cache import cache_root
from starshift.errors import RunError, UsageError
from starshift.learnware import package
from starshift.progress import Silent


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def mine(**changes) -> starshift.OwnRung:
    stage = starshift.Stage(optimizer="adam", learning_rate=0.03, batch_size=8, epochs=20)
    given = {"build": one_conv, "size": 24, "stages": (stage,), "loss": squared, "metrics": ["auc", certainty]}
    return starshift.OwnRung("mine", **given | changes)


@pytest.mark.slow
def test_a_rung_of_ones_own_is_climbed_kept_and_asked(finished_pictures, tmp_path, monkeypatch):
    out = tmp_path / "run"
    run = starshift.fit(finished_pictures, rungs=[mine()], out=out, progress=Silent())

    baseline, record = run.record.rungs
    assert (baseline.name, record.name, record.status, record.builder) == ("baseline", "mine", "finished", "own")
    assert record.score.accuracy.value > baseline.score.accuracy.value
    assert record.details["own builder"].startswith(f"one_conv of own_parts, {one_conv.__code__.co_filename}, SHA-256 ")
    assert record.details["own loss"].startswith("squared of own_parts, ")
    assert run.record.command.endswith("  # and from Python: mine " + run.record.command.rpartition("mine ")[2])
    assert " --rungs baseline --out " in run.record.command and "own_parts:one_conv#" in run.record.command
    epochs = [json.loads(line) for line in (out / "rungs/mine/history.jsonl").read_text().splitlines()]
    assert [set(epoch["metrics"]) for epoch in epochs] == [{"auc", "certainty"}] * 20
    assert "; validation auc " in run.report.read_text(encoding="utf-8")

    learnware, _ = package.read(out / "model")
    assert [part.kind for part in learnware.own] == ["builder", "loss", "metric"]
    assert learnware.unshareable == "it was made with code of the user's own, which does not travel with it"
    assert "- Not for sharing: it was made with code" in (out / "model/README.md").read_text(encoding="utf-8")

    # The converted form is in the cache, so that the function is not needed.
    answers = [one.probabilities for one in run.predict(finished_pictures / "red")]

    heard = Heard()  # neither asked for, nor given: it is kept
    again = starshift.fit(finished_pictures, rungs="baseline", out=out, progress=heard)
    assert again.record.chosen == "mine" and "mine is finished already; kept." in heard.sentences

    with pytest.raises(RunError, match=r"To train this rung again, own_parts:one_conv#\w+ and own_parts:squared#"):
        starshift.fit(finished_pictures, rungs="baseline", out=out, retrain_on_all=True, progress=Silent())

    heard = Heard()
    starshift.fit(finished_pictures, rungs=[mine()], out=out, progress=heard)
    assert "mine is finished already; kept." in heard.sentences

    heard = Heard()  # another loss makes it another rung, whatever its name
    starshift.fit(finished_pictures, rungs=[mine(loss=None)], out=out, progress=heard)
    assert "mine is finished already; kept." not in heard.sentences

    # On another machine, there is no converted form.
    starshift.fit(finished_pictures, rungs=[mine()], out=out, progress=Silent())
    monkeypatch.setenv("STARSHIFT_CACHE", str(tmp_path / "elsewhere"))
    assert cache_root() == tmp_path / "elsewhere"
    with pytest.raises(RunError) as caught:
        run.predict(finished_pictures / "red")
    said = str(caught.value)
    assert f"was built by the user's own function one_conv in {one_conv.__code__.co_filename}" in said
    assert said.endswith("starshift.predict(RUN, PHOTOS, build=one_conv).")
    rebuilt = [one.probabilities for one in run.predict(finished_pictures / "red", build=one_conv)]
    assert len(rebuilt) == len(answers)
    with pytest.raises(RunError, match=r"The source of squared is not that of one_conv in .*fit again"):
        run.predict(finished_pictures / "red", build=squared)


@pytest.mark.slow
def test_retraining_on_all_needs_no_more_than_the_function(finished_pictures, tmp_path):
    run = starshift.fit(finished_pictures, rungs=[mine()], out=tmp_path / "run", retrain_on_all=True, progress=Silent())
    assert run.record.retrained.rung == "mine" and run.record.test.retrained


@pytest.mark.slow
def test_a_loss_of_ones_own_on_a_rung_of_the_ladder_is_compared_with_it(finished_pictures, tmp_path):
    rung = starshift.OwnRung("squared", like="convnet:epochs=2", loss=squared)
    run = starshift.fit(finished_pictures, rungs=["convnet:epochs=2", rung], out=tmp_path / "run", progress=Silent())
    record = run.record.rungs[-1]
    assert (record.name, record.builder, record.verdict.against) == ("squared", "convnet-28px", "convnet:epochs=2")
    assert "loss own_parts:squared" in record.details["training"]
    assert package.read(run.path / "rungs/squared/model")[0].unshareable


def test_networks_are_refused_in_words_before_anything_is_trained(finished_pictures, tmp_path):
    def nothing(input_shape, classes):
        return "a network"

    def flat(targets, outputs):
        return (targets - outputs) ** 2

    rungs = [mine(build=nothing), starshift.OwnRung("other", like="convnet", loss=flat)]
    with pytest.raises(UsageError) as caught:
        starshift.fit(finished_pictures, rungs=rungs, out=tmp_path / "run", progress=Silent())
    assert caught.value.problems == (
        "mine: nothing: It gave a str; a keras.Model is needed, such as keras.Model(inputs, outputs).",
        "other: The loss flat gives the shape (8, 3) for 8 pictures; one number for each is needed, (8,). Take the "
        "mean over the last axis only.",
    )
    assert not (tmp_path / "run").exists()


def test_a_model_of_ours_takes_no_builder(finished_run, finished_pictures):
    with pytest.raises(RunError, match=r"is built by 'convnet-28px' of Starshift; it takes no build\."):
        starshift.predict(finished_run.path, finished_pictures / "red", build=one_conv)
