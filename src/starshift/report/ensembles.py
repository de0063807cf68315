"""Ensembles from inside: what each member adds, how different members are, how much of an answer is luck."""

from __future__ import annotations

from typing import Any

from starshift.records import NOUNS, EnsembleRecord, MemberRecord, RungRecord, RunRecord, Variance
from starshift.report import words


def ensembles(run: RunRecord) -> list[dict[str, Any]]:
    """One dict per finished rung that has members."""
    return [_ensemble(rung, rung.ensemble, NOUNS[run.data.family]) for rung in run.rungs if rung.ensemble]


def _ensemble(rung: RungRecord, record: EnsembleRecord, noun: str) -> dict[str, Any]:
    largest = max((abs(_added(member, record)) for member in record.members), default=0.0)
    return {
        "rung": rung.name,
        "n": words.counted(record.pictures, f"{record.part} {noun}"),
        "together": {"accuracy": words.percent(record.accuracy), "loss": words.number(record.loss, 4)},
        "rows": [_row(number, member, record, largest) for number, member in enumerate(record.members, start=1)],
        "several": any(member.models > 1 for member in record.members),
        "matrix": _matrix(record) if len(record.members) > 1 else None,
        "variance": _variance(record.variance, noun) if record.variance else None,
        "no_variance": words.sentence(f"How much of an answer is luck was not measured: {record.no_variance}")
        if record.no_variance
        else "",
    }


def _added(member: MemberRecord, record: EnsembleRecord) -> float:
    """By how many nats the ensemble is better with the member; 0 where nothing would be left without it."""
    return 0.0 if member.loss_without is None else member.loss_without - record.loss


def _row(number: int, member: MemberRecord, record: EnsembleRecord, largest: float) -> dict[str, Any]:
    added = _added(member, record)
    return {
        "number": number,
        "title": member.title,
        "models": words.counted(member.models, "model") if member.models > 1 else "",
        "weight": f"{member.weight:.0%}".replace("%", " %"),
        "accuracy": words.percent(member.accuracy),
        "loss": words.number(member.loss, 4),
        "without": "" if member.loss_without is None else words.number(member.loss_without, 4),
        "added": _signed(added),
        "bar": round(100 * abs(added) / largest, 1) if largest else 0.0,
        "harms": added < 0,
    }


def _signed(nats: float) -> str:
    rounded = round(nats, 4)
    sign = "+" if rounded > 0 else words.MINUS if rounded < 0 else ""
    return f"{sign}{abs(rounded):.4f}"


def _matrix(record: EnsembleRecord) -> list[list[dict[str, Any]]]:
    """Row by row the share of examples that two members call by different names, shaded by the largest."""
    largest = max(max(row) for row in record.disagreement)
    return [
        [
            {
                "share": words.percent(share) if place != number else "",
                "shade": round(share / largest, 2) if largest else 0.0,
            }
            for place, share in enumerate(row)
        ]
        for number, row in enumerate(record.disagreement)
    ]


def _variance(record: Variance, noun: str) -> dict[str, Any]:
    """Two bars: one model's, and that of ensembles."""
    share = record.together / record.single if record.single else 0.0
    ensembles = record.models // record.size
    return {
        "what": record.what,
        "bars": [
            {"title": f"single models ({record.models})", "figure": _small(record.single), "x": 100.0},
            {
                "title": f"ensembles of {record.size} ({ensembles}), which share no member",
                "figure": _small(record.together),
                "x": round(min(100 * share, 100.0), 1),
            },
        ],
        "says": f"An ensemble of {record.size} removes {words.percent(1 - share)} of the variance that one model's "
        f"probability has."
        if 0 < share < 1
        else f"Ensembles of {record.size} vary no less here.",
        "spread": f"From one model to the next, the probability that a {noun} is of a class moves by about "
        f"{words.percent(record.single**0.5)}, from one such ensemble to the next by "
        f"{words.percent(record.together**0.5)} (root mean square).",
    }


def _small(variance: float) -> str:
    """0.000123 as `0.000123`: three digits."""
    return f"{variance:.3g}" if variance >= 1e-4 or variance == 0 else f"{1e6 * variance:.3g} millionths"
