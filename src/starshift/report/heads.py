"""A section for every target behind the first: how each rung does on it, and how it fared class by class."""

from __future__ import annotations

from typing import Any

from starshift.records import NOUNS, AnyScore, HeadRecord, RunRecord, Score, Target, Verdict
from starshift.report import leading, words
from starshift.report.charts import BASELINE
from starshift.report.confusion import confusion
from starshift.report.figures import class_rows


def heads(run: RunRecord) -> list[dict[str, Any]]:
    """One dict per target behind the first, in their order; none where a run has one target."""
    return [section for target in run.data.targets[1:] if (section := _head(run, target))]


def sentences(run: RunRecord) -> list[str]:
    """The same for a terminal, one sentence per target, and one before them that says which target led; else none."""
    told = []
    for section in heads(run):
        rungs = [f"{row['rung']} {row['figure']} ({row['interval']}, n = {row['n']})" for row in section["rows"]]
        tested = [f"on the sealed test {row['test']}" for row in section["rows"] if row["test"]]
        told.append(f"{section['target']}, {section['metric']}: {'; '.join([*rungs, *tested])}.")
    return [f"These are figures of {run.data.targets[0].name}, which leads.", *told] if told else []


def _head(run: RunRecord, target: Target) -> dict[str, Any] | None:
    found = [(rung.name, head) for rung in run.rungs for head in rung.heads if head.target == target.name]
    if not found:
        return None
    tested = _of(run.test.heads, target) if run.test else None
    chosen = next((head for name, head in found if name == run.chosen), None)
    noun = NOUNS[run.data.family]
    return {
        "target": target.name,
        "kind": target.kind,
        "metric": found[0][1].score.leading.metric,
        "rows": [
            _row(name, head, name == run.chosen, tested if run.test and name == run.test.rung else None)
            for name, head in found
        ],
        "tested": tested is not None,
        "noun": noun,
        "classes": class_rows(chosen.score) if chosen else [],
        "confusion": _confusion(chosen, run.chosen, target, noun),
    }


def _of(records: tuple[HeadRecord, ...], target: Target) -> HeadRecord | None:
    return next((head for head in records if head.target == target.name), None)


def _row(rung: str, head: HeadRecord, chosen: bool, tested: HeadRecord | None) -> dict[str, Any]:
    return {
        "rung": rung,
        "chosen": chosen,
        "n": words.count(head.score.leading.estimate.n),
        **_figure(head.score),
        "test": leading.told(tested.score) if tested else "",
        "verdict": _verdict(head.verdict),
    }


def _figure(score: AnyScore) -> dict[str, str]:
    estimate, form = score.leading.estimate, None if score.leading.is_share else words.AMOUNT
    return {"figure": words.figure(estimate, form), "interval": words.interval(estimate, form)}


def _verdict(verdict: Verdict | None) -> str:
    return words.against(verdict) if verdict else ""


def _confusion(chosen: HeadRecord | None, rung: str, target: Target, noun: str) -> dict[str, Any] | None:
    if chosen is None or rung == BASELINE or not isinstance(chosen.score, Score):
        return None
    n = words.counted(chosen.score.leading.estimate.n, f"validation {noun}")
    return {"rung": rung, "n": n, "noun": noun, **confusion(chosen.score, target.classes, noun)}
