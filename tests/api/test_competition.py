"""The file that competitions ask for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from starshift.api.competition import columns_of, written
from starshift.api.predict import Prediction
from starshift.errors import DataError, UsageError
from starshift.records import Target


def learnware(kind="multi-class", classes=("ape", "bee", "cat")):
    return SimpleNamespace(name="features", target=Target("y", kind, classes), classes=classes)


def prediction(file: str, *values: float) -> Prediction:
    return Prediction(file, "ape", values[0], dict(zip(("ape", "bee", "cat"), values, strict=False)))


def test_an_id_and_a_column_per_class(tmp_path):
    given = [prediction("test/a1.jpg", 0.5, 0.25, 0.25), Prediction("b.2.png", reason="The file is empty.")]
    passed = list(written(given, tmp_path / "out.csv", columns_of(learnware())))
    assert passed == given
    assert (tmp_path / "out.csv").read_text() == "id,ape,bee,cat\na1,0.500000,0.250000,0.250000\nb.2,,,\n"


def test_some_classes_alone_and_another_name_for_the_id(tmp_path):
    classes = columns_of(learnware(), ["bee"])
    list(written([prediction("1.jpg", 0.5, 0.25, 0.25)], tmp_path / "out.csv", classes, id_column="name"))
    assert (tmp_path / "out.csv").read_text() == "name,bee\n1,0.250000\n"


def test_classes_that_are_none_and_models_without_classes_are_refused():
    with pytest.raises(UsageError) as caught:
        columns_of(learnware(), ["bea", "dog"])
    assert caught.value.problems[0] == "'bea' is no class of 'features'. Did you mean 'bee'?"
    assert len(caught.value.problems) == 2
    for kind, classes in (("regression", ()), ("string", ("1", "2"))):
        with pytest.raises(UsageError, match="is for models that tell classes; 'features' tells none"):
            columns_of(learnware(kind, classes))


def test_two_files_with_one_id_are_refused_and_nothing_is_written(tmp_path):
    given = [prediction("a/1.jpg", 1.0), prediction("b/1.png", 1.0)]
    with pytest.raises(DataError, match=r"a/1.jpg and b/1.png would have one id, '1'; predict them apart"):
        list(written(given, tmp_path / "out.csv", ["ape"]))
    assert not (tmp_path / "out.csv").exists()
