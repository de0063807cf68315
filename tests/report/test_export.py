from __future__ import annotations

from starshift.records import Estimate
from starshift.records.export import Agreement, ExportRecord
from starshift.report.export import COLUMNS, rows, sentence

SAME = Agreement(400, 1.0, 2e-6, "a.jpg", "dog", ())
RECORD = ExportRecord(
    schema=1,
    format="onnx",
    precision="float32",
    model="pets",
    learnware="ab",
    made_by="a test",
    runtime="onnxruntime 1.32.0",
    file_bytes=8_908_908,
    graph=SAME,
    files=Agreement(400, 0.9975, 0.01, "b.jpg", "cat", ("b.jpg",)),
    here=Agreement(400, 0.995, 0.1, "b.jpg", "cat", ("b.jpg",)),
    metric="accuracy",
    figure=Estimate(0.995, 0.982, 0.999, 400, "Wilson"),
    original=0.9925,
    milliseconds=18.64,
    machine="a laptop",
)


def test_figures_never_come_alone():
    (row,) = rows([RECORD])
    assert len(row) == len(COLUMNS)
    assert row == ("onnx float32", "8.9", "18.6", "2e-06", "100.00%", "99.75%", "99.5% (98.2% to 99.9%)")


def test_the_sentence_says_what_they_rest_on():
    said = sentence([RECORD])
    assert said.startswith("On 400 pictures of the validation part.")
    assert "accuracy; of the original 99.2%" in said or "accuracy; of the original 99.3%" in said
    assert said.endswith("in bfloat16, 99.50% of the answers of onnx float32 are the same.")
