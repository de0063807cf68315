from __future__ import annotations

from starshift.ladder.paces import Paces


def test_what_was_measured_is_remembered(tmp_path):
    Paces(tmp_path / "new").put("step", 0.25)
    assert Paces(tmp_path / "new").get("step") == 0.25
    assert Paces(tmp_path / "new").get("stride") is None


def test_the_latest_measurement_counts(tmp_path):
    paces = Paces(tmp_path)
    paces.put("step", 1.0)
    paces.put("step", 2.0)
    assert Paces(tmp_path).get("step") == 2.0


def test_a_damaged_memory_is_no_memory(tmp_path):
    (tmp_path / "paces.json").write_text('{"step": "fast"')
    paces = Paces(tmp_path)
    assert paces.get("step") is None
    paces.put("step", 1.0)
    assert Paces(tmp_path).get("step") == 1.0
