"""Why a model says what it says of one picture, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from starshift.records.why import Alike


@dataclass(frozen=True)
class Explanation:
    """Of the leading target. A file that cannot be read has its reason and nothing else."""

    file: str
    label: str = ""  # a class; labels joined by "|"; a number in words
    probability: float | None = None  # of the class
    probabilities: dict[str, float] | None = None  # of every class, or label
    explained: str = ""  # the class or label that the maps are about; the target's name where it is a number
    unit: str = ""  # of the occlusion map: "log-odds", or "" for the target's own
    occlusion: np.ndarray | None = None  # float32 (size, size), see compose.occlusion.occlusion
    grad_cam: np.ndarray | None = None  # float32 (size, size) from 0 to 1, see training.explain.grad_cam
    alike: tuple[Alike, ...] = ()  # the training pictures that it is most like, the most alike first
    notes: tuple[str, ...] = ()  # what is not here and why, in sentences
    picture: bytes = b""  # a JPEG in the picture's own proportions
    fit: str = ""  # what of the picture the maps cover: all of it, "stretch", or the square in its middle, "crop"
    by: str = ""  # what likeness was measured on, in words
    reason: str = ""  # why the file was not read; "" where it was
