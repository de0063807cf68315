from __future__ import annotations

from starshift.findings.inspect import inspect
from starshift.records import Dataset, Picture, Target


def test_everything_is_looked_for_and_warnings_come_first():
    def picture(path: str, label: str, digest: str) -> Picture:
        return Picture(path, label, "", digest, 4, 3, "PNG", "RGB", 9)

    many = [picture(f"a/{i}", "a", str(i)) for i in range(30)]
    dataset = Dataset(
        "x", "", (Target.of_classes(("a", "b")),), (*many, picture("a/x", "a", "0"), picture("b/0", "b", "b"))
    )
    found = inspect(dataset)
    assert [finding.kind for finding in found] == ["few pictures", "exact copies", "imbalance"]
    assert [finding.severity for finding in found] == ["warning", "note", "note"]
