"""Protocols from end to end: recipes repeated over folds, groups and time respected."""

from __future__ import annotations

from pathlib import Path

import pytest

import starshift
from discs import draw_set
from starshift.errors import DataError, UsageError
from starshift.ladder import fit as family
from starshift.progress import Silent
from starshift.records import SplitFile, files
from starshift.records.resampled import FoldResult

RUNG = "convnet:epochs=1"


def fit(source: Path, out: Path, **options):
    return starshift.fit(source, out=out, progress=Silent(), **({"rungs": RUNG} | options))


@pytest.fixture
def fitted(monkeypatch) -> list[tuple[str, int]]:
    """Builder and number of training pictures of every fit."""
    done: list[tuple[str, int]] = []
    original = family.fit

    def counted(recipe, materials, **callbacks):
        done.append((recipe.builder, len(materials.split.train)))
        return original(recipe, materials, **callbacks)

    monkeypatch.setattr(family, "fit", counted)
    return done


@pytest.mark.slow
def test_every_recipe_is_fitted_on_all_folds_compared_and_not_fitted_twice(tiny_pictures, tmp_path, fitted):
    run = fit(tiny_pictures, tmp_path / "run", protocol="2-fold")
    baseline, convnet = run.record.rungs
    outside = run.record.data.parts["train"] + run.record.data.parts["validation"]
    assert convnet.resampled.leading.n == baseline.resampled.leading.n == outside
    assert convnet.resampled.protocol == "2 folds"
    assert convnet.recipe_verdict.against == "baseline"
    assert convnet.recipe_verdict.fits == 2
    assert run.record.protocol == (
        f"Recipes were fitted on 2 folds of the {outside} pictures outside the test part, as asked for; their choices "
        "were made by inner folds of each."
    )
    assert "as a recipe, " in run.table[1]["verdict"].lower()
    assert "--protocol 2-fold" in run.record.command
    assert len(fitted) == 2 + 2 * 2

    fitted.clear()
    lines = tmp_path / "run/rungs/convnet+epochs=1/folds.jsonl"
    again = fit(tiny_pictures, tmp_path / "run", protocol="2-fold")
    assert fitted == []
    assert again.record.rungs[1].resampled == convnet.resampled

    lines.write_bytes(lines.read_bytes().splitlines(keepends=True)[0])  # stopped after the first fold
    fit(tiny_pictures, tmp_path / "run", protocol="2-fold")
    assert [builder for builder, _ in fitted] == ["convnet-28px"]
    assert [(one.repeat, one.fold) for one in files.read_lines(lines, FoldResult)] == [(0, 0), (0, 1)]


def test_by_itself_it_repeats_only_what_is_not_trained_step_by_step(tiny_pictures, tmp_path, fitted):
    run = fit(tiny_pictures, tmp_path / "run", rungs="baseline")
    assert run.record.protocol == "Hold-out: each rung was fitted once."
    assert run.record.rungs[0].resampled is None
    assert len(fitted) == 1


def test_hold_out_is_what_it_says(tiny_pictures, tmp_path, fitted):
    run = fit(tiny_pictures, tmp_path / "run", rungs="baseline", protocol="holdout")
    assert run.record.protocol == "Hold-out, as asked for."
    assert len(fitted) == 1


def test_the_baseline_over_folds_is_compared_with_nothing(tiny_pictures, tmp_path):
    run = fit(tiny_pictures, tmp_path / "run", rungs="baseline", protocol="3x2-fold")
    (baseline,) = run.record.rungs
    assert len(baseline.resampled.fold_figures) == 6
    assert baseline.recipe_verdict is None


def test_groups_stay_in_one_part(tmp_path):
    source = draw_set(tmp_path / "tiny")
    names = sorted(path.name for path in source.rglob("*") if path.is_file())
    run = fit(source, tmp_path / "run", rungs="baseline", group_by=r"name:\d\b")
    entries = files.read(tmp_path / "run/splits.json", SplitFile).examples
    parts: dict[str, set[str]] = {}
    for entry in entries:
        parts.setdefault(Path(entry.path).stem[-1], set()).add(entry.part)
    assert len(names) == len(entries)
    assert all(len(found) == 1 for found in parts.values())
    assert run.record.split.endswith(r"groups by name:\d\b kept together")
    assert r"--group-by 'name:\d\b'" in run.record.command


def test_training_is_on_the_earliest_pictures(tmp_path):
    source = draw_set(tmp_path / "tiny")
    run = fit(source, tmp_path / "run", rungs="baseline", order_by=r"name:\d+", protocol="3-fold")
    entries = files.read(tmp_path / "run/splits.json", SplitFile).examples
    times: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for entry in entries:
        times[entry.part].append(int("".join(filter(str.isdigit, Path(entry.path).stem))))
    assert max(times["train"]) < min(times["validation"])
    assert max(times["validation"]) < min(times["test"])
    assert run.record.split == "in time 6:2:2, training on the earliest"
    assert run.record.rungs[0].resampled.protocol == "3 folds"


def test_all_that_is_wrong_with_protocol_and_groups_is_said_at_once(tiny_pictures, tmp_path):
    with pytest.raises(UsageError) as refused:
        fit(tiny_pictures, tmp_path / "run", protocol="five", group_by="folder:x", order_by="name:(")
    said = str(refused.value)
    assert "--protocol is auto, holdout, 5-fold or 10x5-fold" in said
    assert "--group-by folder:x: folder:N counts folders upwards" in said
    assert "--order-by name:(: '(' is no regular expression" in said
    with pytest.raises(UsageError, match=r"--order-by leaves one way to cut them in time\. Give --protocol 5-fold"):
        fit(tiny_pictures, tmp_path / "run", protocol="2x5-fold", order_by="time")
    with pytest.raises(DataError, match="without a value"):
        fit(tiny_pictures, tmp_path / "run", order_by="time")
    assert not (tmp_path / "run").exists()
