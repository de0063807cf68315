"""Occlusion: what a part of a picture did for an answer, seen from how the answer changes once that part is hidden.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2. It asks the
model for answers only, so that it explains any model of pictures, in its compiled form and without Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from starshift.compose.predictor import Predictor
from starshift.errors import UsageError
from starshift.records import Learnware, Target

COARSE = (4,)
"""Sides of the patches, as parts of the picture's side: a quarter. 50 answers per picture."""

FINE = (4, 8)
"""A quarter and an eighth, averaged: large parts count only when hidden whole, small ones show where. 275 answers."""

STEPS_PER_PATCH = 2
"""Places of a patch per length of its side, so that every place overlaps the next by half."""

SMALLEST = 1e-7
"""The probability below which, and by which below 1, float32 tells nothing apart; log-odds stay within ±16."""

Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Patch:
    """A square that is hidden, in pixels."""

    top: int
    left: int
    side: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.side), slice(self.left, self.left + self.side)


@dataclass(frozen=True)
class Occluded:
    """A picture as it is, then once for each patch with that patch in the picture's mean colour.

    Like an array of uint8 (1 + patches, size, size, 3), made as it is asked for.
    """

    picture: np.ndarray  # uint8 (size, size, 3)
    patches: tuple[Patch, ...]

    def __len__(self) -> int:
        return 1 + len(self.patches)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        # The mean colour and no fixed grey, which on a dark or a bright picture would be a thing of its own.
        grey = np.round(self.picture.mean(axis=(0, 1))).astype(np.uint8)
        places = np.atleast_1d(np.arange(len(self))[chosen])
        pictures = np.repeat(self.picture[None], len(places), axis=0)
        for picture, place in zip(pictures, places, strict=True):
            if place:
                picture[self.patches[place - 1].inside] = grey
        return pictures


def patches(size: int, parts: int) -> tuple[Patch, ...]:
    """Squares of a `parts`-th of a picture's side, overlapping by half, row by row; they reach every pixel.

    size: side of the picture in pixels.
    """
    side = -(-size // parts)
    starts = np.unique(np.linspace(0, size - side, STEPS_PER_PATCH * (parts - 1) + 1).round().astype(int)).tolist()
    return tuple(Patch(top, left, side) for top in starts for left in starts)


def occlusion(
    predictor: Predictor,
    picture: np.ndarray,
    output: int = 0,
    scales: tuple[int, ...] = FINE,
    progress: Step | None = None,
) -> np.ndarray:
    """How much of the evidence for an answer goes when each part of a picture is hidden.

    picture: uint8 (size, size, 3), in the predictor's frame. output: of the leading target the class or label that is
    explained, by its index; 0 of a number. scales: see FINE.
    Returns float32 (size, size): of each pixel the mean over all patches that cover it, averaged over the scales, in
    the unit that `evidence` has. Above 0, the part spoke for the answer; below 0, against it.
    """
    target = predictor.targets[0]
    each = [patches(len(picture), parts) for parts in scales]
    hidden = Occluded(picture, tuple(patch for some in each for patch in some))
    found = evidence(target, predictor(hidden, progress), output)
    falls = iter(found[0] - found[1:])
    spread = [_spread(some, [next(falls) for _ in some], len(picture)) for some in each]
    return np.asarray(np.stack(spread).mean(axis=0), np.float32)


def evidence(target: Target, answers: np.ndarray, output: int) -> np.ndarray:
    """What a model's answers say for one of its outputs, on a scale on which evidence adds up: float64 (N,).

    answers: of classes or labels (N, classes), their log-odds, natural logarithms; (N,) of a number, the number in the
    target's unit. Raises UsageError for strings.
    """
    if target.kind == "string":
        raise UsageError(f"{target.name!r} is a string, which is read letter by letter; maps are made of one answer.")
    if target.is_number:
        return np.asarray(answers, np.float64)
    chances = np.asarray(answers, np.float64)
    yes = chances[:, output]
    no = np.delete(chances, output, axis=1).sum(axis=1) if target.is_classes else 1 - yes
    return np.log(np.maximum(yes, SMALLEST)) - np.log(np.maximum(no, SMALLEST))


def answered(target: Target, answer: np.ndarray) -> int:
    """The output that an answer stands for: the class, or of labels the likeliest; 0 of a number.

    answer: what the model put out for one picture.
    """
    return 0 if target.is_number else int(np.argmax(answer))


def named(target: Target, output: int) -> str:
    """What is explained, by name: a class, a label, or what a number is of."""
    return target.name if target.is_number else target.classes[output]


def unexplained(learnware: Learnware) -> str:
    """Why a model of pictures cannot be explained by maps, as a sentence; "" where it can."""
    if learnware.builder == "majority":
        return f"{learnware.name!r} is the baseline, which looks at no picture: there is nothing to explain."
    if learnware.target.kind == "string":
        return f"{learnware.name!r} reads {learnware.target.name} letter by letter; maps explain one answer."
    return ""


def _spread(patches: tuple[Patch, ...], falls: list[float], size: int) -> np.ndarray:
    total, times = np.zeros((size, size)), np.zeros((size, size))
    for patch, fall in zip(patches, falls, strict=True):
        total[patch.inside] += fall
        times[patch.inside] += 1
    return total / times
