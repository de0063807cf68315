from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.errors import RunError
from starshift.records import Predictions

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@st.composite
def predictions(draw):
    classes = draw(st.lists(names, min_size=2, max_size=4, unique=True))
    count = draw(st.integers(0, 5))
    row = st.lists(st.floats(0, 1, width=32), min_size=len(classes), max_size=len(classes))
    return Predictions(
        tuple(classes),
        tuple(draw(st.lists(names, min_size=count, max_size=count))),
        np.array(draw(st.lists(st.integers(-1, len(classes) - 1), min_size=count, max_size=count)), np.int64),
        np.array(draw(st.lists(row, min_size=count, max_size=count)), np.float32).reshape(count, len(classes)),
    )


@given(predictions())
def test_csv_gives_back_every_name_and_every_bit(tmp_path_factory, written):
    file = tmp_path_factory.getbasetemp() / "round-trip.csv"
    written.write(file)
    read = Predictions.read(file)
    assert read.classes == written.classes
    assert read.paths == written.paths
    assert read.targets.tolist() == written.targets.tolist()
    assert read.probabilities.dtype == np.float32
    assert read.probabilities.tobytes() == written.probabilities.tobytes()


def few() -> Predictions:
    return Predictions(
        ("cat", "dog"),
        ("a.jpg", "b.jpg", "c.jpg"),
        np.array([0, 0, -1]),
        np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]], np.float32),
    )


def test_predicted_confidence_and_right_go_row_by_row():
    assert few().predicted.tolist() == [0, 1, 0]
    np.testing.assert_allclose(few().confidence, [0.9, 0.75, 0.5])
    assert few().right.tolist() == [True, False, False]


def test_the_file_can_be_read_by_any_spreadsheet(tmp_path):
    few().write(tmp_path / "some.csv")
    assert (tmp_path / "some.csv").read_text().splitlines() == [
        "file,label,cat,dog",
        "a.jpg,cat,0.899999976,0.100000001",
        "b.jpg,cat,0.25,0.75",
        "c.jpg,,0.5,0.5",
    ]


def test_a_stop_while_writing_leaves_no_half_file(tmp_path, monkeypatch):
    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        few().write(tmp_path / "some.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "file,label,cat,dog\na.jpg,bird,0.5,0.5\n",
        "file,label,cat,dog\na.jpg,cat,0.5\n",
        "file,label,cat,dog\na.jpg,cat,0.5,high\n",
        "file,label,cat,dog\na.jpg\n",
        "a,b\n",
    ],
)
def test_a_damaged_file_is_refused_in_words(tmp_path, content):
    file = tmp_path / "some.csv"
    file.write_text(content)
    with pytest.raises(RunError, match=r"some.csv does not hold predictions as Starshift writes them"):
        Predictions.read(file)


def test_a_file_that_is_not_there_is_said_in_words(tmp_path):
    with pytest.raises(RunError, match=r"none.csv cannot be read: No such file or directory"):
        Predictions.read(tmp_path / "none.csv")
