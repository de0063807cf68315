"""What is no picture is never called one: every family from the source to the report, by its own noun."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import some_texts
import starshift
import tabular
from starshift.cli.tables import show_run
from starshift.progress import Silent
from starshift.records import NOUNS, Family
from waves import waves

TARGETS: dict[Family, str] = {"table": "sort", "texts": "label", "sequences": "y"}


def write(family: Family, folder: Path) -> Path:
    """A source of two classes."""
    if family == "texts":
        return some_texts.write(folder)
    if family == "sequences":
        values, _, levels = waves(80)
        np.savez(folder / "waves.npz", x=values, y=np.where(levels > 0, "high", "low"))
        return folder / "waves.npz"
    rows = [[*row[:5], row[6]] for row in tabular.houses(60)]
    return tabular.write(folder / "houses.csv", rows, (*tabular.COLUMNS[:5], "sort"))


class Heard(Silent):
    """What was said."""

    def __init__(self) -> None:
        self.text = ""

    def say(self, sentence: str) -> None:
        self.text += sentence + "\n"


@pytest.mark.parametrize("family", TARGETS)
def test_a_run_speaks_of_its_own_examples_alone(family, tmp_path, capsys):
    heard = Heard()
    run = starshift.fit(
        write(family, tmp_path),
        target=TARGETS[family],
        family=family,
        rungs="linear",
        out=tmp_path / "run",
        protocol="2-fold",
        retrain_on_all=True,  # whose notes are longest
        progress=heard,
    )
    show_run(run)
    page = re.sub(r"<style.*?</style>", "", (run.path / "report.html").read_text(), flags=re.DOTALL)
    record = (run.path / "run.json").read_text().replace('"pictures":', "")  # a field of the retrained model's record
    said = {
        "progress": heard.text,
        "terminal": capsys.readouterr().out,
        "report": page,
        "record": record,
        "cards": "".join(file.read_text() for file in run.path.rglob("README.md")),
        "learnware": "".join(file.read_text() for file in run.path.rglob("learnware.json")),
    }
    assert {where: re.findall(r".{0,60}picture.{0,40}", text) for where, text in said.items()} == {
        where: [] for where in said
    }
    noun = NOUNS[family]
    assert f"bootstrap over {noun}s, 1000 draws" in run.record.calibration.temperature.log_loss.method
    assert f"fewer than 100 {noun}s" in run.record.calibration.temperature.brier_change.method
    assert f"{noun}s outside the test part" in run.record.protocol
    assert f"training and validation {noun}s together" in heard.text
