"""Pictures with labels of every kind, from the label file to the report, on the one rung that takes a moment."""

from __future__ import annotations

import numpy as np
import pytest

import starshift
from starshift.errors import DataError, UsageError
from starshift.progress import Silent

COUNT = 40

TARGETS = {
    "age:regression": "mean absolute error",
    "ripe:share": "mean absolute error",
    "tags:multi-label": "label accuracy",
    "code:string": "accuracy",
    "kind": "accuracy",
}


def labels() -> dict[str, list]:
    rng = np.random.default_rng(1)
    return {
        "kind": ["disc" if i % 2 else "ring" for i in range(COUNT)],
        "age": [f"{value:.2f}" for value in rng.uniform(20, 60, COUNT)],
        "ripe": [f"{value:.3f}" for value in rng.random(COUNT)],
        "tags": [[name for name in ("hat", "wig") if rng.random() < 0.5] for _ in range(COUNT)],
        "code": [str(value) for value in rng.integers(1, 30, COUNT)],
        "place": ["north" if i % 3 else "south" for i in range(COUNT)],
    }


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (COUNT, 24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("target", TARGETS)
def test_a_run_on_each_kind_with_slices_and_its_report(tmp_path, target):
    run = starshift.fit(
        (pixels(), labels()),
        target=target,
        rungs="baseline",
        protocol="holdout",
        slice_by="place",
        out=tmp_path / "run",
        progress=Silent(),
    )
    record = run.record
    assert record.rungs[0].score.leading.metric == TARGETS[target]
    assert record.data.targets[0].name == target.partition(":")[0]
    (found,) = record.slices
    assert (found.by, found.part, {row.value for row in found.rows}) == (
        "column:place",
        "validation",
        {"north", "south"},
    )
    page = run.report.read_text()
    assert "By <bdi>place</bdi>: validation" in page
    again = starshift.Run(tmp_path / "run")
    assert again.render().read_text() == page


def test_what_is_sliced_by_is_looked_for_before_anything_is_climbed(tmp_path):
    with pytest.raises(DataError, match=r"has no column 'plce' \(--slice-by\). Did you mean 'place'"):
        starshift.fit(
            (pixels(), labels()),
            target="kind",
            rungs="baseline",
            slice_by="plce",
            out=tmp_path / "r",
            progress=Silent(),
        )
    with pytest.raises(UsageError, match="--slice-by column:place names a column, which takes a label file"):
        starshift.fit(tiny(tmp_path), rungs="baseline", slice_by="place", out=tmp_path / "r", progress=Silent())


def tiny(folder):
    from discs import draw_set

    return draw_set(folder / "discs", per_class=4)


def test_names_tell_labels_and_slices(tmp_path):
    from PIL import Image

    source = tmp_path / "faces"
    source.mkdir()
    for index, one in enumerate(pixels()):
        Image.fromarray(one).save(source / f"{20 + index}_{'fm'[index % 2]}_{index}.png")
    (source / "39_2017.png").write_bytes((source / "20_f_0.png").read_bytes())
    run = starshift.fit(
        source,
        pattern="{age:int}_{sex}_*.png",
        target="age:regression",
        rungs="baseline",
        slice_by="sex",
        protocol="holdout",
        out=tmp_path / "run",
        progress=Silent(),
    )
    assert run.record.data.layout == "pattern in file names"
    assert run.record.data.set_aside == {"misfit": 1}
    assert any("1 file name of 41 does not fit the pattern" in remark for remark in run.record.data.remarks)
    assert {row.value for row in run.record.slices[0].rows} == {"f", "m"}
    assert "--pattern '{age:int}_{sex}_*.png'" in run.record.command


def test_a_hundred_classes_of_two_pictures_each(tmp_path):
    """No part has a picture of every class, most have one, and nothing crashes."""
    classes = [f"breed {i // 2:03}" for i in range(2 * COUNT)]
    many = np.concatenate([pixels(), pixels()[::-1].transpose(0, 2, 1, 3)])
    run = starshift.fit((many, classes), rungs="baseline", protocol="5-fold", out=tmp_path / "run", progress=Silent())
    score = run.record.rungs[0].score
    assert len(score.classes) == COUNT and score.top_5 is not None
    assert "Top-5 accuracy" in run.report.read_text()
