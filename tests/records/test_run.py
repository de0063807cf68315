"""Tests of run.json: what older versions wrote can still be read and shown."""

from __future__ import annotations

import msgspec
from msgspec import structs

from report.fake_run import fake_run
from starshift.records import RunRecord
from starshift.report.render import render

FIRST = {
    "name",
    "status",
    "key",
    "reason",
    "description",
    "predicted_seconds",
    "seconds",
    "score",
    "verdict",
    "diagnosis",
    "details",
    "nondeterministic",
}
"""What a rung's record had in the first version."""


def test_a_run_json_that_lacks_what_came_later_is_read_and_reported() -> None:
    fake = fake_run()
    later = {field.name for field in structs.fields(RunRecord) if not field.required}
    raw = msgspec.to_builtins(fake.run)
    old = {name: value for name, value in raw.items() if name not in later}
    old["rungs"] = [{name: value for name, value in rung.items() if name in FIRST} for rung in raw["rungs"]]
    old["data"].pop("facts")
    read = msgspec.json.decode(msgspec.json.encode(old), type=RunRecord)
    assert [rung.score for rung in read.rungs] == [rung.score for rung in fake.run.rungs]
    assert all(rung.ensemble is rung.cost is rung.distilled is None for rung in read.rungs)
    fake.run = read
    assert "features" in render(fake.view())
