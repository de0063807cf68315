"""What is predicted for files of rows, by a linear model that is fitted in a moment."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from starshift.api.predict import open_model
from starshift.api.predict_rows import predict_rows, takes_rows, write_rows
from starshift.data.kinds import Wanted
from starshift.data.tables import read_table
from starshift.errors import DataError, RunError, UsageError
from starshift.ladder import fit as ways
from starshift.ladder import tables
from starshift.ladder.materials import Materials
from starshift.ladder.options import Options
from starshift.ladder.paces import Paces
from starshift.learnware import package
from starshift.progress import Silent
from starshift.records import Split
from tabular import COLUMNS, houses, write


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders with models of price, of sort, and of both."""
    folder = tmp_path_factory.mktemp("models")
    file = write(folder / "houses.csv", houses())
    found = {}
    for name, targets in {"price": ["price"], "sort": ["sort"], "both": ["sort", "price"]}.items():
        table = read_table(file, [Wanted(target) for target in targets])
        split = Split(tuple(range(90)), tuple(range(90, 120)), (), "given")
        materials = Materials(table, split, (), 0, folder, Paces(folder), Silent())
        model = ways.fit(tables.linear(Options(), table.dataset), materials, on_epoch=lambda epoch: None)
        package.write(model.learnware, model.tensors, folder / name)
        found[name] = folder / name
    return found


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "new.csv", [row[:5] for row in houses(30, seed=2)], COLUMNS[:5])


def written(model, file, form, **options):
    stream = StringIO()
    said = write_rows(model, [file], stream, form, **options)
    return stream.getvalue(), said


def test_the_file_comes_back_with_columns_added(models, file):
    file = _with_price(file)
    text, said = written(models["sort"], file, "csv")
    rows = list(csv.reader(StringIO(text)))
    given = list(csv.reader(StringIO(file.read_text())))
    assert rows[0] == [*COLUMNS[:6], "predicted", "probability"]
    assert [row[:6] for row in rows] == given and {row[6] for row in rows[1:]} == {"big", "small"}
    assert all(0.5 <= float(row[7]) <= 1 for row in rows[1:]) and said == []


def test_a_number_has_no_probability(models, file):
    text, _ = written(models["price"], _with_sort(file), "csv")
    rows = list(csv.reader(StringIO(text)))
    assert rows[0][-2:] == ["sort", "predicted"] and 20 < float(rows[1][-1]) < 90


def _with_sort(file):
    rows = [[*row[:5], row[6]] for row in houses(30, seed=2)]
    return write(file.parent / "with_sort.csv", rows, (*COLUMNS[:5], "sort"))


def test_every_class_gets_a_column(models, file):
    text, _ = written(models["sort"], _with_price(file), "csv", all_classes=True)
    rows = list(csv.reader(StringIO(text)))
    assert rows[0][-4:] == ["predicted", "probability", "probability of big", "probability of small"]
    assert float(rows[1][-2]) + float(rows[1][-1]) == pytest.approx(1, abs=1e-5)


def _with_price(file):
    return write(file.parent / "with_price.csv", [row[:6] for row in houses(30, seed=2)], COLUMNS[:6])


def test_each_target_gets_its_columns(models, file):
    text, _ = written(models["both"], file, "csv")
    header = text.splitlines()[0].split(",")
    assert header[5:] == ["predicted", "probability", "predicted price"]


def test_columns_of_the_file_keep_their_names(models, tmp_path):
    rows = [[*row[:5], "x"] for row in houses(5)]
    file = write(tmp_path / "t.csv", rows, (*COLUMNS[:5], "predicted"))
    text, _ = written(models["both"], file, "csv")
    assert text.splitlines()[0].split(",")[5:] == ["predicted", "predicted 2", "probability", "predicted price"]


def test_json_and_lines(models, file):
    objects = json.loads(written(models["both"], file, "json")[0])
    assert len(objects) == 30 and objects[0]["id"] == "n0000x" and isinstance(objects[0]["predicted price"], float)
    lines = written(models["both"], file, "table")[0].splitlines()
    assert lines[0].split() == ["row", "predicted", "probability", "predicted", "price"] and lines[1].split()[0] == "2"


