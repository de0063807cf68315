"""What would help against overfitting: the seeds' remedies, ranked by what they bought on this very data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starshift.evaluation.protocol import compare
from starshift.recipe import BUILDERS
from starshift.records import Predictions, RungRecord, Verdict

RUNGS = {
    "convnet": "a small network from scratch",
    "regularized": "dropout and augmentation together",
    "modern": "a residual network with standardized kernels and strong augmentation",
    "features": "a pretrained base, frozen",
    "features-augmented": "a pretrained base, frozen, and augmented views",
    "fine-tuned": "a pretrained base, its top fine-tuned",
}
"""What the rungs bring against overfitting, in the ladder's order: each is a remedy for those before it."""

ARGUMENTS = {
    "dense": ("a smaller network", "64"),
    "channels": ("fewer filters", ""),
    "width": ("fewer filters", ""),
    "l1": ("L1 regularization", "1e-5"),
    "l2": ("L2 regularization", "0.001"),
    "dropout": ("dropout", "0.5"),
    "augment": ("augmentation", "seeds"),
}
"""The seeds' remedies (003, 1.1.5) as arguments of a rung, each with the amount to try; none: only if it was tried."""

ALREADY = {"regularized": ("dropout", "augment"), "modern": ("augment",), "fine-tuned": ("augment",)}
"""What a rung has from the start."""


class Remedy(NamedTuple):
    """Something against overfitting, and what it bought on this very data."""

    name: str  # in words: "dropout"
    rung: str  # as --rungs takes it; "" where no rung can try it
    verdict: Verdict | None  # of that rung against the one that overfits; None: not tried in this run
    seconds: float | None  # how long it will take, where that can be told
    reason: str = ""  # why it was skipped, if it was


def remedies(
    rung: RungRecord, rungs: Sequence[RungRecord], predictions: Mapping[str, Predictions]
) -> tuple[Remedy, ...]:
    """The seeds' remedies for a rung that overfits, those first that gained most here, the untried ones last.

    rungs: of the run. predictions: on the validation part, by rung; the same pictures for all. What was tried is
    compared pair by pair; what was not is ranked by nothing, for nothing here tells what it would gain, and stands in
    the seeds' order. Empty for a rung that does not overfit.
    """
    if not rung.diagnosis.startswith("overfits"):
        return ()
    tried = [
        Remedy(name, other.name, _gained(other.name, rung.name, predictions), None)
        for other in rungs
        if other.score and other.name in predictions and (name := _remedy_in(other.name, rung.name))
    ]
    tried.sort(key=lambda remedy: -remedy.verdict.difference.value if remedy.verdict else 0.0)
    return (*tried, *_untried(rung, rungs))


def _gained(other: str, rung: str, predictions: Mapping[str, Predictions]) -> Verdict:
    # Every rung with remedies is a network for pictures.
    return compare(other, predictions[other], rung, predictions[rung], noun="picture")


def _remedy_in(other: str, rung: str) -> str:
    """What one rung has against overfitting that the other has not, in words; "" if nothing that is known of."""
    family, _, arguments = other.partition(":")
    if other.startswith(f"{rung}:"):
        return " and ".join(ARGUMENTS[key][0] for key in _keys(arguments))
    order = list(RUNGS)
    mine = rung.partition(":")[0]
    if arguments or family not in order or mine not in order:
        return ""
    return RUNGS[family] if order.index(family) > order.index(mine) else ""


def _keys(arguments: str) -> list[str]:
    """ "dropout=0.5:epochs=50" → ["dropout"]: what of a variant's arguments is a remedy."""
    keys = [piece.partition("=")[0] for piece in arguments.replace(",", ":").split(":")]
    return [key for key in keys if key in ARGUMENTS]


def _untried(rung: RungRecord, rungs: Sequence[RungRecord]) -> list[Remedy]:
    tried = {key for one in rungs if one.name.startswith(f"{rung.name}:") for key in _keys(one.name.partition(":")[2])}
    takes = {**BUILDERS.get(rung.builder, {}), "augment": str}
    found = [Remedy("more pictures", "", None, None)]
    if rung.name in RUNGS:  # a variant has no variants, and a rung of the user's own none that has a name
        found += [
            Remedy(words, f"{rung.name}:{key}={amount}", None, rung.seconds)
            for key, (words, amount) in ARGUMENTS.items()
            if amount and key in takes and key not in ALREADY.get(rung.name, ()) and key not in tried
        ]
    recorded = {one.name: one for one in rungs}
    for name in RUNGS:
        before = recorded.get(name)
        if _remedy_in(name, rung.name) and (before is None or before.score is None):
            seconds, reason = (before.predicted_seconds, before.reason) if before else (None, "")
            found.append(Remedy(RUNGS[name], name, None, seconds, reason))
    return found
