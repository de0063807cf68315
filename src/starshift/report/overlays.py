"""Maps of what an answer hangs on, drawn over their pictures, and told in words for those who cannot see them.

Orange spoke for the answer, blue against it: two hues that all common kinds of colour blindness keep apart, of which
orange is also the lighter one. The picture itself is shown in grey, so that no colour of its own is taken for them.
"""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from starshift.report import words

FOR, AGAINST = (235, 110, 0), (20, 90, 200)
"""RGB, about those of the page."""

COVER = 0.8
"""Of the picture, by the strongest colour: what is below stays visible."""

LEAST_FULL = 1.0
"""Log-odds that full colour stands for at least: what multiplies odds by less than e is drawn pale."""

GREY_FLOOR = 40
"""Darkest grey of the picture, so that colours can be told on a night scene."""

CELLS = 16
"""Of a map on each side before it is drawn smoothly: no method here tells more apart."""

LEAST_SIDE = 160
"""Pixels to which a small picture is enlarged, as it is, or colours would be drawn as coarsely as it."""

MOST_TIMES = 1000
"""Beyond which the odds are multiplied by "more than 1,000": a probability near 0 or 1 has few digits."""

Fit = Literal["stretch", "crop"]


def overlaid(picture: bytes, field: np.ndarray, full: float, fit: str = "stretch") -> bytes:
    """A JPEG of the picture in grey with a map over it.

    picture: a JPEG in its own proportions. field: float (h, w), of what the model saw of it: all of it under
    "stretch", the square in its middle under "crop". full: the value, above 0, that full colour stands for.
    """
    grey = Image.open(BytesIO(picture)).convert("L")
    larger = -(-LEAST_SIDE // max(grey.size))
    grey = grey.resize((larger * grey.width, larger * grey.height), Image.Resampling.NEAREST)
    width, height = grey.size
    side = min(width, height)
    seen = (side, side) if fit == "crop" else (width, height)
    left, top = (width - seen[0]) // 2, (height - seen[1]) // 2
    drawn = np.zeros((height, width), np.float32)
    smooth = Image.fromarray(np.asarray(field / full, np.float32))
    smooth.thumbnail((CELLS, CELLS), Image.Resampling.BOX)  # or edges of patches would be taken for edges of things
    scaled = smooth.resize(seen, Image.Resampling.BICUBIC)
    drawn[top : top + seen[1], left : left + seen[0]] = np.asarray(scaled)
    cover = COVER * np.clip(np.abs(drawn), 0, 1)[..., None]
    colour = np.where(drawn[..., None] > 0, np.array(FOR), np.array(AGAINST))
    below = GREY_FLOOR + np.asarray(grey, np.float32)[..., None] * (255 - GREY_FLOOR) / 255
    stream = BytesIO()
    mixed = np.clip((1 - cover) * below + cover * colour, 0, 255).astype(np.uint8)
    Image.fromarray(mixed).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def full_of(field: np.ndarray, unit: str) -> float:
    """What full colour stands for in a map: its strongest value, and LEAST_FULL log-odds at least."""
    return max(float(np.abs(field).max()), LEAST_FULL if unit else 1e-12)


def place(field: np.ndarray) -> tuple[str, float]:
    """Where the strongest value of a map lies, and the value: ("upper left", 2.3)."""
    row, column = np.unravel_index(int(np.abs(field).argmax()), field.shape)
    third = (int(3 * (row + 0.5) / field.shape[0]), int(3 * (column + 0.5) / field.shape[1]))
    vertical, horizontal = ("upper", "middle", "lower")[third[0]], ("left", "middle", "right")[third[1]]
    both = "middle" if third == (1, 1) else f"{vertical} {horizontal}" if 1 not in third else ""
    one = {"upper": "top", "lower": "bottom"}.get(vertical, horizontal)
    return both or one, float(field[row, column])


def effect(value: float, unit: str, of: str) -> str:
    """What hiding a part does, in words: `hiding it divides the odds of cat by 12`."""
    if not unit:
        moved = "lowers" if value > 0 else "raises"
        return f"hiding it {moved} {of} by {words.amount(abs(value))}"
    times = float(np.exp(abs(value)))
    said = f"more than {MOST_TIMES:,}" if times > MOST_TIMES else f"{times:.0f}" if times >= 10 else f"{times:.1f}"
    return f"hiding it {'divides' if value > 0 else 'multiplies'} the odds of {of} by {said}"


def in_words(field: np.ndarray, unit: str, of: str) -> str:
    """A map in a sentence: `Strongest at the upper left: hiding it divides the odds of cat by 12.`"""
    where, value = place(field)
    if value == 0:
        return f"Hiding parts of it changes nothing about {of}."
    return f"Strongest {at(where)}: {effect(value, unit, of)}."


def at(where: str) -> str:
    """What `place` found, as an adverb: "in the middle", "at the upper left"."""
    return "in the middle" if where == "middle" else f"at the {where}"
