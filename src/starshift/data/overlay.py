"""labels.overlay.csv: a person's decisions on labels, laid over what a source says. No picture or folder is touched.

Columns: file, digest, decision (relabel, drop or keep), label (of a relabelled picture), and by and when if wanted.
Pictures are known by their digest (SHA-256 of the file), so that a renamed or moved one is still meant.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import msgspec

from starshift.data.labels import Table, parse
from starshift.data.sources import composed, counted, some
from starshift.errors import DataError
from starshift.recipe import near
from starshift.records import Dataset, Picture, SetAside, Split

FILE = "labels.overlay.csv"
"""The file's name next to a run."""

DECISIONS = ("relabel", "drop", "keep")

COLUMNS = ("file", "digest", "decision", "label")
"""Those that must be there; by and when may follow."""


@dataclass(frozen=True)
class Decision:
    """One line: what is to become of one picture's label."""

    line: int  # in the file, the header being line 1
    file: str  # as it was called; only for the reader
    digest: str  # SHA-256 of the file's bytes, 64 hexadecimal digits
    decision: str  # of DECISIONS
    label: str  # the new class where the decision is "relabel", else ""
    by: str = ""
    when: str = ""


@dataclass(frozen=True)
class Overlay:
    """A file of decisions, read and checked."""

    name: str  # the file's name
    digest: str  # SHA-256 of the file
    decisions: Mapping[str, Decision]  # by the picture's digest
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overlaid:
    """A data set with decisions applied."""

    dataset: Dataset
    rows: tuple[int, ...]  # of each picture that is left, its index in the data set as it was
    relabelled: tuple[Picture, ...]  # as they were
    dropped: tuple[Picture, ...]
    kept: tuple[Picture, ...]
    settled: frozenset[str] = field(default=frozenset())  # digests of pictures whose label a person kept or gave


# ----------------------------------------------------------------------------------------------------
# The file


