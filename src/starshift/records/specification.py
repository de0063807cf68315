"""What a learnware is good for: statistics of the pictures that it was trained on, in a space that others know too."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SPECIFICATION_SCHEMA = 1
"""The number of spec.safetensors' form; a change that old readers cannot read adds one."""


class Space(Struct, frozen=True, forbid_unknown_fields=True):
    """Where pictures become vectors that can be compared: everything that a vector depends on but the precision."""

    base: str  # in the catalogue
    digest: str  # SHA-256 of its weights file
    size: int  # side in pixels that pictures are decoded to
    fit: str  # "stretch" or "crop", as data.decode.Frame has it
    features: int  # of the pooled base
    frequencies: int  # of the random features, each a cosine and a sine
    bandwidth: float  # of the Gaussian kernel, on features of length 1
    projection: str  # how the frequencies are drawn, by name and number: "orthogonal-1"

    @property
    def dimensions(self) -> int:
        """Of a vector."""
        return 2 * self.frequencies


class Cell(Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures whose mean is told: those of one class, or of several small ones together."""

    classes: tuple[str, ...]
    count: int  # of pictures


class Privacy(Struct, frozen=True, forbid_unknown_fields=True):
    """Differential privacy of the marginal, where one picture of the set is exchanged for another."""

    epsilon: float
    delta: float
    sigma: float  # standard deviation of the normal noise in each dimension
    mechanism: Literal["gaussian"] = "gaussian"


class SpecificationRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A specification without its vectors."""

    schema: int
    space: Space
    precision: str  # "bf16" or "f32": what the features were computed in
    count: int  # of pictures
    min_cell: int  # fewest pictures of a cell
    cells: tuple[Cell, ...]  # in the order of their means; none where the marginal alone is told
    privacy: Privacy | None = None  # None: the means are exact, but for the rounding to float16
