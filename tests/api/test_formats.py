from __future__ import annotations

import csv
import json
from io import StringIO
from types import SimpleNamespace

import pytest

from starshift.api.formats import FORMATS, check_top, write
from starshift.api.predict import Answer, Prediction
from starshift.api.predict_rows import WRITERS
from starshift.cli.predict import Format
from starshift.errors import UsageError
from starshift.records import Target

SOME = [
    Prediction("a.jpg", "cat", 0.91, {"cat": 0.91, "dog, wolf": 0.09}),
    Prediction('odd "name",\n.png', "dog, wolf", 0.75, {"cat": 0.25, "dog, wolf": 0.75}),
    Prediction("bad\udce9.jpg", reason="It ends too early."),
]
CLASSES = ["cat", "dog, wolf"]


def written(form: str, predictions=SOME, *, all_classes: bool = False, **options) -> str:
    stream = StringIO()
    unread = write(iter(predictions), CLASSES, stream, form, all_classes=all_classes, **options)
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


def test_json_lines_are_the_same_objects_without_a_list():
    for options in ({}, {"all_classes": True}, {"top": 2}):
        lines = written("jsonl", **options).splitlines()
        assert [json.loads(line) for line in lines] == json.loads(written("json", **options))


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_written_while_predictions_come(form):
    stream = StringIO()

    def coming():
        for one in SOME:
            before = len(stream.getvalue())
            yield one
            assert len(stream.getvalue()) > before

    write(coming(), CLASSES, stream, form, all_classes=False)


@pytest.mark.parametrize(
    ("form", "empty"), [("json", "[]\n"), ("jsonl", ""), ("csv", "file,label,probability,reason\n"), ("table", "")]
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
    assert set(FORMATS) == {"table", "csv", "json", "jsonl"} == set(WRITERS) == set(Format)


def test_a_picture_that_it_is_not_sure_enough_of_has_no_label_and_keeps_its_probability():
    unsure = [Prediction("a.jpg", "", 0.61, {"cat": 0.61, "dog, wolf": 0.39})]
    assert written("table", unsure).split("  ")[0] == "don't know"
    assert "61.0%" in written("table", unsure)
    assert written("csv", unsure).splitlines()[1] == "a.jpg,,0.610000,"
    assert json.loads(written("json", unsure)) == [{"file": "a.jpg", "label": "", "probability": 0.61}]


THREE = [
    Prediction("a.jpg", "cat", 0.5, {"ape": 0.2, "cat": 0.5, "dog": 0.3}),
    Prediction("b.jpg", "", 0.4, {"ape": 0.4, "cat": 0.3, "dog": 0.3}),
    Prediction("c.jpg", reason="It ends too early."),
]


def test_the_most_probable_classes_come_in_order_with_their_probabilities():
    assert THREE[0].top(2) == [("cat", 0.5), ("dog", 0.3)]
    assert THREE[1].top(9) == [("ape", 0.4), ("cat", 0.3), ("dog", 0.3)]
    assert THREE[2].top(2) == []
    assert written("csv", THREE, top=2).splitlines() == [
        "file,label,probability,top 1,top 1 probability,top 2,top 2 probability,reason",
        "a.jpg,cat,0.500000,cat,0.500000,dog,0.300000,",
        "b.jpg,,0.400000,ape,0.400000,cat,0.300000,",
        "c.jpg,,,,,,,It ends too early.",
    ]
    first, second, third = json.loads(written("json", THREE, top=2))
    assert first["top"] == [{"label": "cat", "probability": 0.5}, {"label": "dog", "probability": 0.3}]
    assert [one["label"] for one in second["top"]] == ["ape", "cat"] and "top" not in third


def test_the_table_says_what_the_label_does_not_say_already():
    first, second, _ = written("table", THREE, top=2).splitlines()
    assert first.split("  ")[-3:] == [" 50.0%", "dog 30.0%", "a.jpg"]
    assert second.startswith("don't know") and second.endswith("  ape 40.0%  cat 30.0%  b.jpg")


def test_further_targets_have_theirs_as_far_as_they_have_classes():
    colour, age = Target.of_classes(("red", "sky"), "colour"), Target("age", "regression")
    further = {"colour": Answer("sky", 0.75, {"red": 0.25, "sky": 0.75}), "age": Answer("7", value=7.0)}
    one = [Prediction("a.jpg", "cat", 0.5, {"ape": 0.2, "cat": 0.5, "dog": 0.3}, further=further)]
    (row,) = csv.DictReader(StringIO(written("csv", one, top=3, further=[colour, age])))
    assert [name for name in row if name.startswith(("colour", "age"))] == [
        "colour",
        "colour probability",
        "colour top 1",
        "colour top 1 probability",
        "colour top 2",
        "colour top 2 probability",
        "age",
    ]
    assert (row["colour top 2"], row["top 3"]) == ("red", "ape")
    (plain,) = json.loads(written("json", one, top=3, further=[colour, age]))
    assert [each["label"] for each in plain["targets"]["colour"]["top"]] == ["sky", "red"]
    assert plain["targets"]["age"] == {"value": 7.0}
    assert "  colour sky  red 25.0%  age 7  a.jpg" in written("table", one, top=3, further=[colour, age])


def learnware(*targets: Target) -> SimpleNamespace:
    return SimpleNamespace(name="a model", target=targets[0], targets=targets)


def test_top_is_from_one_to_the_number_of_classes():
    model = learnware(Target.of_classes(("ape", "cat", "dog")))
    assert [check_top(model, top) for top in (None, 1, 3)] == [0, 1, 3]
    for top in (-1, 0, 4):
        with pytest.raises(UsageError, match=f"--top is a number from 1 to 3, the classes of 'a model'; {top} came"):
            check_top(model, top)
    assert check_top(learnware(Target("tags", "multi-label", ("a", "b"))), 2) == 2


@pytest.mark.parametrize("target", [Target("age", "regression"), Target("plate", "string", ("1", "2"))])
def test_what_tells_no_classes_has_no_top(target):
    with pytest.raises(UsageError, match="--top is for models that tell classes or labels; 'a model' tells none"):
        check_top(learnware(target), 1)
