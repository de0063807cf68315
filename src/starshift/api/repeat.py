"""How the recipes of a run are repeated over folds: the protocol that was asked for, or that suits the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starshift.errors import DataError
from starshift.evaluation import resampling
from starshift.evaluation.resampling import Protocol
from starshift.ladder.climb import Climb
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.planning import Planned
from starshift.ladder.resample import Resampling, is_cheap, resample


def repeat(
    asked: str,
    planned: Sequence[Planned],
    state: Climb,
    materials: Materials,
    folder: RunFolder,
    *,
    deadline: float,
    on_change: Callable[[Climb], None],
) -> tuple[str, list[str]]:
    """Repeat what was climbed as `--protocol` says; changes `state`.

    deadline: of time.monotonic(), seconds. Returns what was done, as a sentence, and what was left out, in sentences.
    Raises DataError where folds were asked for and the examples do not make them.
    """
    split, noun = materials.split, materials.dataset.noun
    protocol, sentence = _decide(asked, len(split.validation), len(split.train) + len(split.validation), noun)
    models = [one for one in planned if one.rung.name != "baseline" and not one.reason]
    automatic = asked == resampling.AUTO
    if protocol is None or (automatic and not any(is_cheap(one.recipe) for one in models)):
        return sentence if protocol is None else "Hold-out: each rung was fitted once.", []
    run = Resampling(protocol, materials, folder)
    try:
        _ = run.folds
    except DataError:
        if not automatic:
            raise
        return f"Hold-out: the {noun}s do not make folds.", []
    left_out = resample(planned, state, run, deadline=deadline, only_cheap=automatic, on_change=on_change)
    for reason in left_out:
        materials.progress.say(reason)
    return sentence, left_out


def _decide(asked: str, validation: int, outside_test: int, noun: str) -> tuple[Protocol | None, str]:
    if asked == resampling.AUTO:
        protocol, why = resampling.choose(validation, outside_test, noun=noun)
    else:
        protocol, why = resampling.parse(asked), "as asked for"
    if protocol is None:
        return None, f"Hold-out, {why}."
    return protocol, (
        f"Recipes were fitted on {protocol} of the {outside_test:,} {noun}s outside the test part, {why}; their "
        "choices were made by inner folds of each."
    )
