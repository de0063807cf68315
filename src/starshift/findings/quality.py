"""Pictures that are worth a look: of one colour, very dark or bright, blurred, far from all others.

Nothing is judged by an absolute measure of beauty: digits are dark, drawings have no grain. A picture is shown where it
differs from the others of its own set, and is extreme by itself as well; what is done about it is the user's decision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starshift.findings.measures import SIDE, Measures
from starshift.records import Dataset, Finding, Picture

FENCE = 3.5
"""Robust standard deviations from the median beyond which a value differs (Iglewicz and Hoaglin 1993)."""

LEAST_PICTURES = 20
"""Below which there is no "usual" to differ from."""

BLANK_SPREAD, BLANK_SPAN = 3.0, 32.0
"""Standard deviation of every channel, and largest less smallest value, below which a picture is of one colour."""

DARK, BRIGHT = 64.0, 224.0
"""Grey of 255 that 95 % of the pixels of a very dark picture stay below, and of a very bright one above."""

SMOOTH = -3.2
"""Sharpness (see Measures) above which no picture is called blurred, whatever the others are."""

NEIGHBOURS = 5
"""The nearest other pictures, by the last of which a picture is near or far: fewer would make twins of strangers."""

FAR = 3.0
"""The same for the logarithm of the likeness to others, whose upper tail is short. 2.5 names twice as many."""

LEAST_LIKENESS = 0.02
"""Below which pictures are equally unlike."""

_ROWS = 512  # of the similarity matrix at once


def findings(dataset: Dataset, measures: Measures) -> list[Finding]:
    """Blank, very dark, very bright and blurred pictures, the worst first. measures: of all pictures, in order."""
    blank = (measures.spread < BLANK_SPREAD) & (measures.span < BLANK_SPAN)
    dark = ~blank & _dark(measures)
    bright = ~blank & _bright(measures)
    blurred = ~blank & ~dark & ~bright & _blurred(dataset.pictures, measures)
    said = [
        _finding(dataset.pictures, "blank", "warning", blank, measures.spread,
                 "of one colour: nothing can be seen, and nothing learned but a wrong rule. Remove them."),
        _finding(dataset.pictures, "very dark", "note", dark, measures.light_end,
                 "far darker than the others: can you tell the class? Otherwise a network cannot either."),
        _finding(dataset.pictures, "very bright", "note", bright, -measures.dark_end,
                 "far brighter than the others: can you tell the class? Otherwise a network cannot either."),
        _finding(dataset.pictures, "blurred", "note", blurred, measures.sharpness,
                 f"far more blurred than the others, as seen at {SIDE} px: can you tell the class?"),
    ]  # fmt: skip
    return [one for one in said if one is not None]


def far_out(pictures: Sequence[Picture], features: np.ndarray) -> list[Finding]:
    """Pictures that no other is like, the farthest first. features: float32 (N, F), of a frozen network."""
    likeness = neighbour_likeness(features)
    far = _beyond(-np.log(np.maximum(likeness, LEAST_LIKENESS)), FAR)
    found = _finding(pictures, "far out", "note", far, likeness,
                     "unlike all others, by the features of the pretrained base: another kind of picture, a rare view, "
                     "or a file that does not belong here.")  # fmt: skip
    return [found] if found else []


def neighbour_likeness(features: np.ndarray) -> np.ndarray:
    """Cosine of each row with its NEIGHBOURS-th nearest other one: float32 (N,); of fewer rows, with the last.

    Nearness to the k-th neighbour: Ramaswamy, Rastogi and Shim 2000, SIGMOD. The square root of each activation is
    compared, less its mean, so that no single one drowns the others. features: float32 (N, F).
    """
    rows = np.copysign(np.sqrt(np.abs(features)), features).astype(np.float32)
    rows -= rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12
    last = min(NEIGHBOURS, len(rows) - 1)
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _ROWS):
        likeness = rows[start : start + _ROWS] @ rows.T
        np.fill_diagonal(likeness[:, start:], -np.inf)  # not its own neighbour
        found[start : start + _ROWS] = np.partition(likeness, -last, axis=1)[:, -last]
    return found


def _dark(measures: Measures) -> np.ndarray:
    """Nearly all pixels are dark, which is not so of most pictures here."""
    usual = np.median(measures.light_end)
    return (measures.light_end < DARK) & (usual > 1.5 * DARK)


def _bright(measures: Measures) -> np.ndarray:
    """Nearly all pixels are bright, which is not so of most pictures here."""
    usual = np.median(measures.dark_end)
    return (measures.dark_end > BRIGHT) & (usual < BRIGHT - 64)


def _blurred(pictures: Sequence[Picture], measures: Measures) -> np.ndarray:
    """Far less sharp than the others; what had to be enlarged is not compared, since that blurs by itself."""
    sides = np.array([min(picture.width, picture.height) for picture in pictures])
    large = np.flatnonzero(sides >= SIDE)
    found = np.zeros(len(sides), bool)
    found[large] = _beyond(-measures.sharpness[large], FENCE) & (measures.sharpness[large] < SMOOTH)
    return found


def _beyond(values: np.ndarray, fence: float) -> np.ndarray:
    """Which lie more than `fence` robust standard deviations above the median: bool (N,)."""
    if len(values) < LEAST_PICTURES:
        return np.zeros(len(values), bool)
    middle = np.median(values)
    scale = 1.4826 * np.median(np.abs(values - middle))  # of a normal distribution, its standard deviation
    return values > middle + fence * max(float(scale), 1e-6)


def _finding(
    pictures: Sequence[Picture], kind: str, severity: str, chosen: np.ndarray, order: np.ndarray, sentence: str
) -> Finding | None:
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return None
    rows = rows[np.argsort(order[rows], kind="stable")]
    what = "1 picture is" if len(rows) == 1 else f"{len(rows):,} pictures are"
    groups = tuple((pictures[row].path,) for row in rows.tolist())
    return Finding(kind, severity, f"{what} {sentence}", groups)  # type: ignore[arg-type]