def test_rows_as_dicts(models, file):
    first = next(predict_rows(models["sort"], _with_price(file)))
    assert first["colour"] in ("red", "green", "blue") and first["predicted"] in ("big", "small")


def test_lacking_columns_are_named_all_at_once(models, tmp_path):
    file = write(tmp_path / "t.csv", [["1", "2"]], ("siz", "day"))
    with pytest.raises(DataError) as raised:
        written(models["both"], file, "csv")
    assert list(raised.value.problems) == [
        "'t.csv' lacks the column 'size', which the model looks at. Did you mean 'siz'?",
        "'t.csv' lacks the column 'colour', which the model looks at. Known: siz, day.",
        "'t.csv' lacks the column 'paid', which the model looks at. Known: siz, day.",
    ]


def test_what_training_never_saw_is_told(models, tmp_path):
    rows = [row[:5] for row in houses(6, seed=2)]
    rows[0][2], rows[1][3] = "violet", ""
    said = written(models["both"], write(tmp_path / "t.csv", rows, COLUMNS[:5]), "csv")[1]
    assert said == [
        "In 1 row 'colour' is of a category that training had not, or too rarely, and taken for any other ('violet').",
        "In 1 row 'paid' is missing, which it never was in training: answered as if it were average.",
    ]


def test_the_delimiter_stays(models, tmp_path):
    file = write(tmp_path / "t.tsv", [row[:5] for row in houses(3)], COLUMNS[:5], delimiter="\t")
    assert written(models["both"], file, "csv")[0].splitlines()[0].split("\t")[-1] == "predicted price"


def test_a_header_alone_comes_back_as_a_header(models, tmp_path):
    file = write(tmp_path / "t.csv", [], COLUMNS[:5])
    assert len(written(models["both"], file, "csv")[0].splitlines()) == 1
    assert json.loads(written(models["both"], file, "json")[0]) == []


def test_files_are_one_and_forms_are_known(models, file):
    with pytest.raises(UsageError, match="one file of rows at a time; 2 came"):
        write_rows(models["both"], [file, file], StringIO(), "csv")
    with pytest.raises(UsageError, match=r"Format 'cvs' is not known. Did you mean 'csv'"):
        write_rows(models["both"], [file], StringIO(), "cvs")


def test_a_model_without_thresholds_cannot_be_asked_to_be_sure(models, file):
    with pytest.raises(RunError, match="has no thresholds"):
        written(models["sort"], _with_price(file), "csv", sure=0.95)


def test_a_model_of_rows_takes_no_pictures(models):
    assert takes_rows(models["price"])
    with pytest.raises(UsageError, match=r"takes no pictures. For a file of rows: starshift.predict_rows"):
        open_model(models["price"])


def test_the_most_probable_classes_and_json_lines(models, file):
    text, _ = written(models["both"], file, "jsonl", top=2)
    first = json.loads(text.splitlines()[0])
    assert len(text.splitlines()) == 30
    assert [first["top 1"], first["top 1 probability"]] == [first["predicted"], first["probability"]]
    assert first["top 1 probability"] + first["top 2 probability"] == pytest.approx(1)
    rows = list(csv.DictReader(StringIO(written(models["both"], file, "csv", top=1)[0])))
    assert all(row["top 1"] == row["predicted"] for row in rows) and "top 1 price" not in rows[0]
    with pytest.raises(UsageError, match=r"--top is a number from 1 to 2, .* 3 came"):
        written(models["sort"], file, "csv", top=3)
    with pytest.raises(UsageError, match="--top is for models that tell classes or labels"):
        written(models["price"], file, "csv", top=1)


def test_below_a_threshold_nothing_is_predicted(models, file):
    plain = list(predict_rows(models["sort"], _with_price(file)))
    middle = sorted(row["probability"] for row in plain)[15]
    found = list(predict_rows(models["sort"], _with_price(file), threshold=middle))
    assert [row["predicted"] for row in found] == [
        row["predicted"] if row["probability"] >= middle else "" for row in plain
    ]
    with pytest.raises(UsageError, match="--threshold is for models that tell classes"):
        list(predict_rows(models["price"], _with_sort(file), threshold=0.9))
