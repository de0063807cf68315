"""Everything that is looked for in a data set, in one call."""

from __future__ import annotations

from starshift.findings import duplicates, imbalance
from starshift.records import Dataset, Finding


def inspect(dataset: Dataset) -> tuple[Finding, ...]:
    """Findings on a data set, warnings first; it looks at files and labels, not at pixels."""
    found = [*duplicates.findings(dataset), *imbalance.findings(dataset)]
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))
