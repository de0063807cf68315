"""How a model does on the examples of each value of another column."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import msgspec
import numpy as np

from starshift.evaluation import protocol
from starshift.records import Answers, AnyScore, Estimate, Score
from starshift.records.slices import Slice, SlicedPart, Slices

MOST_SLICES = 20
"""Values that are looked at one by one; of more, the largest."""

RANGES = 4
"""Parts of equal size into which a column of many different numbers is cut."""

FEWEST = 5
"""Examples below which the interval of a slice is compared with no other's."""


def slices(
    answers: Answers,
    values: Mapping[str, str],
    *,
    by: str,
    rung: str,
    part: SlicedPart,
    balanced: bool,
    seed: int,
    noun: str,
) -> Slices:
    """Score the examples of every value apart. Examples without a label are in none.

    values: of the column, by the examples' names; "" where it is empty. by: the column. balanced: whether balanced
    accuracy leads. Two slices are called unlike where their 95 % intervals do not touch: for two alone that is a test
    at about 0.6 %, so that among ten slices it errs about once in twenty.
    """
    known = np.flatnonzero(answers.known)
    groups = _groups([values.get(answers.paths[row], "") for row in known])
    shown = dict(list(groups.items())[:MOST_SLICES])
    rows: list[Slice] = []
    leading = ""
    for value, members in shown.items():
        score = protocol.score(answers.chosen(known[members]), seed=seed, noun=noun)
        leading = leading_field(score, balanced)
        rows.append(Slice(value, _figures(score), len(members)))
    return Slices(by, rung, part, leading, tuple(rows), len(groups) - len(shown), _unlike(rows, leading))


def leading_field(score: AnyScore, balanced: bool) -> str:
    """The field of the score that leads."""
    if balanced and isinstance(score, Score):
        return "balanced_accuracy"
    return next(name for name, estimate in _figures(score).items() if estimate == score.leading.estimate)


def _figures(score: AnyScore) -> dict[str, Estimate]:
    found = ((name, getattr(score, name)) for name in msgspec.structs.asdict(score))
    return {name: one for name, one in found if isinstance(one, Estimate)}


def _groups(values: Sequence[str]) -> dict[str, list[int]]:
    """Places by value, the largest group first; of many different numbers by range, from low to high."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        groups[value].append(place)
    numbers = {value: _number(value) for value in groups if value}
    if len(numbers) > MOST_SLICES / 2 and all(number is not None for number in numbers.values()):
        return _ranges([_number(value) for value in values])
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def _ranges(numbers: Sequence[float | None]) -> dict[str, list[int]]:
    known = np.array([number for number in numbers if number is not None])
    edges = np.unique(np.quantile(known, np.linspace(0, 1, RANGES + 1)))
    found: dict[str, list[int]] = {}
    for index, (low, high) in enumerate(pairwise(edges)):
        last = index == len(edges) - 2
        members = [
            place
            for place, number in enumerate(numbers)
            if number is not None and low <= number and (number <= high if last else number < high)
        ]
        found[f"{low:g} to {high:g}" if last else f"{low:g} to below {high:g}"] = members
    empty = [place for place, number in enumerate(numbers) if number is None]
    return {value: members for value, members in found.items() if members} | ({"": empty} if empty else {})


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _unlike(rows: Sequence[Slice], leading: str) -> tuple[str, str] | None:
    """The two slices whose intervals lie farthest apart, the one with the lower figure first; None where all touch."""
    apart: list[tuple[float, tuple[str, str]]] = []
    for one, other in combinations([row for row in rows if row.n >= FEWEST], 2):
        low, high = sorted((one, other), key=lambda row: row.figures[leading].value)
        end, start = low.figures[leading].high, high.figures[leading].low
        if end is not None and start is not None and start > end:
            apart.append((start - end, (low.value, high.value)))
    return max(apart)[1] if apart else None
