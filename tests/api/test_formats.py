from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from starshift.api.formats import FORMATS, write
from starshift.api.predict import Prediction
from starshift.errors import UsageError

SOME = [
    Prediction("a.jpg", "cat", 0.91, {"cat": 0.91, "dog, wolf": 0.09}),
    Prediction('odd "name",\n.png', "dog, wolf", 0.75, {"cat": 0.25, "dog, wolf": 0.75}),
    Prediction("bad\udce9.jpg", reason="It ends too early."),
]
CLASSES = ["cat", "dog, wolf"]


def written(form: str, predictions=SOME, *, all_classes: bool = False) -> str:
    stream = StringIO()
    unread = write(iter(predictions), CLASSES, stream, form, all_classes=all_classes)
    assert unread == sum(bool(one.reason) for one in predictions)
    text = stream.getvalue()
    text.encode()  # can be printed anywhere
    return text


def test_csv_has_a_line_per_file_and_the_reason_last():
    assert written("csv").splitlines() == [
        "file,label,probability,reason",
        "a.jpg,cat,0.910000,",
        '"odd ""name"",\\n.png","dog, wolf",0.750000,',
        "bad\\xe9.jpg,,,It ends too early.",
    ]


def test_csv_with_all_classes_has_a_column_for_each():
    rows = list(csv.DictReader(StringIO(written("csv", all_classes=True))))
    assert list(rows[0]) == ["file", "label", "probability", "cat", "dog, wolf", "reason"]
    assert (rows[1]["cat"], rows[1]["dog, wolf"]) == ("0.250000", "0.750000")
    assert rows[2]["cat"] == ""


def test_json_is_one_list_of_objects():
    assert json.loads(written("json")) == [
        {"file": "a.jpg", "label": "cat", "probability": 0.91},
        {"file": 'odd "name",\\n.png', "label": "dog, wolf", "probability": 0.75},
        {"file": "bad\\xe9.jpg", "reason": "It ends too early."},
    ]
    assert json.loads(written("json", all_classes=True))[0]["probabilities"] == {"cat": 0.91, "dog, wolf": 0.09}


@pytest.mark.parametrize(
    ("form", "empty"), [("json", "[]\n"), ("csv", "file,label,probability,reason\n"), ("table", "")]
)
def test_no_predictions_are_still_well_formed(form, empty):
    assert written(form, []) == empty


def test_the_table_has_a_line_per_file():
    lines = written("table").splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["cat", "91.0%", "a.jpg"]
    assert lines[2].startswith("—") and lines[2].endswith("bad\\xe9.jpg: It ends too early.")
    assert "cat 0.910  dog, wolf 0.090" in written("table", all_classes=True).splitlines()[0]


def test_an_unknown_format_gets_a_guess():
    with pytest.raises(UsageError, match=r"Format 'jsn' is not known. Did you mean 'json'\?"):
        write([], CLASSES, StringIO(), "jsn", all_classes=False)
    assert set(FORMATS) == {"table", "csv", "json"}


def test_a_picture_that_it_is_not_sure_enough_of_has_no_label_and_keeps_its_probability():
    unsure = [Prediction("a.jpg", "", 0.61, {"cat": 0.61, "dog, wolf": 0.39})]
    assert written("table", unsure).split("  ")[0] == "don't know"
    assert "61.0%" in written("table", unsure)
    assert written("csv", unsure).splitlines()[1] == "a.jpg,,0.610000,"
    assert json.loads(written("json", unsure)) == [{"file": "a.jpg", "label": "", "probability": 0.61}]
