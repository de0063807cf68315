"""Everything that is looked for in a data set, in one call."""

from __future__ import annotations

from collections.abc import Sequence

from starshift.findings import duplicates, imbalance, pretrained_on, quality, shortcuts
from starshift.findings.measures import Measures
from starshift.findings.near import Pair
from starshift.records import Dataset, Finding


def inspect(dataset: Dataset, near: Sequence[Pair] = (), measures: Measures | None = None) -> tuple[Finding, ...]:
    """Findings on a data set, warnings first.

    near: pairs of near copies, see `findings.near`. measures: of all pictures, see `findings.measures`; without them
    nothing is said of shortcuts, and of blank or blurred pictures.
    """
    found = [*duplicates.findings(dataset, near), *imbalance.findings(dataset), *pretrained_on.findings(dataset)]
    if measures is not None:
        found += [*shortcuts.findings(dataset, measures), *quality.findings(dataset, measures)]
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))
