"""What the user knows of each picture beside its class: whose it is, where or when it was taken.

Pictures of one patient, one place or one burst of a camera must lie in one part of a split, and where the future is to
be predicted, training must not see it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Literal, cast

from starshift.data import pattern
from starshift.data.content import Content, Rows
from starshift.data.decode import DAMAGE, silence
from starshift.data.labels import LabelFile, column
from starshift.data.pattern import Pattern
from starshift.data.read import Pictures, label_table
from starshift.data.sources import counted, some
from starshift.errors import DataError, UsageError
from starshift.execution import map_ordered

Option = Literal["--group-by", "--order-by", "--slice-by"]

KINDS: dict[Option, tuple[str, ...]] = {
    "--group-by": ("column", "folder", "name", "burst", "camera"),
    "--order-by": ("column", "name", "time"),
    "--slice-by": ("column", "folder", "name", "camera"),
}

BURST_SECONDS = 3.0
"""Two pictures of one camera with no more between them are of one burst."""

FEWEST_GROUPS = 3
"""One for each part of a split."""


@dataclass(frozen=True)
class Known:
    """Where a value of each picture is found: a column of the label file, its path, or what the camera wrote."""

    option: Option
    kind: str
    argument: str = ""

    def __str__(self) -> str:
        """As it is given on the command line."""
        return f"{self.kind}:{self.argument}" if self.argument else self.kind


def parse(text: str, option: Option) -> Known:
    """ "patient" or "column:patient", "folder", "folder:2", "name:REGEX", "burst:5", "camera", "time".

    Raises UsageError where an argument is not what its kind takes.
    """
    kind, colon, argument = text.partition(":")
    if kind not in KINDS[option]:
        kind, argument = "column", text
    elif not colon and kind in ("column", "name"):
        kind, argument = "column", text  # a column may be called "name"
    problem = _problem(kind, argument)
    if problem:
        raise UsageError(f"{option} {text}: {problem}")
    return Known(option, kind, argument)


def _problem(kind: str, argument: str) -> str:
    if kind == "folder" and argument and not re.fullmatch(r"[1-9]\d?", argument):
        return f"folder:N counts folders upwards from the file, 1 or more; {argument!r} came."
    if kind == "burst" and argument and not re.fullmatch(r"\d+(\.\d+)?", argument):
        return f"burst:N is a number of seconds; {argument!r} came."
    if kind in ("camera", "time") and argument:
        return f"{kind} takes nothing after a colon; {argument!r} came."
    if kind == "column" and not argument:
        return "a column of the label file is named like column:patient; no name came."
    if kind == "name":
        try:
            re.compile(argument)
        except re.error as error:
            return f"{argument!r} is no regular expression ({error})."
    return ""


# ---- groups ---------------------------------------------------------------------------------------


Columns = LabelFile | Pattern
"""Where pictures have columns: rows of a label file, or fields of their names."""


def groups(known: Known, content: Content, labels: Columns | None) -> tuple[list[list[int]], str]:
    """Examples that belong together, as lists of two or more indices, and what was found, as a sentence.

    An example without a value is alone. Raises DataError where none has a value or there are too few groups, and
    UsageError for a column without a label file.
    """
    if known.kind == "burst":
        found = _bursts(known, _as_pictures(known, content))
    else:
        found = defaultdict(list)
        for index, value in enumerate(values(known, content, labels)):
            if value:
                found[value].append(index)
    inside = sum(map(len, found.values()))
    noun = content.dataset.noun
    alone = len(content.dataset.examples) - inside
    if len(found) + alone < FEWEST_GROUPS:
        raise DataError(
            f"{known.option} {known} makes {counted(len(found), 'group')} of all {noun}s; it takes at least "
            f"{FEWEST_GROUPS}, one for each part. Group by something of which there are more."
        )
    several = [members for members in found.values() if len(members) > 1]
    without = f"; {counted(alone, noun)} without a value, each for itself" if alone else ""
    sentence = f"{counted(len(found), 'group')} by {known}, kept together{without}."
    return several, sentence


def _bursts(known: Known, pictures: Pictures) -> dict[str, list[int]]:
    """Pictures by burst: one camera, and no more than so many seconds from one to the next."""
    gap = float(known.argument or BURST_SECONDS)
    by_camera: dict[str, list[tuple[float, int]]] = defaultdict(list)
    shots = _shots(pictures)
    for index, shot in enumerate(shots):
        if shot.time is not None:
            by_camera[shot.camera].append((shot.time, index))
    if not by_camera:
        raise DataError(_nothing(known, len(shots), "no picture says when it was taken (EXIF)", "picture"))
    found: dict[str, list[int]] = {}
    for camera, taken in by_camera.items():
        last = -float("inf")
        for time, index in sorted(taken):
            if time - last > gap:
                found[f"{camera} {time}"] = members = []
            members.append(index)
            last = time
    return found


# ---- order ----------------------------------------------------------------------------------------


def order(known: Known, content: Content, labels: Columns | None) -> tuple[list[float], str]:
    """When each example is from, as numbers to sort by, and what was found, as a sentence.

    Values are numbers, or dates and times as ISO 8601 or EXIF writes them. Raises DataError where an example has none,
    or one that is neither, and UsageError for a column without a label file.
    """
    if known.kind == "time":
        found = [None if shot.time is None else str(shot.time) for shot in _shots(_as_pictures(known, content))]
    else:
        found = [value or None for value in values(known, content, labels)]
    noun, paths = content.dataset.noun, [example.path for example in content.dataset.examples]
    if lacking := [path for path, value in zip(paths, found, strict=True) if value is None]:
        raise DataError(
            f"{known.option} {known}: {counted(len(lacking), noun)} of {len(paths):,} without a value: "
            f"{some(map(repr, lacking), 3)}. Every {noun} needs one; leave the others out."
        )
    numbers = [_number(value or "") for value in found]
    if bad := [value for value, number in zip(found, numbers, strict=True) if number is None]:
        raise DataError(
            f"{known.option} {known}: numbers or dates like 2026-05-12 were expected; {some(map(repr, bad), 3)} came."
        )
    distinct = len(set(numbers))
    if distinct < FEWEST_GROUPS:
        raise DataError(
            f"{known.option} {known} has {distinct} different value(s); parts in time take at least {FEWEST_GROUPS}."
        )
    return [number for number in numbers if number is not None], f"Ordered by {known}, earliest first."


def _number(value: str) -> float | None:
    """A number or a moment as seconds since 1970 (without a time zone: UTC); None for anything else."""
    try:
        number = float(value)
        return number if abs(number) < float("inf") else None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# ---- values ---------------------------------------------------------------------------------------


def _as_pictures(known: Known, content: Content) -> Pictures:
    if content.dataset.family != "pictures":
        raise UsageError(
            f"{known.option} {known} asks what a camera wrote; {content.dataset.noun}s have none. Name a column, as "
            "column:NAME."
        )
    return cast(Pictures, content)


def values(known: Known, content: Content, labels: Columns | None) -> list[str]:
    """The value of each example; "" where it has none.

    Raises DataError where none has one, and UsageError for a column where there are no columns.
    """
    noun, paths = content.dataset.noun, [example.path for example in content.dataset.examples]
    if known.kind == "camera":
        found = [shot.camera for shot in _shots(_as_pictures(known, content))]
    elif known.kind == "column" and content.dataset.family != "pictures":
        found = cast(Rows, content).column(known.argument)
    elif known.kind == "column":
        found = _column(known, cast(Pictures, content), labels, paths)
    else:
        find = _folder(int(known.argument or 1)) if known.kind == "folder" else _match(known.argument)
        found = [find(path) for path in paths]
    if not any(found):
        why = f"no {noun} has a value" if known.kind != "name" else f"no file name fits, such as {paths[0]!r}"
        raise DataError(_nothing(known, len(paths), why, noun))
    return found


def _nothing(known: Known, count: int, why: str, noun: str) -> str:
    return f"{known.option} {known}: {why}, of {count:,}. Name something that the {noun}s have."


def _column(known: Known, pictures: Pictures, labels: Columns | None, paths: Sequence[str]) -> list[str]:
    if isinstance(labels, Pattern):
        by_name = pattern.column(labels, paths, known.argument, known.option)
        return [by_name.get(path, "") for path in paths]
    if labels is None:
        options = ", ".join(kind for kind in KINDS[known.option] if kind != "column")
        raise UsageError(
            f"{known.option} {known} names a column, which takes a label file: give it with --labels, or name "
            f"{options}."
        )
    by_path = column(labels, label_table(pictures.source, labels.path), paths, known.argument, known.option)
    return [by_path.get(path, "") for path in paths]


def _folder(level: int) -> Callable[[str], str]:
    """The folder that lies so many levels above a picture, with all above it."""

    def of(path: str) -> str:
        above = path.split("/")[:-level]
        return "/".join(above)

    return of


def _match(pattern: str) -> Callable[[str], str]:
    """What the pattern finds in the file's name: its groups, or all of it where it has none."""
    compiled = re.compile(pattern)

    def of(path: str) -> str:
        match = compiled.search(path.rpartition("/")[2])
        return "" if match is None else "\0".join(part or "" for part in match.groups()) or match[0]

    return of


