"""Several targets from a label file to predictions, on the baseline alone, which needs no network."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

import starshift
from discs import draw_set
from starshift.api.formats import write
from starshift.api.predict import open_model, predict_each
from starshift.errors import UsageError
from starshift.progress import Silent

TARGETS = ["colour", "size:regression", "tags:multi-label"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    pictures = draw_set(folder / "tiny")
    rows = ["file,colour,size,tags"]
    for row, path in enumerate(sorted(pictures.rglob("*.*"))):
        size = "" if row % 3 == 0 else f"{10 + row % 5}.5"
        rows.append(f"{path.relative_to(pictures)},{path.parent.name},{size},{'cold;loud' if row % 2 else 'loud'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def fitted(labelled, **options):
    return starshift.fit(
        labelled / "tiny",
        labels=labelled / "labels.csv",
        target=TARGETS,
        rungs="baseline",
        progress=Silent(),
        **options,
    )


@pytest.fixture(scope="module")
def run(labelled):
    return fitted(labelled, out=labelled / "run")


def test_every_target_has_a_score_and_its_answers_lie_in_the_folder(run, labelled):
    [baseline] = run.record.rungs
    assert baseline.score.leading.metric == "accuracy"
    assert [head.target for head in baseline.heads] == ["size", "tags"]
    assert [head.score.leading.metric for head in baseline.heads] == ["mean absolute error", "label accuracy"]
    assert baseline.heads[0].score.leading.estimate.n < baseline.score.leading.estimate.n  # some sizes lack
    rung = run.path / "rungs/baseline"
    assert {file.name for file in rung.glob("*.csv")} == {
        "validation.csv",
        "validation.size.csv",
        "validation.tags.csv",
    }
    assert "Mean absolute error of size on the validation part" in (run.path / "model/README.md").read_text()


def test_another_call_keeps_what_is_finished_with_its_heads(run, labelled):
    again = fitted(labelled, out=run.path)
    assert again.record.rungs[0].heads == run.record.rungs[0].heads


def test_predictions_have_a_group_of_columns_for_each_target(run, labelled):
    predictor = open_model(run.path)
    [one] = predict_each(predictor, next((labelled / "tiny/red").iterdir()))
    assert one.label in ("green", "red", "sky") and one.probability > 0.3
    assert one.further["size"].value == pytest.approx(12.5, abs=1) and one.further["size"].probability is None
    assert one.further["tags"].label.startswith("cold|loud") or one.further["tags"].label == "loud"
    stream = StringIO()
    further = predictor.learnware.targets[1:]
    write([one], predictor.learnware.classes, stream, "csv", all_classes=True, further=further)
    [header, cells] = list(csv.reader(StringIO(stream.getvalue())))
    assert header == [
        "file", "label", "probability", "green", "red", "sky", "size", "tags", "tags=cold", "tags=loud", "reason",
    ]  # fmt: skip
    assert cells[6] == one.further["size"].label and len(cells) == len(header)


def test_loss_weights_that_fit_no_targets_are_refused(labelled):
    with pytest.raises(UsageError, match=r"2 loss weights do not fit 3 targets"):
        starshift.fit(
            labelled / "tiny", labels=labelled / "labels.csv", target=TARGETS, rungs="convnet", loss_weights="1,2",
            out=labelled / "never", progress=Silent(),
        )  # fmt: skip
    with pytest.raises(UsageError, match="--loss-weights weigh the losses of several targets; name them"):
        starshift.fit(labelled / "tiny", rungs="convnet", loss_weights="1,2", progress=Silent())
    with pytest.raises(UsageError, match=r"Loss weights 'balance' are not known\. Did you mean 'balanced'"):
        fitted(labelled, loss_weights="balance")


@pytest.mark.parametrize("rung", ["ensemble", "distilled", "from-store"])
def test_rungs_for_one_target_are_refused_by_name(labelled, tmp_path, rung):
    starshift.Store.init(tmp_path / "team") if rung == "from-store" else None
    with pytest.raises(UsageError, match=f"{rung}: this rung takes one target alone, and there are 2; baseline, convn"):
        starshift.fit(
            labelled / "tiny",
            labels=labelled / "labels.csv",
            target=TARGETS[:2],
            rungs=rung,
            store=tmp_path / "team" if rung == "from-store" else None,
            out=tmp_path / "run",
            progress=Silent(),
        )


def test_of_a_whole_ladder_rungs_for_one_target_are_left_out_and_it_is_said(labelled, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(Silent, "say", lambda self, sentence: said.append(sentence))
    monkeypatch.setattr("starshift.ladder.fit.predict_seconds", lambda recipe, materials: 1e9)
    run = starshift.fit(
        labelled / "tiny",
        labels=labelled / "labels.csv",
        target=TARGETS[:2],
        out=tmp_path / "run",
        progress=Silent(),
    )
    assert "Left out, as they take one target alone: ensemble, distilled." in said
    assert not {"ensemble", "distilled", "reader"} & {one.name for one in run.record.rungs}