def read_overlay(file: Path, classes: Sequence[str]) -> Overlay:
    """Read and check a file of decisions. classes: those that pictures can be given.

    Raises DataError with every problem and its line: a missing column, an unknown decision, something that is no
    digest, a class that does not exist, a label where none belongs, lines that contradict each other.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"The overlay '{file}' cannot be read: {error.strerror or error}.") from error
    table = parse(content, file.name)
    if lacking := [column for column in COLUMNS if column not in table.columns]:
        raise DataError(
            f"'{table.name}' has no column {some(map(repr, lacking))}; an overlay has the columns "
            f"{', '.join(COLUMNS)}. Its columns: {', '.join(table.columns)}."
        )
    decisions = _decisions(table)
    if problems := [*_problems(table, decisions, classes), *_contradictions(table, decisions)]:
        raise DataError(problems)
    by_digest = {decision.digest: decision for decision in decisions}
    remarks = list(table.remarks)
    if twice := len(decisions) - len(by_digest):
        remarks.append(f"{table.name} says the same twice in {counted(twice, 'line')}.")
    return Overlay(table.name, hashlib.sha256(content).hexdigest(), by_digest, tuple(remarks))


def _decisions(table: Table) -> list[Decision]:
    def cells(column: str) -> list[str]:
        return table.cells(column) if column in table.columns else [""] * len(table.rows)

    columns = zip(*(cells(column) for column in (*COLUMNS, "by", "when")), strict=True)
    return [
        Decision(row.number, file, digest.lower(), decision.lower(), composed(label), by, when)
        for row, (file, digest, decision, label, by, when) in zip(table.rows, columns, strict=True)
    ]


def _problems(table: Table, decisions: Sequence[Decision], classes: Sequence[str]) -> list[str]:
    """What is wrong with single lines, as sentences."""
    found = []
    for one in decisions:
        where = f"Line {one.line} of '{table.name}'"
        if not re.fullmatch(r"[0-9a-f]{64}", one.digest):
            found.append(f"{where}: a digest is the SHA-256 of a file, 64 hexadecimal digits; {one.digest!r} came.")
        if one.decision not in DECISIONS:
            found.append(f"{where}: {one.decision!r} is no decision.{near(one.decision, DECISIONS)}")
        elif one.decision == "relabel":
            found += [f"{where}: {problem}" for problem in _label_problems(one.label, classes)]
        elif one.label:
            found.append(f"{where}: {one.decision} takes no label; {one.label!r} came. Leave the cell empty.")
    return found


def _label_problems(label: str, classes: Sequence[str]) -> list[str]:
    if not label:
        return ["relabel needs the new class in the column label."]
    if label in classes:
        return []
    close = get_close_matches(label, classes, n=1)
    return [f"there is no class {label!r}. {f'Did you mean {close[0]!r}?' if close else f'There are {some(classes)}.'}"]


def _contradictions(table: Table, decisions: Sequence[Decision]) -> list[str]:
    """Pictures on which lines decide differently, as sentences."""
    lines: dict[str, list[Decision]] = defaultdict(list)
    for one in decisions:
        lines[one.digest].append(one)
    return [
        f"Lines {some(one.line for one in same)} of '{table.name}' contradict each other on one picture "
        f"({some(dict.fromkeys(one.file for one in same), 3)}): {some(dict.fromkeys(map(_in_words, same)))}. "
        "Leave one of them."
        for same in lines.values()
        if len({(one.decision, one.label) for one in same}) > 1
    ]


def _in_words(one: Decision) -> str:
    return f"{one.decision} as {one.label!r}" if one.decision == "relabel" else one.decision


# ----------------------------------------------------------------------------------------------------
# The data set


def lay(overlay: Overlay, dataset: Dataset, *, min_per_class: int) -> Overlaid:
    """Apply decisions to a data set; what they did is among its remarks, dropped pictures among its files set aside.

    A decision is about every exact copy of its picture. Raises DataError where a class would be left with fewer than
    `min_per_class` pictures to learn from.
    """
    decided = [overlay.decisions.get(picture.digest) for picture in dataset.pictures]
    by_kind: dict[str, list[Picture]] = {kind: [] for kind in DECISIONS}
    left: list[tuple[int, Picture]] = []
    for index, (picture, one) in enumerate(zip(dataset.pictures, decided, strict=True)):
        if one is not None and (one.decision != "relabel" or one.label != picture.label):
            by_kind[one.decision].append(picture)
        if one is None or one.decision != "drop":
            label = one.label if one and one.decision == "relabel" else picture.label
            left.append((index, msgspec.structs.replace(picture, label=label)))
    pictures = tuple(picture for _, picture in left)
    classes = dataset.classes if dataset.target.is_classes else ()
    if lacks := _lacks(overlay, classes, pictures, min_per_class):
        raise DataError(lacks)
    aside = [
        SetAside(picture.path, "dropped", f"Line {overlay.decisions[picture.digest].line} of {overlay.name} drops it.")
        for picture in by_kind["drop"]
    ]
    changed = msgspec.structs.replace(
        dataset,
        examples=pictures,
        further={name: tuple(labels[index] for index, _ in left) for name, labels in dataset.further.items()},
        set_aside=tuple(sorted([*dataset.set_aside, *aside], key=lambda lost: lost.path)),
        remarks=(*dataset.remarks, *overlay.remarks, *_remarks(overlay, dataset)),
    )
    here = {picture.digest for picture in pictures}
    return Overlaid(
        dataset=changed,
        rows=tuple(index for index, _ in left),
        relabelled=tuple(by_kind["relabel"]),
        dropped=tuple(by_kind["drop"]),
        kept=tuple(by_kind["keep"]),
        settled=frozenset(here & overlay.decisions.keys()),
    )


def carry(split: Split, overlaid: Overlaid, overlay: Overlay) -> Split:
    """The same split of what is left: every picture stays in its part, whatever its label is now.

    Raises DataError where a class would have nothing to train on.
    """
    place = {row: index for index, row in enumerate(overlaid.rows)}
    parts = {
        part: tuple(place[row] for row in getattr(split, part) if row in place)
        for part in ("train", "validation", "test")
    }
    learned = {overlaid.dataset.pictures[index].label for index in parts["train"]}
    classes = overlaid.dataset.classes if overlaid.dataset.target.is_classes else ()
    if lacking := [name for name in classes if name not in learned]:
        raise DataError(
            f"With {overlay.name}, the training part has no picture of {some(map(repr, lacking))}. Change its lines, "
            "add pictures, or have the parts drawn anew with another --seed."
        )
    changed = f"relabelled {len(overlaid.relabelled):,} and dropped {len(overlaid.dropped):,}"
    return Split(**parts, how=f"{split.how}; made before {overlay.name} {changed}")


def _lacks(overlay: Overlay, classes: Sequence[str], pictures: Sequence[Picture], least: int) -> list[str]:
    """Classes that would have too few pictures to learn from, as sentences."""
    learned = Counter(picture.label for picture in pictures if picture.part in ("", "train"))
    return [
        f"With {overlay.name}, class '{name}' would have {counted(learned[name], 'picture')} to learn from; at least "
        f"{least} are needed. Change its lines, or add pictures."
        for name in classes
        if learned[name] < least
    ]


def _remarks(overlay: Overlay, dataset: Dataset) -> list[str]:
    """What a reader of the record should know of lines that did nothing, or more than one thing."""
    copies = Counter(picture.digest for picture in dataset.pictures)
    label_now = {picture.digest: picture.label for picture in dataset.pictures}
    gone = [one for digest, one in overlay.decisions.items() if digest not in copies]
    several = [one for digest, one in overlay.decisions.items() if copies[digest] > 1]
    idle = [one for one in overlay.decisions.values() if one.label and label_now.get(one.digest) == one.label]
    groups = (
        (gone, "of pictures that are not here"),
        (several, "of more than one copy of a picture"),
        (idle, "of labels that the pictures have already"),
    )
    return [f"{_lines(found)} of {overlay.name} spoke {what}: {_files(found)}." for found, what in groups if found]


def _lines(decisions: Sequence[Decision]) -> str:
    return f"Line{'s' if len(decisions) > 1 else ''} {some(one.line for one in decisions)}"


def _files(decisions: Sequence[Decision]) -> str:
    return some((one.file or f"digest {one.digest[:8]}…" for one in decisions), 5)
