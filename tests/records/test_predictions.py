from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import RunError
from starshift.records import (
    LabelsPredictions,
    NumberPredictions,
    Predictions,
    StringPredictions,
    Target,
    answers_for,
    read_answers,
)

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
@settings(deadline=None)
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


# --- other kinds of targets ----------------------------------------------------------------------------

floats = st.floats(allow_nan=False, allow_infinity=False)


def rows(count, values, **settings):
    return st.lists(values, min_size=count, max_size=count, **settings)


@st.composite
def numbers(draw):
    paths = draw(st.lists(names, max_size=5))
    targets = draw(rows(len(paths), floats | st.just(float("nan"))))
    return NumberPredictions(tuple(paths), np.array(targets, float), np.array(draw(rows(len(paths), floats)), float))


@st.composite
def label_sets(draw):
    classes = draw(
        st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=4, unique=True)
    )
    paths = draw(st.lists(names, max_size=5))
    row = rows(len(classes), st.integers(0, 1)) | st.just([-1] * len(classes))
    shape = (len(paths), len(classes))
    return LabelsPredictions(
        tuple(classes),
        tuple(paths),
        np.array(draw(rows(len(paths), row)), np.int8).reshape(shape),
        np.array(draw(rows(len(paths), rows(len(classes), st.floats(0, 1, width=32)))), np.float32).reshape(shape),
    )


@st.composite
def strings(draw):
    paths = draw(st.lists(names, max_size=5))
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
    targets, values = (np.array([*draw(rows(len(paths), text)), None], dtype=object)[:-1] for _ in range(2))
    sure = np.array(draw(rows(len(paths), st.floats(0, 1, width=32))), np.float32)
    return StringPredictions(tuple(paths), targets, values, sure)


KIND_OF = {NumberPredictions: "regression", LabelsPredictions: "multi-label", StringPredictions: "string"}


@given(numbers() | label_sets() | strings())
@settings(deadline=None)
def test_every_kind_of_answer_is_read_as_it_was_written(tmp_path_factory, written):
    file = tmp_path_factory.getbasetemp() / "kinds.csv"
    written.write(file)
    read = read_answers(file, Target("y", KIND_OF[type(written)], getattr(written, "classes", ())))
    assert type(read) is type(written) and read.paths == written.paths
    assert read.same_task(written) and written.same_task(read)
    assert read.known.tolist() == written.known.tolist()
    for name in ("values", "probabilities", "confidence"):
        if hasattr(written, name):
            assert getattr(read, name).tolist() == getattr(written, name).tolist()


def some_of_each():
    paths = ("a", "b", "c")
    return (
        few(),
        NumberPredictions(paths, np.array([1.0, np.nan, 3.0]), np.array([1.5, 2.0, 1.0])),
        LabelsPredictions(
            ("x", "y"), paths, np.array([[1, 0], [-1, -1], [0, 0]], np.int8), np.array([[0.9, 0.6], [0, 0], [0.2, 0.1]])
        ),
        StringPredictions(
            paths, np.array(["12", "", "7"], object), np.array(["12", "1", "1"], object), np.array([0.9, 0.5, 0.8])
        ),
    )


def test_figures_are_what_the_leading_figure_is_the_mean_of():
    classes, numbers, labels, strings = some_of_each()
    assert (classes.figures[:2].tolist(), classes.is_right_or_wrong) == ([1, 0], True)
    assert (numbers.figures[[0, 2]].tolist(), numbers.is_right_or_wrong) == ([0.5, 2.0], False)
    assert (labels.figures[[0, 2]].tolist(), labels.is_right_or_wrong) == ([0.5, 1.0], False)
    assert (strings.figures[[0, 2]].tolist(), strings.is_right_or_wrong) == ([1, 0], True)
    assert [one.leads for one in some_of_each()] == ["accuracy", "mean absolute error", "label accuracy", "accuracy"]
    assert [one.known.tolist() for one in some_of_each()][1:] == [[True, False, True]] * 3


def test_some_of_the_examples_and_other_names():
    for one in some_of_each():
        part = one.chosen(np.array([2, 0]))
        assert part.paths == (one.paths[2], one.paths[0]) and type(part) is type(one)
        assert part.known.tolist() == one.known[[2, 0]].tolist()
        assert one.named(["p", "q", "r"]).paths == ("p", "q", "r")
        assert not any(one.same_task(other) for other in some_of_each() if type(other) is not type(one))


def test_outputs_take_the_form_of_their_target():
    for one, target in zip(
        some_of_each(),
        (
            Target.of_classes(("cat", "dog")),
            Target("y", "regression"),
            Target("y", "multi-label", ("x", "y")),
            Target("y", "string", ("1", "2", "7")),
        ),
        strict=True,
    ):
        outputs = {
            NumberPredictions: lambda a: a.values,
            StringPredictions: lambda a: np.stack([a.values, a.confidence], 1),
        }
        made = answers_for(target, one.paths, one.targets, outputs.get(type(one), lambda a: a.probabilities)(one))
        assert (
            type(made) is type(one)
            and made.same_task(one)
            and np.array_equal(made.figures, one.figures, equal_nan=True)
        )


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("regression", "file,label,predicted\na,1\n"),
        ("regression", "file,label,other\na,1,2\n"),
        ("regression", "file,label,predicted\na,one,2\n"),
        ("multi-label", "file,label,x,y\na,z,0.5,0.5\n"),
        ("string", "file,label,predicted\na,1,1\n"),
        ("string", "file,label,predicted,confidence\na,1,1,high\n"),
    ],
)
def test_damaged_files_of_any_kind_are_refused_in_words(tmp_path, kind, content):
    file = tmp_path / "some.csv"
    file.write_text(content)
    with pytest.raises(RunError, match=r"some.csv does not hold predictions as Starshift writes them"):
        read_answers(file, Target("y", kind, ("x", "y")))
