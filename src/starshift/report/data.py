"""The data of a run for the report: what was understood, findings, files set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starshift.records import PARTS, Dataset, Finding, RunRecord, Summary, Target
from starshift.report import copies, odd, words
from starshift.report.pictures import Thumbnail

MOST_CLASS_BARS = 20
"""Classes whose sizes are drawn one by one; of more, the largest and the smallest eight."""

MOST_GROUPS = 12
"""Groups of files shown per finding; all of them are in run.json."""

MOST_IN_GROUP = 8
"""Files shown per group."""

MOST_SET_ASIDE = 500
"""Files set aside that are shown one by one."""


def data(run: RunRecord, dataset: Dataset, thumbnail: Thumbnail) -> dict[str, Any]:
    """What was understood of the source, the findings with warnings first, and the files set aside.

    thumbnail: a picture's path → its JPEG bytes, or None; near copies are shown side by side.
    """
    aside = dataset.set_aside
    return {
        "facts": _facts(run.data, run.split),
        "classes": _class_bars(run.data.classes),
        "targets": _targets(run.data),
        "remarks": [words.sentence(remark) for remark in run.data.remarks],
        "findings": [
            _finding(one)
            | {"pairs": copies.pairs(one, dataset, thumbnail), "cards": odd.cards(one, dataset, thumbnail)}
            for one in sorted(run.findings, key=lambda one: one.severity != "warning")
        ],
        "set_aside": [
            {"path": one.path, "kind": one.kind, "reason": words.sentence(one.reason)} for one in aside[:MOST_SET_ASIDE]
        ],
        "set_aside_words": words.counted(len(aside), "file" if dataset.family == "pictures" else dataset.noun),
        "set_aside_more": words.counted(len(aside) - MOST_SET_ASIDE, "more file") if aside[MOST_SET_ASIDE:] else "",
    }


def _targets(summary: Summary) -> list[dict[str, str]]:
    """What is predicted, of what kind and how that was found; nothing where there is one class, shown by its bars."""
    if len(summary.targets) < 2 and summary.classes:
        return []
    return [
        {"name": one.name, "text": ", ".join(filter(None, [one.kind, _amount_of(one), one.how]))}
        for one in summary.targets
    ]


def _amount_of(target: Target) -> str:
    if target.is_classes:
        return words.counted(len(target.classes), "class", "classes")
    return words.counted(len(target.classes), "label") if target.kind == "multi-label" else ""


def _of_family(summary: Summary) -> dict[str, str]:
    if summary.family != "pictures":
        return summary.facts
    return {
        "Formats": words.counts(_commonest_first(summary.formats)),
        "Smallest": words.pixels(summary.smallest),
        "Median": words.pixels(summary.median),
        "Largest": words.pixels(summary.largest),
    }


def _facts(summary: Summary, split: str) -> list[dict[str, str]]:
    facts = {
        "Source": summary.source,
        "Layout": summary.layout,
        "Parts": words.counts({part: summary.parts[part] for part in PARTS if summary.parts.get(part)}),
        "Split": words.sentence(split),
        **_of_family(summary),
        "Set aside": words.counts(_commonest_first(summary.set_aside)) or "nothing",
        "Skipped": words.counts(_commonest_first(summary.skipped)) or "nothing",
    }
    return [{"term": term, "text": text} for term, text in facts.items() if text]


def _commonest_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _class_bars(classes: Mapping[str, int]) -> dict[str, Any]:
    ranked = list(_commonest_first(classes).items())
    most = max(classes.values(), default=0) or 1
    shown, left_out = ranked, 0
    if len(ranked) > MOST_CLASS_BARS:
        shown, left_out = [*ranked[:8], *ranked[-8:]], len(ranked) - 16
    return {
        "bars": [
            {"label": label, "count": words.count(number), "bar": round(100 * number / most, 2)}
            for label, number in shown
        ],
        "gap_after": 8 if left_out else 0,
        "left_out": words.counted(left_out, "class", "classes") + " between" if left_out else "",
    }


def _finding(finding: Finding) -> dict[str, Any]:
    more = len(finding.groups) - MOST_GROUPS
    return {
        "kind": finding.kind,
        "warning": finding.severity == "warning",
        "sentence": words.sentence(finding.sentence),
        "groups": [_group(group) for group in finding.groups[:MOST_GROUPS]],
        "more": f"{words.counted(more, 'more group')} in run.json" if more > 0 else "",
    }


def _group(paths: Sequence[str]) -> dict[str, Any]:
    more = len(paths) - MOST_IN_GROUP
    return {"paths": list(paths[:MOST_IN_GROUP]), "more": f"and {words.count(more)} more" if more > 0 else ""}
