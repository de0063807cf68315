"""Labels in file names: "{age:int}_{gender}_{race}_*.jpg" → columns, and files that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from starshift.data.kinds import Wanted
from starshift.data.layout import Layout, part_folders
from starshift.data.sources import composed, counted, parents, some
from starshift.data.told import Told, lay
from starshift.errors import DataError, UsageError
from starshift.recipe import near
from starshift.records import SetAside
from starshift.records.dataset import Part

TYPES = {"int": r"[+-]?\d+", "float": r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"}
"""What a field may be said to hold; without a type it holds any characters but "/"."""

ANYTHING = r"[^/]+?"

_WILD = {"*": "[^/]*", "?": "[^/]"}

_TOKEN = re.compile(r"\{([^{}]*)\}|([*?])|([^{}*?]+)|(.)", re.DOTALL)


class Piece(NamedTuple):
    """A stretch of a pattern: a field, a wildcard, or characters that stand for themselves."""

    text: str  # as written
    regex: str
    field: str = ""


@dataclass(frozen=True)
class Pattern:
    """A pattern of file names; fields are its columns."""

    text: str
    pieces: tuple[Piece, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(piece.field for piece in self.pieces if piece.field)

    def read(self, path: str) -> tuple[str, ...] | None:
        """What the fields hold in a file's path; None where the path does not fit."""
        match = re.fullmatch("".join(piece.regex for piece in self.pieces), self._part(path))
        return match.groups() if match else None

    def _part(self, path: str) -> str:
        """The end of a path that has as many folders as the pattern."""
        folders = self.text.count("/")
        return "/".join(composed(path).split("/")[-folders - 1 :])

    def why_not(self, path: str) -> str:
        """How far a path that does not fit does fit, as a clause."""
        name = self._part(path)
        if re.fullmatch("".join(piece.regex for piece in self.pieces), name, re.IGNORECASE):
            return "only capital letters differ"
        for count in range(len(self.pieces) - 1, 0, -1):
            match = re.match("".join(piece.regex for piece in self.pieces[:count]), name)
            if match:
                fits = "".join(piece.text for piece in self.pieces[:count])
                rest, wanted = name[match.end() :], self.pieces[count].text
                came = f"{rest[:20]!r} came" if rest else "the name ends there"
                return f"it fits as far as {fits!r}; then {wanted!r} was expected, and {came}"
        return f"it does not begin with {self.pieces[0].text!r}"


def parse(text: str) -> Pattern:
    """Read a pattern. Raises UsageError with everything that is wrong with it.

    {name} holds any characters, {name:int} and {name:float} a number; "*" and "?" are as in shells. It is about the
    file's name, or, with "/" in it, about the end of its path. Where a name can be divided in several ways, earlier
    fields are as short as they can be.
    """
    pieces: list[Piece] = []
    problems: list[str] = []
    for inside, wild, plain, stray in (match.groups() for match in _TOKEN.finditer(composed(text))):
        if stray:
            problems.append(f"{stray!r} stands alone; a field is written {{name}}.")
        elif wild:
            pieces.append(Piece(wild, _WILD[wild]))
        elif plain:
            pieces.append(Piece(plain, re.escape(plain)))
        else:
            piece, problem = _field(inside or "")
            pieces.append(piece)
            problems += [problem] if problem else []
    found = Pattern(composed(text), tuple(pieces))
    problems += _problems(found)
    if problems:
        raise UsageError([f"--pattern {text!r}: {problem}" for problem in problems])
    return found


def _field(inside: str) -> tuple[Piece, str]:
    """A field, and what is wrong with it."""
    name, colon, kind = (part.strip() for part in inside.partition(":"))
    written = f"{{{inside}}}"
    problem = ""
    if not name:
        problem = f"{written} has no name."
    elif colon and kind not in TYPES:
        problem = f"{kind!r} in {written} is no type of field; {' and '.join(TYPES)} are.{near(kind, list(TYPES))}"
    return Piece(written, f"({TYPES.get(kind, ANYTHING)})", name or "?"), problem


