"""Remedies against overfitting → words, with the command that tries what was not tried."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from starshift.evaluation.remedies import Remedy
from starshift.evaluation.remedies import remedies as ranked
from starshift.ladder.families import find
from starshift.records import Predictions, RungRecord, RunRecord
from starshift.report import words


def remedies(rung: RungRecord, run: RunRecord, predictions: Mapping[str, Predictions]) -> dict[str, Any] | None:
    """What was tried against a rung's overfitting, best first, and what was not; None if it does not overfit."""
    if rung.name not in predictions:
        return None
    found = ranked(rung, run.rungs, predictions)
    if not found:
        return None
    return {
        "n": words.counted(len(predictions[rung.name].paths), "validation picture"),
        "tried": [_tried(one) for one in found if one.verdict],
        "untried": [_untried(one) for one in found if not one.verdict],
        "example": with_rungs(run.command, next((one.rung for one in found if one.rung and not one.verdict), "")),
    }


def _tried(remedy: Remedy) -> dict[str, str]:
    verdict = remedy.verdict
    assert verdict is not None
    return {
        "name": f"{remedy.name} ({remedy.rung})",
        "difference": words.points(verdict.difference.value),
        "interval": words.points_interval(verdict.difference),
        "outcome": {"gain": "a gain", "loss": "a loss", "undecided": "no difference can be told"}[verdict.outcome],
    }


def _untried(remedy: Remedy) -> dict[str, str]:
    if not remedy.rung:
        return {"name": remedy.name, "option": "", "time": "the seeds’ first remedy; no rung can tell what they bring"}
    told = f"about {words.seconds(remedy.seconds)}" if remedy.seconds else ""
    return {"name": remedy.name, "option": f"--rungs {remedy.rung}", "time": told}


def with_rungs(command: str, rung: str) -> str:
    """The command of a run, asking for that rung alone, less what would be refused with it; "" for none."""
    if not rung:
        return ""
    wanted = find(rung)
    refused = {"--rungs": True, "--augment": not wanted.augments, "--head": not wanted.takes_head}
    words_kept = shlex.split(command, comments=True)
    pieces = [piece for piece in words_kept if piece != "--merge-stages" or rung.startswith("fine-tuned")]
    for option in (name for name, is_refused in refused.items() if is_refused):
        while option in pieces:
            at = pieces.index(option)
            del pieces[at : at + 2]
    return shlex.join([*pieces, "--rungs", rung])
