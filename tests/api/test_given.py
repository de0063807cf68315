"""Arrays and DataFrames as a source: written down once, and read as files are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from starshift.api.check import check
from starshift.api.given import as_files
from starshift.errors import DataError, UsageError


def pixels(count: int = 8, shape: tuple[int, ...] = (20, 24, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, *shape), dtype=np.uint8)


def test_a_path_stays_as_it_is(tmp_path):
    assert as_files(str(tmp_path), "l.csv", "file") == (tmp_path, "l.csv", "file")


def test_arrays_are_read_as_pictures_with_their_labels():
    given = (pixels(), list("aabbaabb"))
    dataset = check(given).dataset
    assert [one.label for one in dataset.pictures] == list("aabbaabb")
    assert (dataset.pictures[0].width, dataset.pictures[0].height) == (24, 20)
    assert as_files(given) == as_files(given)


def test_grey_pictures_and_several_targets():
    labels = {
        "kind": list("abababab"),
        "age": [1.5, None, 3, 4, 5, 6, 7, float("nan")],
        "tags": [["x"], ["x", "y"]] * 4,
    }
    dataset = check((pixels(shape=(9, 9)), labels), target=["kind", "age:regression", "tags"]).dataset
    assert [(one.name, one.kind) for one in dataset.targets] == [
        ("kind", "binary"), ("age", "regression"), ("tags", "multi-label"),
    ]  # fmt: skip
    assert dataset.further["age"][:3] == ("1.5", "", "3.0")
    assert dataset.further["tags"][:2] == ("x", "x|y")
    assert len(check((pixels(shape=(9, 9, 1)), list("abababab"))).dataset.pictures) == 8


def test_a_frame_with_a_column_of_paths(tiny_pictures):
    paths = sorted(str(path) for path in tiny_pictures.rglob("*.png"))
    frame = pd.DataFrame({"path": paths, "kind": [path.split("/")[-2] for path in paths], "other": 1})
    dataset = check(frame, file_column="path", target="kind").dataset
    assert len(dataset.pictures) == len(paths) and dataset.layout == "label file"
    with pytest.raises(DataError, match=r"no column 'file'. Its columns: 'path', 'kind', 'other'"):
        as_files(frame, file_column="file")
    with pytest.raises(DataError, match="1 of 1 files are not there"):
        as_files(pd.DataFrame({"path": ["gone.png"], "kind": ["a"]}), file_column="path")


def test_a_frame_is_a_table():
    found = as_files(pd.DataFrame({"x": [1.5, None], "y": ["a, b", "c"]}))
    assert found.source.name.startswith("frame-") and found.source.suffix == ".csv" and found.labels is None
    assert found.source.read_text() == 'x,y\n1.5,"a, b"\n,c\n'


def test_what_is_no_source_says_what_is():
    with pytest.raises(UsageError, match=r"a path, \(pixels, labels\) or a DataFrame; ndarray came"):
        as_files(pixels())
    with pytest.raises(UsageError, match="bring their labels themselves"):
        as_files((pixels(), list("ab" * 4)), labels="l.csv")
    with pytest.raises(DataError) as caught:
        as_files((pixels().astype(float), {"file": [1], "b": [2] * 8}))
    assert caught.value.problems == (
        "Pixels must be uint8, 0 to 255; float64 came. Scale them, then .astype('uint8').",
        "There are 8 pictures and 1 labels of 'file'; give one for each.",
        "A target cannot be called 'file'; rename it.",
    )
    with pytest.raises(DataError, match=r"Pixels must be .* \(2, 2\) came"):
        as_files((np.zeros((2, 2), np.uint8), [1, 2]))