def _problems(pattern: Pattern) -> list[str]:
    problems = []
    if not pattern.fields:
        problems.append("it has no field such as {species}, so that it tells no label.")
    twice = [name for name, count in Counter(pattern.fields).items() if count > 1]
    problems += [f"the field {name!r} stands in it twice." for name in twice]
    for one, following in pairwise(pattern.pieces):
        if ANYTHING in one.regex and (ANYTHING in following.regex or following.text in _WILD):
            problems.append(
                f"where {one.text} ends and {following.text} begins cannot be told; put a character between them, or "
                f"say {{{one.field}:int}} if it is a number."
            )
    return problems


def by_pattern(
    pattern: Pattern, targets: Sequence[Wanted], candidates: Sequence[str], folders: Sequence[str]
) -> Layout:
    """Give every picture the labels that its name says; files that do not fit are set aside, and told together.

    targets: fields to be predicted; may be none where there is only one. candidates, folders: as in a Listing. Raises
    DataError where a target is no field, or no file fits.
    """
    wanted = _wanted(pattern, targets)
    parts, remarks = part_folders(folders)
    layout = Layout("pattern in file names", remarks=remarks)
    told: list[Told] = []
    misfits: list[str] = []
    for path in candidates:
        cells = pattern.read(path)
        if cells is None:
            misfits.append(path)
            continue
        values = dict(zip(pattern.fields, cells, strict=True))
        part: Part = next((parts[f"{above}/"] for above in parents(path) if f"{above}/" in parts), "")
        told.append(Told(path, part, tuple(values[one.name] for one in wanted), path))
    if not told:
        raise DataError(_nothing_fits(pattern, misfits))
    layout.set_aside += [
        SetAside(path, "misfit", f"Its name does not fit {pattern.text!r}: {pattern.why_not(path)}.")
        for path in misfits
    ]
    if misfits:
        layout.remarks.append(_misfits(pattern, misfits, len(candidates)))
    lay(layout, wanted, told, "the file names")
    return layout


def column(pattern: Pattern, paths: Sequence[str], name: str, option: str) -> dict[str, str]:
    """What a field holds in each of these paths that fits. Raises DataError where there is no such field."""
    if name not in pattern.fields:
        raise DataError(_no_field(pattern, name, option))
    place = pattern.fields.index(name)
    found = ((path, pattern.read(path)) for path in paths)
    return {path: cells[place] for path, cells in found if cells}


def _wanted(pattern: Pattern, targets: Sequence[Wanted]) -> list[Wanted]:
    fields = pattern.fields
    if problems := [_no_field(pattern, one.name, "--target") for one in targets if one.name not in fields]:
        raise DataError(problems)
    if not targets and len(fields) > 1:
        raise DataError(
            f"The pattern {pattern.text!r} has several fields. Name the one to be predicted with --target, or several "
            f"of them: {some(map(repr, fields))}."
        )
    return list(targets) or [Wanted(fields[0])]


def _no_field(pattern: Pattern, name: str, option: str) -> str:
    fields = list(pattern.fields)
    return f"The pattern {pattern.text!r} has no field {name!r} ({option}).{near(name, fields)}"


def _nothing_fits(pattern: Pattern, misfits: Sequence[str]) -> str:
    return (
        f"No file name fits the pattern {pattern.text!r}. The first is {misfits[0]!r}: {pattern.why_not(misfits[0])}. "
        "Fields are written {name} or {name:int}; * stands for any characters, ? for one."
    )


def _misfits(pattern: Pattern, misfits: Sequence[str], files: int) -> str:
    which = "does not fit" if len(misfits) == 1 else "do not fit"
    shown = f"{some(map(repr, misfits))}. Of {misfits[0]!r}, {pattern.why_not(misfits[0])}"
    return (
        f"{counted(len(misfits), 'file name')} of {files:,} {which} the pattern {pattern.text!r}; the files are set "
        f"aside: {shown}."
    )
