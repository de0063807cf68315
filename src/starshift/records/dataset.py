"""What was read: examples (pictures, rows, texts, sequences) with their labels, and what is not among them."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from msgspec import Struct, structs

from starshift.records.target import Target

PARTS = ("train", "validation", "test")
"""The three parts of a data set, in the order in which they are used."""

Part = Literal["train", "validation", "test", ""]


Family = Literal["pictures", "table", "texts", "sequences"]

NOUNS: dict[Family, str] = {"pictures": "picture", "table": "row", "texts": "text", "sequences": "sequence"}
"""What one example of a family is called."""


class Example(Struct, frozen=True, forbid_unknown_fields=True, tag_field="is", tag="example"):
    """One thing to learn from: a row, a text, a sequence, or a picture."""

    path: str  # relative to the source, with forward slashes; in a zip, the entry's name; of a row, "row 17"
    label: str  # of the leading target: see Target.encode; "" where it is missing
    part: Part  # as the source gives it; "" where the source has no parts
    digest: str  # SHA-256 of its content without labels, 64 hexadecimal digits


class Picture(Example, frozen=True, forbid_unknown_fields=True, tag="picture"):
    """One readable picture. Its digest is of the file's bytes."""

    width: int  # pixels, after EXIF orientation
    height: int  # pixels, after EXIF orientation
    format: str  # as the content has it: "JPEG", "PNG", …
    mode: str  # colour mode in the file, as Pillow names it: "RGB", "CMYK", "I;16", …
    file_bytes: int  # size of the file


class SetAside(Struct, frozen=True, forbid_unknown_fields=True):
    """One file that was meant to be a picture and is not used. The file itself is never touched."""

    path: str  # as in Picture
    kind: str  # a short word: "truncated", "empty", "undecodable", "bomb", "unlabelled", …
    reason: str  # a sentence


class Dataset(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a source holds: examples used, files or rows set aside, files skipped."""

    source: str  # folder or file, as the user named it
    layout: str  # "class folders", "part folders", "file names", "label file", "table", …
    targets: tuple[Target, ...]  # what is to be predicted; the first leads
    examples: tuple[Picture | Example, ...]  # files sorted by path, rows in the file's order
    set_aside: tuple[SetAside, ...] = ()
    skipped: dict[str, int] = {}  # files that are no examples, counted by kind: {"hidden files": 3}
    remarks: tuple[str, ...] = ()  # sentences: what was recognized, assumed or noticed while reading
    family: Family = "pictures"
    facts: dict[str, str] = {}  # of other families than pictures: what a reader asks for: {"Columns": "13 numbers"}
    further: dict[str, tuple[str, ...]] = {}  # labels of the targets behind the first, by name, in the examples' order

    @property
    def target(self) -> Target:
        """The target that leads."""
        return self.targets[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """The leading target's classes; none of a number."""
        return self.target.classes

    @property
    def noun(self) -> str:
        """What one example is called: "picture", "row", …"""
        return NOUNS[self.family]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The examples, where they are pictures."""
        return cast(tuple[Picture, ...], self.examples)

    @property
    def digests(self) -> list[str]:
        """The examples' digests, in their order."""
        return [example.digest for example in self.examples]

    def labels(self, target: Target | None = None) -> list[str]:
        """Labels of a target as records keep them, in the examples' order; of the leading one if None."""
        if target is None or target == self.target:
            return [example.label for example in self.examples]
        return list(self.further[target.name])

    def encoded(self, target: Target | None = None) -> np.ndarray:
        """Labels of a target as an array: see Target.encode; of the leading one if None."""
        return (target or self.target).encode(self.labels(target))

    def about(self, target: Target) -> Dataset:
        """The same with one of its targets alone."""
        labels = self.labels(target)
        examples = tuple(
            structs.replace(example, label=label) for example, label in zip(self.examples, labels, strict=True)
        )
        return structs.replace(self, targets=(target,), examples=examples, further={})

    @property
    def given_parts(self) -> tuple[str, ...]:
        """The parts that the source itself names, in the order of PARTS; empty where it has none."""
        present = {example.part for example in self.examples}
        return tuple(part for part in PARTS if part in present)