# ---- what the camera wrote ------------------------------------------------------------------------


@dataclass(frozen=True)
class Shot:
    """What EXIF says of a picture; nothing where it says nothing."""

    camera: str
    time: float | None


_MAKE, _MODEL, _CHANGED, _EXIF, _TAKEN, _FRACTION = 271, 272, 306, 0x8769, 36867, 37521


def _shots(pictures: Pictures) -> list[Shot]:
    return list(map_ordered(lambda picture: _shot(pictures.bytes(picture.path)), pictures.dataset.pictures))


def _shot(data: bytes) -> Shot:
    from PIL import Image

    try:
        with silence(), Image.open(BytesIO(data)) as picture:
            exif = picture.getexif()
            details = exif.get_ifd(_EXIF)
            words = [str(exif.get(tag, "")).strip(" \0") for tag in (_MAKE, _MODEL)]
            taken = str(details.get(_TAKEN) or exif.get(_CHANGED) or "").strip(" \0")
            fraction = str(details.get(_FRACTION) or "").strip(" \0")
    except DAMAGE:
        return Shot("", None)  # a damaged block says nothing
    time = _number(taken) if taken else None
    if time is not None and fraction.isdigit():
        time += float(f"0.{fraction}")
    return Shot(" ".join(filter(None, words)), time)
