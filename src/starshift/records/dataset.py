"""What was read: pictures with their labels, and every file that is not among them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

PARTS = ("train", "validation", "test")
"""The three parts of a data set, in the order in which they are used."""

Part = Literal["train", "validation", "test", ""]


class Picture(Struct, frozen=True, forbid_unknown_fields=True):
    """One readable picture."""

    path: str  # relative to the source, with forward slashes; in a zip, the entry's name
    label: str  # the class by name
    part: Part  # as the source's folders give it; "" where the source has no parts
    digest: str  # SHA-256 of the file's bytes, 64 hexadecimal digits
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
    """Everything that a source holds: pictures used, files set aside, files skipped."""

    source: str  # folder or zip file, as the user named it
    layout: str  # "class folders", "part folders", "file names", "label file"
    classes: tuple[str, ...]  # names, sorted; a target is an index into these
    pictures: tuple[Picture, ...]  # sorted by path
    set_aside: tuple[SetAside, ...] = ()
    skipped: dict[str, int] = {}  # files that are no pictures, counted by kind: {"hidden files": 3}
    remarks: tuple[str, ...] = ()  # sentences: what was recognized, assumed or noticed while reading

    @property
    def digests(self) -> list[str]:
        """The pictures' digests, in their order."""
        return [picture.digest for picture in self.pictures]

    @property
    def targets(self) -> list[int]:
        """The pictures' classes as indices into `classes`, in their order."""
        index = {name: i for i, name in enumerate(self.classes)}
        return [index[picture.label] for picture in self.pictures]

    @property
    def given_parts(self) -> tuple[str, ...]:
        """The parts that the source's own folders name, in the order of PARTS; empty where it has none."""
        present = {picture.part for picture in self.pictures}
        return tuple(part for part in PARTS if part in present)
